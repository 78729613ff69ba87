"""Whose process holds memory."""

import pytest

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, ProcessId, Server, ServerState, Survivor
from backends.domain.vram_owners import (
    Held,
    held_by,
    rank_on,
    with_owners,
    with_survivor_memory,
)

OURS = frozenset({10, 11, 12})


def gpu(processes: tuple[GpuProcess, ...] | None) -> Gpu:
    memory = GpuMemory(100, 50, 1, unified=False, source="made")
    return Gpu(0, "GPU-0", "made", "nvidia", memory, processes=processes, processes_reason="")


def held(pid: int, name: str = "VLLM::EngineCore") -> GpuProcess:
    return GpuProcess(pid, name, 1)


@pytest.mark.parametrize(
    ("name", "pid", "rank"),
    [
        ("VLLM::Worker_TP0", 10, 0),
        ("VLLM::Worker_TP13", 10, 13),
        ("VLLM::Worker_DP1_TP2_EP2", 10, 2),
        ("VLLM::Worker_PP1_TP0", 10, None),
        ("VLLM::EngineCore", 10, None),
        ("VLLM::Worker_TP0", 99, None),
    ],
)
def test_the_rank_is_told_by_the_worker_that_holds_memory(
    name: str, pid: int, rank: int | None
) -> None:
    assert rank_on(gpu((held(pid, name),)), OURS) == rank


def test_every_listed_process_gets_its_owner() -> None:
    sample = GpuSample((gpu((held(11), held(99))), gpu(None)))
    seen, hidden = with_owners(sample, {"gpt-oss": OURS, "qwen": frozenset({20})}).gpus
    assert seen.processes is not None
    assert [each.owner for each in seen.processes] == ["gpt-oss", "other"]
    assert hidden.processes is None


# what survivors hold


def process(pid: int, used_bytes: int | None) -> GpuProcess:
    return GpuProcess(pid, "VLLM::Worker", used_bytes)


@pytest.mark.parametrize(
    ("on_gpus", "vram_bytes"),
    [
        (((process(10, 5),), (process(10, 7), process(99, 1))), 12),
        (((process(10, 5),), (process(10, None),)), None),
        (((process(10, None),), (process(10, 7),)), None),
        (((process(99, 1),), None), 3),
        (((process(10, 5),), (process(10, 0),)), 5),
    ],
)
def test_survivors_carry_what_they_hold_on_all_gpus(
    on_gpus: tuple[tuple[GpuProcess, ...] | None, ...], vram_bytes: int | None
) -> None:
    left = Survivor(ProcessId(10, 1), "VLLM::Worker", vram_bytes=3)
    server = Server("chat", Owner.MANAGED, ServerState.STOPPING, survivors=(left,))
    (seen,) = with_survivor_memory(server, GpuSample(tuple(map(gpu, on_gpus)))).survivors
    assert seen.vram_bytes == vram_bytes


def test_without_a_sample_survivors_stay_as_they_are() -> None:
    left = Survivor(ProcessId(10, 1), "VLLM::Worker", vram_bytes=3)
    server = Server("chat", Owner.MANAGED, ServerState.STOPPING, survivors=(left,))
    assert with_survivor_memory(server, None) is server


def test_a_process_that_holds_nothing_adds_nothing() -> None:
    listed = gpu((process(10, 5), process(11, 0)))
    owned = with_owners(GpuSample((listed,)), {"chat": OURS})
    assert held_by("chat", owned) == Held((0,), 5, "")


def test_a_server_may_hold_a_gpu_and_nothing_of_its_memory() -> None:
    none = GpuProcess(11, "VLLM::EngineCore", 0, "chat")
    some = GpuProcess(12, "VLLM::EngineCore", 7, "chat")
    assert held_by("chat", GpuSample((gpu((none,)),))) == Held((0,), 0, "")
    assert held_by("chat", GpuSample((gpu((none, some)),))) == Held((0,), 7, "")
