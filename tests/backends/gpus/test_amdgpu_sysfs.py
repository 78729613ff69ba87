"""AMD cards from made trees: whole, in partitions, sharing host memory, with files missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.domain.gpu import Gpu, GpuProcess
from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
from backends.gpus.proc import Proc
from backends.gpus.process_list import NAMESPACE
from tests.backends.gpus.amd_tree import (
    GIB,
    MI300X,
    STRIX_HALO,
    add_card,
    add_node,
    add_partition,
    add_process,
)

BDF = "0000:c1:00.0"
LOCATION = 0xC1 << 8
MakeProc = Callable[..., Proc]


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    return tmp_path / "sys"


def only(sys: Path, proc: Proc) -> Gpu:
    (gpu,) = AmdgpuSysfs(sys, proc=proc).sample(processes=True).gpus
    return gpu


def test_an_mi300x_in_one_piece(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 1, BDF, MI300X)
    add_node(sys, 0, 0, 0)
    add_node(sys, 1, 51110, LOCATION)
    add_process(sys, 4711, {51110: 168 * GIB})
    add_process(sys, 4712, {51110: 0})
    gpu = only(sys, made_proc({4711: "VLLM::EngineCore", 4712: "idle"}))
    assert (gpu.index, gpu.vendor, gpu.bdf, gpu.uuid) == (0, "amd", BDF, "GPU-8f3c2d")
    assert gpu.name == "AMD Instinct MI300X OAM"
    assert (gpu.memory.total_bytes, gpu.memory.used_bytes) == (192 * GIB, 170 * GIB)
    assert not gpu.memory.unified
    assert (gpu.busy_percent, gpu.power_w, gpu.temperature_c) == (98, 545, 61)
    assert gpu.partition == "SPX/NPS1"
    assert gpu.processes == (GpuProcess(4711, "VLLM::EngineCore", 168 * GIB),)
    assert [name for name, _ in gpu.reasons] == ["throttled"]


def test_eight_partitions_are_one_card_and_its_memory_counts_once(
    sys: Path, made_proc: MakeProc
) -> None:
    add_card(sys, 0, BDF, {**MI300X, "current_compute_partition": "CPX"})
    for number in range(8):
        add_node(sys, number + 1, 100 + number, LOCATION | number)
    for number in range(1, 8):
        add_partition(sys, number)
    add_process(sys, 4711, {100: 20 * GIB, 103: 30 * GIB})
    gpu = only(sys, made_proc({4711: "VLLM::EngineCore"}))
    assert gpu.partition == "CPX/NPS1 · 8 partitions"
    assert gpu.memory.total_bytes == 192 * GIB
    assert gpu.processes == (GpuProcess(4711, "VLLM::EngineCore", 50 * GIB),)


def test_two_cards_keep_their_own_processes(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 10, "0001:c1:00.0", MI300X)
    add_card(sys, 2, BDF, MI300X)
    add_node(sys, 1, 7, LOCATION, domain=1)
    add_node(sys, 2, 8, LOCATION)
    add_process(sys, 4711, {7: GIB})
    add_process(sys, 4712, {8: 2 * GIB})
    proc = made_proc({4711: "one", 4712: "other"})
    first, second = AmdgpuSysfs(sys, proc=proc).sample(processes=True).gpus
    assert (first.index, first.bdf) == (0, BDF)
    assert first.processes == (GpuProcess(4712, "other", 2 * GIB),)
    assert second.processes == (GpuProcess(4711, "one", GIB),)


@pytest.mark.parametrize("vram", [{}, {"mem_info_vram_total": 0, "mem_info_vram_used": 0}])
def test_a_processors_own_gpu_is_its_gtt_and_never_the_sum(
    sys: Path, made_proc: MakeProc, vram: dict[str, object]
) -> None:
    add_card(sys, 0, BDF, {**STRIX_HALO, **vram})
    memory = only(sys, made_proc()).memory
    assert memory.unified
    assert (memory.total_bytes, memory.used_bytes) == (62 * GIB, 31 * GIB)
    assert memory.source.endswith("gtt")


def test_files_that_are_missing_are_reasons(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 0, BDF, {"mem_info_vram_total": 192 * GIB})
    gpu = only(sys, made_proc())
    assert gpu.memory.total_bytes == 192 * GIB
    assert gpu.memory.used_bytes is None
    assert "no vram used" in gpu.memory.reason
    assert {name for name, _ in gpu.reasons} == {
        "busy_percent",
        "power_w",
        "temperature_c",
        "throttled",
    }
    assert gpu.name == "AMD GPU 0x74a1"
    assert gpu.processes is None
    assert "amdkfd" in gpu.processes_reason


def test_power1_input_and_edge_stand_in(sys: Path, made_proc: MakeProc) -> None:
    files = {
        name: content
        for name, content in MI300X.items()
        if "power1" not in name and "temp2" not in name
    }
    add_card(sys, 0, BDF, {**files, "hwmon/hwmon4/power1_input": 150_000_000})
    gpu = only(sys, made_proc())
    assert (gpu.power_w, gpu.temperature_c) == (150, 40)


@pytest.mark.parametrize("nonsense", ["", "N/A", "-1", "101"])
def test_nonsense_is_unknown(sys: Path, made_proc: MakeProc, nonsense: str) -> None:
    add_card(sys, 0, BDF, {**MI300X, "gpu_busy_percent": nonsense})
    assert only(sys, made_proc()).busy_percent is None


def test_more_used_than_there_is(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 0, BDF, {**MI300X, "mem_info_vram_used": 200 * GIB})
    memory = only(sys, made_proc()).memory
    assert memory.used_bytes is None
    assert "are used" in memory.reason


def test_pids_of_the_host_seen_from_a_container(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 0, BDF, MI300X)
    add_node(sys, 1, 7, LOCATION)
    add_process(sys, 99001, {7: GIB})
    gpu = only(sys, made_proc({1: "init"}))
    assert gpu.processes is None
    assert gpu.processes_reason == NAMESPACE


def test_an_empty_list_on_a_full_card_is_no_free_card(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 0, BDF, MI300X)
    add_node(sys, 1, 7, LOCATION)
    (sys / "class/kfd/kfd/proc").mkdir()
    gpu = only(sys, made_proc())
    assert gpu.processes == ()
    assert "no process though 170.0 GiB" in gpu.processes_reason


def test_cards_of_other_vendors_and_hosts_without_any(sys: Path, made_proc: MakeProc) -> None:
    source = AmdgpuSysfs(sys, proc=made_proc())
    assert source.sample(processes=True).gpus == ()
    add_card(sys, 0, BDF, {"vendor": "0x10de"})
    sample = source.sample(processes=True)
    assert sample.gpus == ()
    assert "no amdgpu device under" in sample.reason


def test_a_gpu_that_is_always_busy_has_a_value(sys: Path, made_proc: MakeProc) -> None:
    add_card(sys, 0, BDF, {**MI300X, "gpu_busy_percent": 100})
    assert only(sys, made_proc()).busy_percent == 100.0
