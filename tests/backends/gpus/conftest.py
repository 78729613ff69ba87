"""NVIDIA's real binding over a library compiled here; the machine needs gcc, but no GPU."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from backends.gpus.proc import Proc
from tests.backends.gpus.nvml_stub import H200, Driver, Libraries, build, load


@pytest.fixture(scope="session")
def nvml_libraries(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the stub driver library")
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml_driver(
    nvml_libraries: Libraries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Driver:
    """A driver with one H200; pynvml speaks to it."""
    state = tmp_path / "nvml-state"
    monkeypatch.setenv("NVML_STUB", str(state))
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    load(nvml_libraries.current)
    driver = Driver(state)
    driver.put(H200)
    return driver


@pytest.fixture
def nvml_host(
    nvml_driver: Driver, nvml_libraries: Libraries, monkeypatch: pytest.MonkeyPatch
) -> Driver:
    """The same driver, found by the loader in processes that are started from here."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(nvml_libraries.current.parent))
    return nvml_driver


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
