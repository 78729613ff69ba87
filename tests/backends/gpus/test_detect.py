"""Whatever this host has, as one source; nothing at all is a state with a reason."""

import ctypes
import os
import subprocess
import sys as python
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.gpus.detect import open_gpus
from backends.gpus.proc import Proc
from backends.gpus.vendors import VENDORS, GpuVendor
from tests.backends.gpus.amd_tree import MI300X, add_card
from tests.backends.gpus.nvml_stub import H200, Driver, Libraries

MakeProc = Callable[..., Proc]


@pytest.fixture
def no_nvidia() -> None:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return
    pytest.skip("this host has an NVIDIA driver")


def test_no_gpu_is_one_sentence(no_nvidia: None, tmp_path: Path, made_proc: MakeProc) -> None:
    source = open_gpus(sysfs=tmp_path, proc=made_proc())
    sample = source.sample(processes=True)
    assert sample.gpus == ()
    assert sample.reason == (
        "no NVIDIA driver library (libnvidia-ml.so.1) and "
        f"no amdgpu device under {tmp_path}/class/drm"
    )
    source.close()


def test_amd_alone_needs_no_word_about_nvidia(
    no_nvidia: None, tmp_path: Path, made_proc: MakeProc
) -> None:
    add_card(tmp_path, 0, "0000:c1:00.0", MI300X)
    sample = open_gpus(sysfs=tmp_path, proc=made_proc()).sample(processes=True)
    assert [gpu.vendor for gpu in sample.gpus] == ["amd"]
    assert sample.reason == ""


def test_both_vendors_at_once(nvml_host: Driver, tmp_path: Path, made_proc: MakeProc) -> None:
    add_card(tmp_path / "sys", 0, "0000:c2:00.0", MI300X)
    source = open_gpus(
        sysfs=tmp_path / "sys", proc=made_proc({7: "cpu-vllm"}), cpu_server_pids=lambda: [7]
    )
    sample = source.sample(processes=True)
    assert [gpu.vendor for gpu in sample.gpus] == ["nvidia", "amd", "host"]
    assert sample.reason == ""


def test_a_broken_nvidia_driver_is_told_beside_amd_cards(
    nvml_host: Driver, tmp_path: Path, made_proc: MakeProc
) -> None:
    nvml_host.put({"err.nvmlInitWithFlags": 18})
    add_card(tmp_path / "sys", 0, "0000:c2:00.0", MI300X)
    sample = open_gpus(sysfs=tmp_path / "sys", proc=made_proc()).sample(processes=True)
    assert [gpu.vendor for gpu in sample.gpus] == ["amd"]
    assert "differ in version" in sample.reason


def test_the_library_is_found_as_the_loader_finds_it(
    nvml_libraries: Libraries, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_text("".join(f"{name}={value}\n" for name, value in H200.items()))
    program = (
        "from backends.gpus.detect import open_gpus\n"
        "for gpu in open_gpus().sample(processes=True).gpus: print(gpu.name, gpu.memory.source)"
    )
    environment = {
        **os.environ,
        "NVML_STUB": str(state),
        "LD_LIBRARY_PATH": str(nvml_libraries.current.parent),
    }
    done = subprocess.run(
        [python.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "NVIDIA H200 nvml memory v2" in done.stdout.splitlines()


def test_a_vendor_is_one_row(
    no_nvidia: None, tmp_path: Path, made_proc: MakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = GpuVendor("third", "Third", lambda *_: pytest.fail("opened"), lambda _: "no third card")
    monkeypatch.setattr("backends.gpus.detect.VENDORS", (third, *VENDORS))
    sample = open_gpus(sysfs=tmp_path, proc=made_proc()).sample(processes=False)
    assert sample.reason == (
        "no NVIDIA driver library (libnvidia-ml.so.1) and no third card and "
        f"no amdgpu device under {tmp_path}/class/drm"
    )
