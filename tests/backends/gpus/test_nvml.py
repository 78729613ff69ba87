"""NVIDIA's real binding over the stub library: every figure known, or explained."""

import dataclasses
from collections.abc import Callable

import pynvml
import pytest

from backends.domain.gpu import Gpu, GpuProcess
from backends.gpus.nvml import NvmlGpus
from backends.gpus.nvml_device import throttle_words
from backends.gpus.proc import Proc
from backends.gpus.process_list import NAMESPACE, NOT_ASKED
from tests.backends.gpus.nvml_stub import GIB, Driver, Libraries, load

MakeProc = Callable[..., Proc]


class Clock:
    def __init__(self) -> None:
        self.at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


def only(source: NvmlGpus, *, processes: bool = True) -> Gpu:
    (gpu,) = source.sample(processes=processes).gpus
    return gpu


def reason(gpu: Gpu, name: str) -> str:
    return dict(gpu.reasons)[name]


@pytest.fixture
def source(nvml_driver: Driver, made_proc: MakeProc) -> NvmlGpus:
    return NvmlGpus(now=Clock(), proc=made_proc({4711: "VLLM::EngineCore", 4712: "trainer"}))


def test_a_healthy_card(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.procs": f"4711:{58 * GIB},4712:{GIB}"})
    gpu = only(source)
    assert (gpu.index, gpu.uuid, gpu.name, gpu.bdf) == (
        0,
        "GPU-6b1c",
        "NVIDIA H200",
        "0000:c1:00.0",
    )
    assert gpu.memory.total_bytes == 141 * GIB
    assert gpu.memory.used_bytes == 60 * GIB
    assert gpu.memory.reserved_bytes == 1 * GIB
    assert gpu.memory.source == "nvml memory v2"
    assert (gpu.busy_percent, gpu.power_w, gpu.temperature_c) == (97.0, 412.5, 54.0)
    assert gpu.throttled == ("power cap",)
    assert gpu.processes == (
        GpuProcess(4711, "VLLM::EngineCore", 58 * GIB),
        GpuProcess(4712, "trainer", GIB),
    )
    assert gpu.reasons == ()


def test_an_old_driver_is_read_by_its_old_calls_and_says_so(
    source: NvmlGpus, nvml_libraries: Libraries
) -> None:
    load(nvml_libraries.old)
    gpu = only(source)
    assert gpu.memory.used_bytes == 61 * GIB
    assert gpu.memory.reserved_bytes is None
    assert gpu.memory.source == "nvml memory v1"
    assert "reserve" in gpu.memory.reason
    assert gpu.temperature_c == 54.0
    assert gpu.throttled is None
    assert "too old" in reason(gpu, "throttled")
    assert gpu.processes is None
    assert "too old" in gpu.processes_reason


def test_a_binding_older_than_the_call_falls_back(
    source: NvmlGpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pynvml, "nvmlDeviceGetTemperatureV")
    assert only(source).temperature_c == 54.0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "not supported"),
        (4, "permission"),
        (13, "too old"),
        (15, "fallen off the bus"),
        (16, "reset"),
        (999, "unknown error"),
        (23, "NVML error 23"),
    ],
)
def test_each_error_becomes_a_reason(
    source: NvmlGpus, nvml_driver: Driver, code: int, words: str
) -> None:
    nvml_driver.put(
        {
            f"0.err.{call}": code
            for call in (
                "nvmlDeviceGetUtilizationRates",
                "nvmlDeviceGetPowerUsage",
                "nvmlDeviceGetTemperatureV",
                "nvmlDeviceGetTemperature",
                "nvmlDeviceGetCurrentClocksEventReasons",
                "nvmlDeviceGetComputeRunningProcesses_v3",
            )
        }
    )
    gpu = only(source)
    assert (gpu.busy_percent, gpu.power_w, gpu.temperature_c, gpu.throttled) == (None,) * 4
    for name in ("busy_percent", "power_w", "temperature_c", "throttled"):
        assert words in reason(gpu, name)
    assert gpu.processes is None
    assert words in gpu.processes_reason
    assert gpu.memory.used_bytes == 60 * GIB


def test_a_lost_card_does_not_hide_its_neighbour(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"count": 2, "1.name": "NVIDIA H200", "1.total": GIB * 141, "1.used": GIB})
    nvml_driver.put({"1.reserved": GIB})
    nvml_driver.put({"0.err.nvmlDeviceGetHandleByIndex_v2": 15})
    lost, well = source.sample(processes=True).gpus
    assert lost.memory.used_bytes is None
    assert "fallen off the bus" in lost.memory.reason
    assert well.memory.used_bytes == GIB


def test_a_card_lost_while_watching_keeps_its_name(source: NvmlGpus, nvml_driver: Driver) -> None:
    assert only(source).memory.used_bytes == 60 * GIB
    nvml_driver.put({"0.err.nvmlDeviceGetMemoryInfo_v2": 15})
    gpu = only(source)
    assert gpu.name == "NVIDIA H200"
    assert gpu.memory.total_bytes is None
    assert "fallen off the bus" in gpu.memory.reason


def test_a_lost_card_is_looked_for_again_on_a_new_connection(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    clock = Clock()
    source = NvmlGpus(now=clock, proc=made_proc())
    nvml_driver.put({"0.err.nvmlDeviceGetHandleByIndex_v2": 15})
    assert "fallen off" in only(source).memory.reason
    nvml_driver.put({"0.err.nvmlDeviceGetHandleByIndex_v2": None})
    for after_s in (59, 60):
        clock.at_s = 1000.0 + after_s
        assert "fallen off" in only(source).memory.reason
    clock.at_s = 1061.0
    assert only(source).memory.used_bytes == 60 * GIB


def test_an_empty_list_beside_unknown_memory_proves_nothing(
    source: NvmlGpus, nvml_driver: Driver
) -> None:
    nvml_driver.put({"0.err.nvmlDeviceGetMemoryInfo_v2": 15})
    assert "unknown" in only(source).processes_reason


@pytest.mark.parametrize(
    ("code", "words"),
    [(9, "not loaded"), (18, "differ in version"), (999, "unknown error")],
)
def test_a_driver_that_does_not_start_is_a_state(
    nvml_driver: Driver, made_proc: MakeProc, code: int, words: str
) -> None:
    clock = Clock()
    source = NvmlGpus(now=clock, proc=made_proc())
    nvml_driver.put({"err.nvmlInitWithFlags": code})
    sample = source.sample(processes=True)
    assert sample.gpus == ()
    assert words in sample.reason
    assert not source.missing
    nvml_driver.put({"err.nvmlInitWithFlags": None})
    clock.at_s += 4
    assert source.sample(processes=True) == sample
    clock.at_s += 1
    assert only(source).memory.used_bytes == 60 * GIB


@pytest.mark.parametrize(
    ("keys", "figure", "words"),
    [
        ({"0.busy": 4294967295}, "busy_percent", "4294967295 %"),
        ({"0.power_mw": 4294967295}, "power_w", "4294967 W"),
        ({"0.celsius": 61000}, "temperature_c", "61000 °C"),
    ],
)
def test_garbage_without_an_error_is_unknown(
    source: NvmlGpus, nvml_driver: Driver, keys: dict[str, object], figure: str, words: str
) -> None:
    nvml_driver.put(keys)
    gpu = only(source)
    assert getattr(gpu, figure) is None
    assert words in reason(gpu, figure)
    assert gpu.memory.used_bytes == 60 * GIB


def test_garbage_where_a_name_or_a_count_should_be(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.name": "\udcff\udcfe"})
    assert only(source).name == "NVIDIA GPU 0"
    source.close()
    nvml_driver.put({"count": 4294967295})
    assert "4294967295 GPUs, which cannot be" in source.sample(processes=True).reason


@pytest.mark.parametrize(("total_gib", "flagged"), [(141, False), (576, True)])
def test_a_total_that_counts_the_hosts_coherent_memory_is_flagged(
    source: NvmlGpus, nvml_driver: Driver, total_gib: int, flagged: bool
) -> None:
    nvml_driver.put({"0.name": "NVIDIA GH200 144G HBM3e", "0.total": total_gib * GIB})
    assert ("host's memory is counted too" in only(source).memory.reason) == flagged


def test_more_used_than_there_is_is_not_believed(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.used": 200 * GIB})
    memory = only(source).memory
    assert memory.used_bytes is None
    assert "are used" in memory.reason


# processes


def test_memory_of_a_process_may_be_unknown(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.procs": "4711:na"})
    assert only(source).processes == (GpuProcess(4711, "VLLM::EngineCore", None),)


def test_a_process_that_computes_and_draws_counts_once(
    source: NvmlGpus, nvml_driver: Driver
) -> None:
    nvml_driver.put({"0.procs": f"4711:{GIB}", "0.drawing": f"4711:{GIB},4712:5"})
    assert only(source).processes == (
        GpuProcess(4711, "VLLM::EngineCore", GIB),
        GpuProcess(4712, "trainer", 5),
    )


@pytest.mark.parametrize("listed", ["0:1000", f"4711:{142 * GIB}"])
def test_a_shifted_list_is_dropped_but_the_memory_stays(
    source: NvmlGpus, nvml_driver: Driver, listed: str
) -> None:
    nvml_driver.put({"0.procs": listed})
    gpu = only(source)
    assert gpu.processes is None
    assert "inconsistent" in gpu.processes_reason
    assert gpu.memory.used_bytes == 60 * GIB


def test_pids_of_the_host_seen_from_a_container(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.procs": f"99001:{GIB},99002:{GIB}"})
    gpu = only(source)
    assert gpu.processes is None
    assert gpu.processes_reason == NAMESPACE


def test_one_process_of_two_not_visible(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put({"0.procs": f"4711:{GIB},99002:{GIB}"})
    gpu = only(source)
    assert gpu.processes is not None
    assert [each.pid for each in gpu.processes] == [4711]
    assert "1 of 2" in gpu.processes_reason


def test_an_empty_list_is_not_a_free_card(source: NvmlGpus, nvml_driver: Driver) -> None:
    assert "no process though 60.0 GiB" in only(source).processes_reason
    nvml_driver.put({"0.used": 8 << 20})
    assert only(source).processes_reason == ""


# how often


def test_costly_figures_are_read_less_often(nvml_driver: Driver, made_proc: MakeProc) -> None:
    clock = Clock()
    source = NvmlGpus(now=clock, proc=made_proc({1: "a", 2: "b"}))
    nvml_driver.put({"0.procs": "1:10"})
    first = only(source)
    nvml_driver.put({"0.used": 61 * GIB, "0.busy": 1, "0.celsius": 60, "0.procs": "2:10"})

    def seen(after_s: float) -> tuple[int | None, float | None, float | None, int]:
        clock.at_s = 1000.0 + after_s
        gpu = only(source)
        assert gpu.processes is not None
        return gpu.memory.used_bytes, gpu.busy_percent, gpu.temperature_c, gpu.processes[0].pid

    assert first.busy_percent == 97.0
    assert seen(0.25) == (61 * GIB, 97.0, 54.0, 1)
    assert seen(1.0) == (61 * GIB, 1.0, 54.0, 1)
    assert seen(2.0) == (61 * GIB, 1.0, 54.0, 2)
    assert seen(5.0) == (61 * GIB, 1.0, 60.0, 2)


def test_a_list_is_seldom_renewed_while_the_memory_in_use_does_not_change(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    clock = Clock()
    source = NvmlGpus(now=clock, proc=made_proc({1: "a", 2: "b", 3: "c"}))

    def pid(after_s: float) -> int:
        clock.at_s = 1000.0 + after_s
        (process,) = only(source).processes or ()
        return process.pid

    nvml_driver.put({"0.procs": "1:10"})
    assert pid(0) == 1
    nvml_driver.put({"0.procs": "2:10"})
    assert (pid(3), pid(14.9), pid(15)) == (1, 1, 2)
    nvml_driver.put({"0.procs": "3:10", "0.used": 59 * GIB})
    assert (pid(16), pid(17)) == (2, 3)


def test_an_unrenewed_list_is_kept_for_a_while_and_then_dropped(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    clock = Clock()
    source = NvmlGpus(now=clock, proc=made_proc({1: "a"}))
    nvml_driver.put({"0.procs": "1:10"})
    assert only(source, processes=False).processes_reason.startswith(NOT_ASKED)
    assert only(source).processes is not None
    clock.at_s += 19
    assert only(source, processes=False).processes is not None
    clock.at_s += 2
    gpu = only(source, processes=False)
    assert gpu.processes is None
    assert gpu.processes_reason == NOT_ASKED


# unified memory


def test_a_gpu_without_memory_of_its_own_is_the_sum_of_its_processes(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    source = NvmlGpus(proc=made_proc({1: "a", 2: "b"}, total_gib=120))
    nvml_driver.put({"err.nvmlDeviceGetMemoryInfo_v2": 3, "0.procs": f"1:{3 * GIB},2:{4 * GIB}"})
    memory = only(source, processes=False).memory
    assert memory.unified
    assert memory.used_bytes == 7 * GIB
    assert memory.total_bytes == 120 * GIB
    assert memory.host_available_bytes == 60 * GIB


@pytest.mark.parametrize("total_gib", [0, 119])
def test_a_total_of_nothing_or_of_the_host_is_unified(
    nvml_driver: Driver, made_proc: MakeProc, total_gib: int
) -> None:
    nvml_driver.put({"0.total": total_gib * GIB, "0.used": 0, "0.reserved": 0})
    source = NvmlGpus(proc=made_proc({}, total_gib=120))
    memory = only(source).memory
    assert memory.unified
    assert memory.used_bytes == 0


@pytest.mark.parametrize("host_gib", [128, 142, 150])
def test_a_host_with_as_much_memory_as_its_card_is_not_unified(
    nvml_driver: Driver, made_proc: MakeProc, host_gib: int
) -> None:
    source = NvmlGpus(proc=made_proc({}, total_gib=host_gib))
    assert not only(source).memory.unified


def test_unified_with_a_process_of_unknown_memory_is_unknown(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    source = NvmlGpus(proc=made_proc({1: "a"}, total_gib=120))
    nvml_driver.put({"err.nvmlDeviceGetMemoryInfo_v2": 3, "0.procs": "1:na"})
    memory = only(source).memory
    assert memory.used_bytes is None
    assert memory.reason


def test_unified_counts_processes_that_are_not_visible_here(
    nvml_driver: Driver, made_proc: MakeProc
) -> None:
    source = NvmlGpus(proc=made_proc({1: "a"}, total_gib=120))
    nvml_driver.put({"err.nvmlDeviceGetMemoryInfo_v2": 3, "0.procs": f"99001:{GIB}"})
    gpu = only(source)
    assert gpu.memory.used_bytes == GIB
    assert gpu.processes_reason == NAMESPACE


# MIG


def test_a_card_cut_into_mig_devices(source: NvmlGpus, nvml_driver: Driver) -> None:
    nvml_driver.put(
        {
            "0.migs": 2,
            "0.err.nvmlDeviceGetUtilizationRates": 3,
            "0.mig0.uuid": "MIG-aaaa",
            "0.mig0.name": "NVIDIA H200 MIG 3g.71gb",
            "0.mig0.total": 70 * GIB,
            "0.mig0.used": 10 * GIB,
            "0.mig0.reserved": GIB,
            "0.mig0.procs": f"4711:{9 * GIB}",
            "0.mig1.uuid": "MIG-bbbb",
            "0.mig1.name": "NVIDIA H200 MIG 3g.71gb",
            "0.mig1.err.nvmlDeviceGetMemoryInfo_v2": 4,
        }
    )
    one, other = source.sample(processes=True).gpus
    assert (one.index, one.uuid, one.partition) == (0, "MIG-aaaa", "MIG 0")
    assert one.memory.used_bytes == 10 * GIB
    assert one.processes == (GpuProcess(4711, "VLLM::EngineCore", 9 * GIB),)
    assert one.busy_percent is None
    assert "whole card" in reason(one, "busy_percent")
    assert one.power_w is None
    assert one.temperature_c == 54.0
    assert other.uuid == "MIG-bbbb"
    assert not other.memory.unified
    assert "permission" in other.memory.reason


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x0, ()),
        (0x1, ()),
        (0x2 | 0x10 | 0x100, ()),
        (0x4, ("power cap",)),
        (0x8 | 0x40, ("hardware slowdown", "thermal (hardware)")),
        (0x20 | 0x80, ("thermal (software)", "power brake")),
        (0x1 | 0x600, ("0x600",)),
        (0x4 | 0x8000, ("power cap", "0x8000")),
    ],
)
def test_throttle_bits(bits: int, words: tuple[str, ...]) -> None:
    assert throttle_words(bits) == words


def test_closing_lets_the_driver_go_and_sampling_again_opens_it(source: NvmlGpus) -> None:
    before = only(source)
    source.close()
    after = only(source)
    assert dataclasses.replace(after, processes_reason="") == dataclasses.replace(
        before, processes_reason=""
    )


@pytest.mark.parametrize(
    ("total_gib", "unified"), [(89, False), (90, True), (100, True), (101, False)]
)
def test_a_total_of_nine_tenths_of_the_hosts_up_to_all_of_it_is_unified(
    nvml_driver: Driver, made_proc: MakeProc, total_gib: int, unified: bool
) -> None:
    nvml_driver.put({"0.total": total_gib * GIB, "0.used": 0, "0.reserved": 0})
    source = NvmlGpus(proc=made_proc({}, total_gib=100))
    assert only(source).memory.unified is unified


@pytest.mark.parametrize(
    ("key", "most", "name"),
    [
        ("busy", 100, "busy_percent"),
        ("power_mw", 5_000_000, "power_w"),
        ("celsius", 150, "temperature_c"),
    ],
)
def test_the_most_that_a_card_can_say_is_a_value_and_more_is_none(
    nvml_driver: Driver, made_proc: MakeProc, key: str, most: int, name: str
) -> None:
    nvml_driver.put({f"0.{key}": most})
    found = only(NvmlGpus(proc=made_proc()))
    assert getattr(found, name) == (most / 1000 if name == "power_w" else most)
    nvml_driver.put({f"0.{key}": most + 1})
    found = only(NvmlGpus(proc=made_proc()))
    assert getattr(found, name) is None
    assert "which cannot be" in reason(found, name)
