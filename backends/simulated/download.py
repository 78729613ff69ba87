"""Fetches a made-up checkpoint into the Hugging Face cache, as huggingface_hub lays it out."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from backends.discovery.models import hub_folder
from backends.discovery.surroundings import Surroundings

_PIECE = bytes(1 << 20)
_REVISION = "0123456789abcdef0123456789abcdef01234567"
_SHARD = "model-00001-of-00001.safetensors"


@dataclass(slots=True)
class Fetch:
    """One file of weights on its way; its index is there first, as vLLM looks it up before."""

    model: str
    around: Surroundings
    size_bytes: int
    _folder: Path = field(init=False)
    _came_bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Lay out the folders and the index."""
        name = f"models--{self.model.replace('/', '--')}"
        self._folder = hub_folder(self.around) / name
        (self._folder / "blobs").mkdir(parents=True, exist_ok=True)
        self._snapshot.mkdir(parents=True, exist_ok=True)
        index = {"metadata": {"total_size": self.size_bytes}, "weight_map": {"a": _SHARD}}
        (self._snapshot / "model.safetensors.index.json").write_text(json.dumps(index))

    @property
    def _snapshot(self) -> Path:
        return self._folder / "snapshots" / _REVISION

    def come(self, until_bytes: int) -> None:
        """Write what has come until now, `until_bytes` of the whole."""
        with (self._folder / "blobs" / "weights.incomplete").open("ab") as file:
            while self._came_bytes < until_bytes:
                piece = min(len(_PIECE), until_bytes - self._came_bytes)
                file.write(_PIECE[:piece])
                self._came_bytes += piece

    def finish(self) -> None:
        """Give the file its name."""
        blobs = self._folder / "blobs"
        (blobs / "weights.incomplete").replace(blobs / "weights")
        link = self._snapshot / _SHARD
        link.unlink(missing_ok=True)
        link.symlink_to(Path("../../blobs/weights"))
