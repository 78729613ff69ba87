"""The stub driver library: built with gcc, told what to say, and spoken to by pynvml."""

import ctypes
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pynvml

GIB = 1 << 30
SOURCE = Path(__file__).with_name("nvml_stub.c")

H200: dict[str, object] = {
    "count": 1,
    "0.uuid": "GPU-6b1c",
    "0.name": "NVIDIA H200",
    "0.bus_id": "00000000:C1:00.0",
    "0.total": 141 * GIB,
    "0.used": 60 * GIB,
    "0.reserved": 1 * GIB,
    "0.busy": 97,
    "0.power_mw": 412_500,
    "0.celsius": 54,
    "0.throttle": "0x4",
}


@dataclass(frozen=True)
class Libraries:
    """The stub as a current and as an old driver would be."""

    current: Path
    old: Path


def build(folder: Path) -> Libraries:
    """Compile both libraries into a folder, each under the name that the loader looks for."""
    return Libraries(_build(folder / "current"), _build(folder / "old", "-DOLD_DRIVER"))


def _build(folder: Path, *flags: str) -> Path:
    folder.mkdir()
    library = folder / "libnvidia-ml.so.1"
    # No soname: by it the loader would take the stub for the real library in this process.
    order = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", *flags]
    subprocess.run([*order, "-o", str(library), str(SOURCE)], check=True)
    return library


def load(library: Path) -> ctypes.CDLL:
    """Make pynvml speak to a library, and return it."""
    pynvml.nvmlLib = ctypes.CDLL(str(library))
    pynvml._nvmlGetFunctionPointer_cache.clear()
    loaded: ctypes.CDLL = pynvml.nvmlLib
    return loaded


class Driver:
    """What the stub driver says, changed as a test goes; a value of None takes a key away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, object] = {}

    def put(self, keys: dict[str, object]) -> None:
        """Change some keys."""
        self._keys.update(keys)
        lines = [f"{name}={value}\n" for name, value in self._keys.items() if value is not None]
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        fresh.replace(self._path)
