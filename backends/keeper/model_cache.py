"""How much of a model is in the Hugging Face cache, finished or not.

The layout is huggingface_hub's: ``models--ORG--NAME/blobs`` holds the files by their hash, those
still being fetched as ``*.incomplete``, and ``snapshots/REVISION`` holds links to them by name.
Xet transfers write the same ``*.incomplete`` files; their own cache of chunks is not counted, as
what passes through it arrives here.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.discovery.models import hub_folder
from backends.discovery.surroundings import Surroundings
from backends.domain.vllm_arguments import model_argument, value_of

_UNFINISHED = ".incomplete"
_WEIGHTS = ".safetensors"
_INDEX = "model.safetensors.index.json"
_INDEX_HEAD_BYTES = 4096
_TOTAL_SIZE = re.compile(rb'"total_size"\s*:\s*(\d{1,18})')
_BLOCK_BYTES = 512
"""The unit of ``st_blocks``, whatever the filesystem's own is (stat(2))."""


@dataclass(frozen=True, slots=True)
class Cached:
    """What the cache holds of one model.

    Attributes:
        size_bytes: all files, with what has come so far of those still being fetched.
        unfinished: bytes that have come so far, by the name of each file being fetched.
        weights_bytes: finished files of weights, and all unfinished ones.
        index_bytes: what the weights take in all by the checkpoint's index, None without one.
    """

    size_bytes: int
    unfinished: Mapping[str, int]
    weights_bytes: int
    index_bytes: int | None


def cache_folders(argv: tuple[str, ...], around: Surroundings) -> tuple[Path, ...]:
    """Return where a server would fetch its model to; empty where it serves a folder.

    vLLM fetches weights to ``--download-dir`` where that is given, the rest to the hub's cache.
    """
    model = model_argument(argv)
    if model is None or around.expand(model).is_dir() or not _NAME.fullmatch(model):
        return ()
    name = f"models--{model.replace('/', '--')}"
    own = value_of(("--download-dir",), argv)
    folders = [hub_folder(around), *([around.expand(own)] if own else [])]
    return tuple(dict.fromkeys(folder / name for folder in folders))


_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


def look(folders: tuple[Path, ...]) -> Cached:
    """Return what these folders hold now; a folder that is not there holds nothing."""
    size, weights, unfinished = 0, 0, {}
    index_bytes: int | None = None
    for folder in folders:
        for entry in _entries(folder / "blobs"):
            came = _came_bytes(entry)
            size += came
            if entry.name.endswith(_UNFINISHED):
                unfinished[entry.name] = came
        linked, index = _snapshots(folder / "snapshots")
        weights += linked
        index_bytes = index if index_bytes is None else index_bytes
    return Cached(size, unfinished, weights + sum(unfinished.values()), index_bytes)


def _snapshots(folder: Path) -> tuple[int, int | None]:
    """Return the bytes of the weights of all revisions, each file once, and the index's total."""
    sizes: dict[int, int] = {}
    index_bytes = None
    for snapshot in _entries(folder):
        for entry in _entries(Path(snapshot.path)):
            if entry.name.endswith(_WEIGHTS):
                stat = _stat(entry)
                sizes |= {stat.st_ino: stat.st_size} if stat else {}
            elif entry.name == _INDEX:
                index_bytes = _total_size(Path(entry.path))
    return sum(sizes.values()), index_bytes


def _total_size(index: Path) -> int | None:
    """Return ``metadata.total_size`` of an index, which stands at its one end or the other."""
    try:
        with index.open("rb") as file:
            head = file.read(_INDEX_HEAD_BYTES)
            file.seek(max(0, index.stat().st_size - _INDEX_HEAD_BYTES))
            found = _TOTAL_SIZE.search(head) or _TOTAL_SIZE.search(file.read())
    except OSError:
        return None
    return int(found[1]) if found else None


def _came_bytes(entry: os.DirEntry[str]) -> int:
    stat = _stat(entry)
    if stat is None:
        return 0
    # A file may be given its full size before its bytes come.
    if entry.name.endswith(_UNFINISHED):
        return min(stat.st_size, stat.st_blocks * _BLOCK_BYTES)
    return stat.st_size


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:  # finished, and so renamed, between the two looks
        return None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
