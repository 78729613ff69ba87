"""How much of a model lies in the Hugging Face cache, finished or not."""

from pathlib import Path


def cached_bytes(model: str, hub: Path) -> int:
    """Return the bytes of a model's files in the cache, those still being fetched included.

    Args:
        model: its name as the hub has it, ``org/name``.
        hub: the cache's folder, see `hub_folder`.
    """
    blobs = hub / f"models--{model.replace('/', '--')}" / "blobs"
    total = 0
    for entry in blobs.glob("*"):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:  # finished, and so renamed, between the two looks
            continue
    return total
