"""NVIDIA's real binding over a library compiled here; the machine needs gcc, but no GPU."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pynvml
import pytest

from backends.gpus.proc import Proc

STUB = Path(__file__).with_name("nvml_stub.c")
GIB = 1 << 30


@dataclass(frozen=True)
class Libraries:
    """The stub as a current and as an old driver would be."""

    current: Path
    old: Path


@pytest.fixture(scope="session")
def nvml_libraries(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc to compile the stub driver library")
    folder = tmp_path_factory.mktemp("nvml")

    def build(name: str, *flags: str) -> Path:
        library = folder / name / "libnvidia-ml.so.1"
        library.parent.mkdir()
        soname = "-Wl,-soname,libnvidia-ml.so.1"
        order = [gcc, "-shared", "-fPIC", "-Wall", "-Werror", soname, *flags]
        subprocess.run([*order, "-o", str(library), str(STUB)], check=True)
        return library

    return Libraries(build("current"), build("old", "-DOLD_DRIVER"))


class Driver:
    """The state of the stub driver, changed as a test goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, object] = {}

    def set(self, **keys: object) -> None:
        """Set keys; `_` at the start of a device's key is dropped, and `__` stands for a dot."""
        self.put({name.lstrip("_").replace("__", "."): value for name, value in keys.items()})

    def put(self, keys: dict[str, object]) -> None:
        self._keys.update(keys)
        lines = [f"{name}={value}\n" for name, value in self._keys.items() if value is not None]
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(lines))
        fresh.replace(self._path)


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


@pytest.fixture
def nvml_driver(
    nvml_libraries: Libraries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Driver:
    """A driver with one H200; pynvml speaks to it."""
    state = tmp_path / "nvml-state"
    monkeypatch.setenv("NVML_STUB", str(state))
    speak_to(nvml_libraries.current, monkeypatch)
    driver = Driver(state)
    driver.put(H200)
    return driver


def speak_to(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})


@pytest.fixture
def made_proc(tmp_path: Path) -> Callable[..., Proc]:
    """A maker of process file systems: pids with their names, and the host's memory."""

    def make(names: dict[int, str] | None = None, *, total_gib: int = 512) -> Proc:
        root = tmp_path / "proc"
        root.mkdir(exist_ok=True)
        kib = total_gib * 1024 * 1024
        (root / "meminfo").write_text(f"MemTotal: {kib} kB\nMemAvailable: {kib // 2} kB\n")
        for pid, name in (names or {}).items():
            (root / str(pid)).mkdir(exist_ok=True)
            (root / str(pid) / "cmdline").write_bytes(name.encode() + b"\0")
        return Proc(root)

    return make
