"""A driver that hangs, crashes or goes away costs its own figures and nobody else's."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from backends.domain.gpu import Gpu, GpuSample
from backends.gpus import driver as policy
from backends.gpus.detect import open_gpus
from backends.gpus.driver import AGAIN_S, GIVE_UP_S, STALE_S
from backends.gpus.driver import Driver as Sampled
from backends.gpus.proc import Proc
from backends.gpus.source import GpuSource
from backends.gpus.vendors import VENDORS
from tests.backends.gpus.amd_tree import MI300X, add_card
from tests.backends.gpus.nvml_stub import GIB, Driver

HANGS = "delay_ms.nvmlDeviceGetMemoryInfo_v2"
WEDGED: dict[str, object] = {HANGS: 600_000}
MENDED: dict[str, object] = {HANGS: None}
WITHIN_S = 20.0
NVIDIA = VENDORS[0]

MakeProc = Callable[..., Proc]


class Clock:
    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sampled(nvml_host: Driver, made_proc: MakeProc, clock: Clock) -> Iterator[Sampled]:
    source = Sampled(NVIDIA, Path("/sys"), made_proc({4711: "x"}).root, now=clock)
    yield source
    source.close()


def ask(sampled: Sampled, within_s: float = WITHIN_S) -> GpuSample:
    sampled.order(processes=True)
    return sampled.answer(within_s)


def only(sample: GpuSample) -> Gpu:
    (gpu,) = sample.gpus
    return gpu


def pid_of(sampled: Sampled) -> int:
    assert sampled._child is not None
    return sampled._child.pid


def test_figures_go_when_they_are_old_and_the_name_stays(
    sampled: Sampled, nvml_host: Driver, clock: Clock
) -> None:
    assert only(ask(sampled)).memory.used_bytes == 60 * GIB
    nvml_host.put(WEDGED)
    clock.at_s += STALE_S - 0.5
    assert only(ask(sampled, 0.1)).memory.used_bytes == 60 * GIB
    clock.at_s += 1
    gpu = only(ask(sampled, 0))
    assert (gpu.name, gpu.uuid, gpu.memory.total_bytes) == ("NVIDIA H200", "GPU-6b1c", 141 * GIB)
    figures = (gpu.busy_percent, gpu.power_w, gpu.temperature_c, gpu.throttled, gpu.processes)
    assert (gpu.memory.used_bytes, *figures) == (None,) * 6
    assert gpu.memory.reason.startswith("NVIDIA's driver has not answered for 1 s")
    assert gpu.memory.reason.endswith("60.0 GiB were used before")
    assert all("not answered" in why for _, why in gpu.reasons)


def test_a_late_answer_is_taken_when_it_comes(
    sampled: Sampled, nvml_host: Driver, clock: Clock
) -> None:
    ask(sampled)
    nvml_host.put({HANGS: 400})
    clock.at_s += 10
    assert only(ask(sampled, 0)).memory.used_bytes is None
    nvml_host.put({"0.used": 7 * GIB})
    assert only(ask(sampled, WITHIN_S)).memory.used_bytes == 7 * GIB
    assert not sampled.is_silent


def test_a_call_that_takes_a_minute_is_given_up_for_a_new_process(
    sampled: Sampled, nvml_host: Driver, clock: Clock
) -> None:
    ask(sampled)
    stuck = pid_of(sampled)
    nvml_host.put(WEDGED)
    clock.at_s += 1
    ask(sampled, 0)
    clock.at_s += GIVE_UP_S - 0.1
    ask(sampled, 0)
    assert pid_of(sampled) == stuck
    nvml_host.put(MENDED)
    clock.at_s += 0.2
    assert only(ask(sampled)).memory.used_bytes == 60 * GIB
    assert pid_of(sampled) != stuck


def test_a_process_that_cannot_be_killed_gets_no_second_one(
    sampled: Sampled, nvml_host: Driver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(sampled)
    stuck = pid_of(sampled)
    monkeypatch.setattr("backends.host.processes.send_to_child", lambda *_: False)
    nvml_host.put(WEDGED)
    clock.at_s += 1
    ask(sampled, 0)
    os.kill(stuck, signal.SIGSTOP)  # as in a wedged driver, it does not end with its input either
    os.waitpid(stuck, os.WUNTRACED)
    clock.at_s += GIVE_UP_S
    ask(sampled, 0)
    clock.at_s += GIVE_UP_S
    ask(sampled, 0)
    assert sampled._child is None
    monkeypatch.undo()
    os.kill(stuck, signal.SIGKILL)
    ended = sampled._ended
    assert ended is not None
    ended.ending()
    assert ended.is_gone()


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_told_and_a_new_process_started(
    sampled: Sampled, clock: Clock, how: signal.Signals
) -> None:
    ask(sampled)
    first = pid_of(sampled)
    os.kill(first, how)
    clock.at_s += STALE_S
    assert f"crashed ({how.name})" in only(ask(sampled)).memory.reason
    clock.at_s += AGAIN_S - 0.1
    assert only(ask(sampled)).memory.used_bytes is None
    clock.at_s += 0.2
    assert only(ask(sampled)).memory.used_bytes == 60 * GIB
    assert pid_of(sampled) != first


def test_a_driver_that_always_crashes_is_tried_less_and_less_often(
    nvml_host: Driver, clock: Clock, tmp_path: Path
) -> None:
    nvml_host.put({"crash.nvmlInitWithFlags": 1})
    sampled = Sampled(NVIDIA, Path("/sys"), tmp_path, now=clock)
    began: list[float] = []
    while len(began) < 6:
        sampled.order(processes=False)
        if sampled._child is not None:
            began.append(clock.at_s)
            assert "crashed (SIGSEGV)" in sampled.answer(WITHIN_S).reason
        clock.at_s += 1
    pauses = [later - earlier for earlier, later in pairwise(began)]
    assert pauses == [5, 10, 20, 40, 60]


# all vendors together


@pytest.fixture
def every_vendor(
    nvml_host: Driver, tmp_path: Path, made_proc: MakeProc, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GpuSource]:
    add_card(tmp_path / "sys", 0, "0000:c2:00.0", MI300X)
    monkeypatch.setattr(policy, "STALE_S", 0.2)
    source = open_gpus(
        sysfs=tmp_path / "sys", proc=made_proc({7: "cpu-vllm"}), cpu_server_pids=lambda: [7]
    )
    yield source
    source.close()


def used_gib_by_vendor(sample: GpuSample) -> dict[str, int | None]:
    return {
        gpu.vendor: gpu.memory.used_bytes and gpu.memory.used_bytes // GIB for gpu in sample.gpus
    }


def test_a_wedged_driver_holds_up_no_other_vendor(
    every_vendor: GpuSource, nvml_host: Driver, tmp_path: Path
) -> None:
    assert list(used_gib_by_vendor(every_vendor.sample(processes=True))) == [
        "nvidia",
        "amd",
        "host",
    ]
    nvml_host.put(WEDGED)
    every_vendor.sample(processes=True)  # this one waits, until it is late
    began_s = time.monotonic()
    for used_gib in range(20, 30):
        device = tmp_path / "sys/devices/pci0000:00/0000:c2:00.0"
        (device / "mem_info_vram_used").write_text(str(used_gib * GIB))
        seen = used_gib_by_vendor(every_vendor.sample(processes=True))
        assert (seen["nvidia"], seen["amd"]) == (None, used_gib)
        assert seen["host"] is not None
    assert time.monotonic() - began_s < WITHIN_S / 2
    nvml_host.put(MENDED)


def test_a_driver_wedged_from_the_start_holds_up_no_other_vendor(
    every_vendor: GpuSource, nvml_host: Driver
) -> None:
    nvml_host.put({"delay_ms.nvmlInitWithFlags": 600_000})
    sample = every_vendor.sample(processes=True)
    assert [gpu.vendor for gpu in sample.gpus] == ["amd", "host"]
    assert "NVIDIA's driver has not answered" in sample.reason


def test_closing_does_not_wait_for_a_wedged_driver(
    every_vendor: GpuSource, nvml_host: Driver
) -> None:
    every_vendor.sample(processes=False)
    nvml_host.put(WEDGED)
    every_vendor.sample(processes=False)
    began_s = time.monotonic()
    every_vendor.close()
    assert time.monotonic() - began_s < 5


def test_an_empty_library_is_no_missing_driver(
    tmp_path: Path, made_proc: MakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libnvidia-ml.so.1").touch()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    source = open_gpus(sysfs=tmp_path, proc=made_proc())
    sample = source.sample(processes=True)
    source.close()
    assert "the NVIDIA driver library does not load" in sample.reason
    assert "file too short" in sample.reason
