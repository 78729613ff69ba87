"""Finds models on disk: in the Hugging Face cache, and in plain folders."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backends.discovery.surroundings import Surroundings, entries_of, folders_in

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.(safetensors|bin|gguf)$")
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pt")
_LONGEST_INDEX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Model:
    """One model on disk.

    Attributes:
        name: what ``vllm serve`` takes: ``org/name`` from the cache, or the path of a folder.
        state: partial when a download has not come to its end, with the reason in `reason`.
        size_bytes: what it takes on disk.
        last_used_wall_s: when one of its files was last read, seconds since 1970 UTC; disks that
            do not note reading give the time of the download. None where nothing is there.
    """

    name: str
    path: Path
    state: Literal["complete", "partial"]
    size_bytes: int
    last_used_wall_s: float | None = None
    reason: str = ""


def hub_folder(around: Surroundings) -> Path:
    """Return where Hugging Face keeps models: ``HF_HUB_CACHE``, ``HF_HOME/hub`` or the default."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if hub := around.variable_path(variable):
            return hub
    if home := around.variable_path("HF_HOME"):
        return home / "hub"
    cache = around.variable_path("XDG_CACHE_HOME") or around.home / ".cache"
    return cache / "huggingface" / "hub"


def find_models(around: Surroundings, folders: Iterable[Path] = ()) -> tuple[Model, ...]:
    """Return the models of the cache and of plain `folders`, the last used first."""
    cached = (_cached(path) for path in folders_in(hub_folder(around)) if _is_model(path))
    local = (_local(path) for path in folders)
    models = [model for model in (*cached, *local) if model is not None]
    return tuple(sorted(models, key=lambda model: -(model.last_used_wall_s or 0)))


def weight_files(name: str, around: Surroundings) -> tuple[Path, ...]:
    """Return the weights that ``vllm serve NAME`` would read, empty where they are not here."""
    folder = around.expand(name)
    if not folder.is_dir():
        cached = hub_folder(around) / f"models--{name.replace('/', '--')}" / "snapshots"
        folder = next(iter(_newest_first(cached)), cached)
    return tuple(path for path in entries_of(folder) if path.suffix in _WEIGHT_SUFFIXES)


def missing_bytes(hub: Path, name: str) -> int | None:
    """Return how much of a model's weights is not in the cache yet.

    None where no index of them is there, which is fetched before the weights and is all of a
    model that tells their size without asking anybody.
    """
    folder = hub / f"models--{name.replace('/', '--')}"
    for snapshot in _newest_first(folder / "snapshots"):
        try:
            index = json.loads((snapshot / "model.safetensors.index.json").read_bytes())
            total = int(index["metadata"]["total_size"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        here, _ = _size_and_use(entries_of(folder / "blobs"))
        return max(0, total - here)
    return None


def _is_model(folder: Path) -> bool:
    return folder.name.startswith("models--")


def _cached(folder: Path) -> Model | None:
    name = folder.name.removeprefix("models--").replace("--", "/")
    blobs = entries_of(folder / "blobs")
    size, used = _size_and_use(blobs)
    unfinished = [blob for blob in blobs if blob.name.endswith(".incomplete")]
    snapshots = [_what_lacks(snapshot) for snapshot in _newest_first(folder / "snapshots")]
    if "" in snapshots:
        return Model(name, folder, "complete", size, used)
    if not snapshots and not blobs:
        return None
    lack = f"its download has not ended (open files: {len(unfinished)})" if unfinished else ""
    return Model(
        name, folder, "partial", size, used, lack or (snapshots or ["nothing is there"])[0]
    )


def _local(folder: Path) -> Model | None:
    lack = _what_lacks(folder)
    if lack.endswith("config.json"):
        return None
    size, used = _size_and_use(entries_of(folder))
    return Model(str(folder), folder, "partial" if lack else "complete", size, used, lack)


def _newest_first(snapshots: Path) -> list[Path]:
    return sorted(folders_in(snapshots), key=lambda path: -path.stat().st_mtime)


def _what_lacks(folder: Path) -> str:
    """Return what a model's folder lacks to be served, empty if nothing."""
    names = {path.name for path in entries_of(folder) if path.exists()}
    if not names & {"config.json", "params.json"}:
        return "it has no config.json"
    weights = {name for name in names if name.endswith(_WEIGHT_SUFFIXES)}
    if not weights:
        return "it has no weights"
    missing = sorted(set(_expected(folder, names, weights)) - names)
    return f"missing weight files: {len(missing)}, first {missing[0]}" if missing else ""


def _expected(folder: Path, names: set[str], weights: set[str]) -> Iterator[str]:
    """Yield the weight files that the numbers in the names, or else the index, call for.

    The index of a large model takes a tenth of a second to parse, so the names come first.
    """
    shards = {(name[: shard.start()], shard[2], shard[3]) for name, shard in _shards(weights)}
    for stem, total, suffix in shards:
        yield from (f"{stem}-{n:05}-of-{total}.{suffix}" for n in range(1, int(total) + 1))
    if not shards and "model.safetensors.index.json" in names:
        yield from _indexed(folder / "model.safetensors.index.json")


def _shards(weights: set[str]) -> Iterator[tuple[str, re.Match[str]]]:
    return ((name, shard) for name in weights if (shard := _SHARD.search(name)))


def _indexed(index: Path) -> set[str]:
    try:
        if index.stat().st_size > _LONGEST_INDEX_BYTES:
            return set()
        files = json.loads(index.read_bytes())["weight_map"].values()
        return {name for name in files if isinstance(name, str)}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return {"a readable model.safetensors.index.json"}


def _size_and_use(files: Iterable[Path]) -> tuple[int, float | None]:
    size, used = 0, 0.0
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        size += status.st_size
        used = max(used, status.st_atime, status.st_mtime)
    return size, used or None
