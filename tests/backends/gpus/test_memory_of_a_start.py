"""Two ranks load, size their KV cache and stop: what driver and log say together."""

from collections.abc import Callable
from functools import reduce

from backends.domain.gpu import GpuSample
from backends.domain.start import RankMemory, StartMemory
from backends.domain.vram import VramParts, vram_parts
from backends.domain.vram_owners import rank_on, with_owners
from backends.domain.vram_timeline import Timeline, TimelinePoint, with_point
from backends.gpus.nvml import NvmlGpus
from backends.gpus.proc import Proc
from tests.backends.gpus.nvml_stub import GIB, Driver

API, FIRST, SECOND, STRANGER = 100, 101, 102, 900
OURS = frozenset({API, FIRST, SECOND})
SIZED = StartMemory(
    weights_gib=35.0,
    kv_cache_gib=80.0,
    ranks=(
        RankMemory(0, weights_gib=35.0, kv_cache_gib=80.0, cuda_graphs_gib=1.0),
        RankMemory(1, weights_gib=33.0, kv_cache_gib=78.0),
    ),
)


def card(index: int, own_pid: int, own_gib: int, stranger_gib: int = 0) -> dict[str, object]:
    processes = [f"{own_pid}:{own_gib * GIB}"] if own_gib else []
    processes += [f"{STRANGER}:{stranger_gib * GIB}"] if stranger_gib else []
    return {
        f"{index}.name": "NVIDIA H200",
        f"{index}.total": 141 * GIB,
        f"{index}.used": (own_gib + stranger_gib) * GIB,
        f"{index}.reserved": GIB,
        f"{index}.procs": ",".join(processes),
    }


def parts(sample: GpuSample, memory: StartMemory) -> list[VramParts]:
    return [vram_parts(gpu, memory, OURS, rank=rank_on(gpu, OURS)) for gpu in sample.gpus]


def sizes_gib(seen: VramParts) -> dict[str, float | None]:
    return {
        name: None if part.size_bytes is None else part.size_bytes / GIB
        for name, part in seen.stack()
    }


def test_two_ranks_from_launch_to_stop(nvml_driver: Driver, made_proc: Callable[..., Proc]) -> None:
    names = {FIRST: "VLLM::Worker_TP0", SECOND: "VLLM::Worker_TP1", STRANGER: "jupyter"}
    at_s = [0.0]
    source = NvmlGpus(now=lambda: at_s[0], proc=made_proc(names))

    def sample(first_gib: int, second_gib: int) -> GpuSample:
        at_s[0] += 3
        nvml_driver.put({"count": 2, **card(0, FIRST, first_gib), **card(1, SECOND, second_gib, 2)})
        return source.sample(processes=True)

    idle, loading = sample(0, 0), sample(20, 18)
    assert [each.other_ours.size_bytes for each in parts(idle, StartMemory())] == [0, 0]
    half = parts(loading, StartMemory(weights_gib=35.0))
    assert [each.other_ours.size_bytes for each in half] == [20 * GIB, 18 * GIB]
    assert [each.weights.size_bytes for each in half] == [None, None]

    ready = sample(119, 115)
    first, second = parts(ready, SIZED)
    assert sizes_gib(first) == {
        "weights": 35,
        "kv_cache": 80,
        "cuda_graphs": 1,
        "other_ours": 3,
        "others": 0,
        "unattributed": 0,
        "reserved": 1,
        "free": 21,
    }
    assert sizes_gib(second) == {
        "weights": 33,
        "kv_cache": 78,
        "cuda_graphs": None,
        "other_ours": 4,
        "others": 2,
        "unattributed": 0,
        "reserved": 1,
        "free": 23,
    }
    owners = [
        (process.pid, process.owner)
        for gpu in with_owners(ready, {"llama": OURS}).gpus
        for process in gpu.processes or ()
    ]
    assert owners == [(FIRST, "llama"), (SECOND, "llama"), (STRANGER, "other")]

    stopped = sample(0, 0)
    assert [each.ours.size_bytes for each in parts(stopped, SIZED)] == [0, 0]
    assert [each.weights.size_bytes for each in parts(stopped, SIZED)] == [None, None]

    seen = [each.gpus[0].memory.used_bytes for each in (idle, loading, ready, stopped)]
    points = [TimelinePoint(3.0 * step, used) for step, used in enumerate(seen)]
    line = reduce(with_point, points, Timeline(capacity=2))
    assert max(point.used_bytes or 0 for point in line.points) == 119 * GIB
