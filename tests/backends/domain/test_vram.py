"""Who holds which part: the driver's figures and the log's together, and what neither says."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.format import GIB
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess
from backends.domain.start import RankMemory, StartMemory
from backends.domain.vram import vram_parts
from backends.domain.vram_owners import rank_on

OURS = frozenset({10, 11, 12})
LOGGED = StartMemory(weights_gib=65.0, kv_cache_gib=60.0, cuda_graphs_gib=0.5)


def gpu(
    processes: tuple[GpuProcess, ...] | None,
    *,
    total_gib: float = 141,
    used_gib: float | None = 130,
    reserved_gib: float | None = 1,
    unified: bool = False,
    available_gib: float | None = None,
    reason: str = "",
) -> Gpu:
    def size(gib: float | None) -> int | None:
        return None if gib is None else round(gib * GIB)

    memory = GpuMemory(
        size(total_gib),
        size(used_gib),
        size(reserved_gib),
        unified=unified,
        source="made",
        reason="broken" if used_gib is None else "",
        host_available_bytes=size(available_gib),
    )
    return Gpu(0, "GPU-0", "made", "nvidia", memory, None, None, None, processes, reason)


def held(pid: int, gib: float | None, name: str = "VLLM::EngineCore") -> GpuProcess:
    return GpuProcess(pid, name, None if gib is None else round(gib * GIB))


def gibs(parts: object) -> dict[str, float | None]:
    assert dataclasses.is_dataclass(parts)
    return {
        field.name: None if part.size_bytes is None else round(part.size_bytes / GIB, 2)
        for field in dataclasses.fields(parts)
        if hasattr(part := getattr(parts, field.name), "size_bytes")
    }


def test_a_ready_server_beside_another_process() -> None:
    parts = vram_parts(gpu((held(11, 128), held(99, 1.5, "jupyter"))), LOGGED, OURS)
    assert gibs(parts) == {
        "ours": 128,
        "weights": 65,
        "kv_cache": 60,
        "cuda_graphs": 0.5,
        "other_ours": 2.5,
        "others": 1.5,
        "unattributed": 0.5,
        "reserved": 1,
        "free": 10,
    }


def test_before_the_kv_cache_is_sized_only_the_drivers_figure_is_shown() -> None:
    loading = StartMemory(weights_gib=65.0)
    parts = vram_parts(gpu((held(11, 66),), used_gib=66.5), loading, OURS)
    assert parts.weights.size_bytes is None
    assert "KV cache" in parts.weights.reason
    assert parts.other_ours.size_bytes == parts.ours.size_bytes == 66 * GIB


def test_without_graphs_they_are_unknown_and_not_zero() -> None:
    eager = StartMemory(weights_gib=65.0, kv_cache_gib=60.0)
    parts = vram_parts(gpu((held(11, 128),)), eager, OURS)
    assert parts.cuda_graphs.size_bytes is None
    assert parts.cuda_graphs.reason
    assert parts.other_ours.size_bytes == 3 * GIB


def test_a_sleeping_server_is_not_shown_with_the_parts_it_had() -> None:
    parts = vram_parts(gpu((held(11, 2),), used_gib=2), LOGGED, OURS)
    assert parts.kv_cache.size_bytes is None
    assert "asleep" in parts.kv_cache.reason
    assert parts.other_ours.size_bytes == 2 * GIB


def test_a_rounding_of_the_log_does_not_make_the_parts_exceed_the_whole() -> None:
    parts = vram_parts(gpu((held(11, 125.46),)), LOGGED, OURS)
    assert gibs(parts)["kv_cache"] == 59.96
    assert parts.other_ours.size_bytes == 0


def test_each_rank_has_its_own_figures() -> None:
    ranks = (
        RankMemory(0, weights_gib=65.0, kv_cache_gib=60.0, cuda_graphs_gib=0.5),
        RankMemory(1, weights_gib=40.0, kv_cache_gib=50.0),
    )
    memory = dataclasses.replace(LOGGED, ranks=ranks)
    card = gpu((held(12, 128, "VLLM::Worker_TP1"),))
    parts = vram_parts(card, memory, OURS, rank=rank_on(card, OURS))
    assert (gibs(parts)["weights"], gibs(parts)["kv_cache"]) == (40, 50)
    assert gibs(parts)["cuda_graphs"] == 0.5


# what the driver does not say


def test_no_process_list_leaves_ours_unknown_and_the_log_still_speaks() -> None:
    parts = vram_parts(gpu(None, reason="pid namespace"), LOGGED, OURS, server_is_here=True)
    assert parts.ours.size_bytes is None
    assert parts.ours.reason == "pid namespace"
    assert parts.others.size_bytes is None
    assert gibs(parts)["weights"] == 65
    assert gibs(parts)["unattributed"] == 4.5


def test_the_logs_parts_are_not_laid_into_memory_that_may_be_somebody_elses() -> None:
    parts = vram_parts(gpu(None, reason="pid namespace"), LOGGED, OURS)
    assert parts.weights.size_bytes is None
    assert "pid namespace" in parts.weights.reason
    assert gibs(parts)["unattributed"] == 130


def test_no_process_list_but_the_use_before_the_start() -> None:
    parts = vram_parts(
        gpu(None, reason="pid namespace"), LOGGED, OURS, used_before_start_bytes=2 * GIB
    )
    assert (gibs(parts)["ours"], gibs(parts)["others"], gibs(parts)["other_ours"]) == (128, 2, 2.5)
    assert "estimated" in parts.ours.reason


def test_an_empty_list_on_a_full_gpu_does_not_make_ours_zero() -> None:
    parts = vram_parts(gpu((), reason="lists no process though"), StartMemory(), OURS)
    assert parts.ours.size_bytes is None
    assert gibs(parts)["unattributed"] == 130


def test_a_server_not_yet_on_the_gpu_holds_nothing() -> None:
    parts = vram_parts(gpu((), used_gib=0), StartMemory(), OURS)
    assert parts.ours.size_bytes == 0


def test_no_server_at_all() -> None:
    parts = vram_parts(gpu((held(99, 3),), used_gib=4), StartMemory(), frozenset())
    assert (gibs(parts)["ours"], gibs(parts)["others"], gibs(parts)["unattributed"]) == (0, 3, 1)


def test_a_process_of_unknown_memory_makes_the_sum_unknown() -> None:
    parts = vram_parts(gpu((held(10, 50), held(11, None), held(99, 1))), StartMemory(), OURS)
    assert parts.ours.size_bytes is None
    assert gibs(parts)["others"] == 1
    assert gibs(parts)["unattributed"] == 129


def test_unknown_use_leaves_free_unknown() -> None:
    parts = vram_parts(gpu((held(11, 128),), used_gib=None), LOGGED, OURS)
    assert parts.free.size_bytes is None
    assert parts.free.reason == "broken"
    assert gibs(parts)["weights"] == 65


def test_more_used_than_there_is_is_not_believed() -> None:
    parts = vram_parts(gpu((), used_gib=150), LOGGED, OURS)
    assert parts.used_bytes is None
    assert parts.free.size_bytes is None


def test_reserve_that_is_not_told_apart_is_unknown() -> None:
    parts = vram_parts(gpu((held(11, 128),), reserved_gib=None), LOGGED, OURS)
    assert parts.reserved.size_bytes is None
    assert "made" in parts.reserved.reason
    assert gibs(parts)["free"] == 11


def test_on_a_gpu_that_shares_the_hosts_memory_free_is_what_the_host_can_give() -> None:
    card = gpu(
        (held(11, 80),),
        total_gib=120,
        used_gib=80,
        reserved_gib=None,
        unified=True,
        available_gib=25,
    )
    parts = vram_parts(card, StartMemory(), OURS)
    assert (gibs(parts)["free"], gibs(parts)["unattributed"]) == (25, 15)
    assert "host" in parts.unattributed.reason


# always

sizes = st.one_of(st.none(), st.integers(0, 200 * GIB))
gib = st.one_of(st.none(), st.floats(0, 200))
processes = st.one_of(
    st.none(),
    st.lists(
        st.builds(GpuProcess, st.sampled_from([10, 11, 98, 99]), st.just("p"), sizes), max_size=5
    ).map(tuple),
)
memories = st.builds(
    StartMemory,
    weights_gib=gib,
    kv_cache_gib=gib,
    cuda_graphs_gib=gib,
    ranks=st.just(()),
)
gpus = st.builds(
    Gpu,
    st.just(0),
    st.just("GPU-0"),
    st.just("made"),
    st.just("nvidia"),
    st.builds(
        GpuMemory,
        sizes,
        sizes,
        sizes,
        unified=st.booleans(),
        source=st.just("made"),
        reason=st.just("because"),
        host_available_bytes=sizes,
    ),
    processes=processes,
    processes_reason=st.sampled_from(["", "because"]),
)


@given(gpus, memories, st.sampled_from([OURS, frozenset[int]()]), st.tuples(sizes, st.booleans()))
def test_parts_never_exceed_the_total_and_tile_it_where_it_is_known(
    card: Gpu, memory: StartMemory, pids: frozenset[int], known_otherwise: tuple[int | None, bool]
) -> None:
    before, here = known_otherwise
    parts = vram_parts(card, memory, pids, used_before_start_bytes=before, server_is_here=here)
    sizes = [part.size_bytes for _, part in parts.stack()]
    assert all(size is None or size >= 0 for size in sizes)
    if parts.total_bytes is not None:
        whole = sum(size or 0 for size in sizes)
        assert whole <= parts.total_bytes
        if parts.used_bytes is not None:
            assert whole == parts.total_bytes


@given(gpus, memories)
def test_whatever_is_unknown_has_a_reason(card: Gpu, memory: StartMemory) -> None:
    card = dataclasses.replace(card, processes_reason=card.processes_reason or "because")
    for _, part in vram_parts(card, memory, OURS).stack():
        assert part.size_bytes is not None or part.reason


def test_a_part_of_no_bytes_is_known() -> None:
    parts = vram_parts(
        gpu((held(11, 128),)), dataclasses.replace(LOGGED, cuda_graphs_gib=0.0), OURS
    )
    assert parts.cuda_graphs.size_bytes == 0


def test_parts_tile_the_memory_to_the_byte() -> None:
    memory = GpuMemory(1000, 600, 30, unified=False, source="made")
    processes = (GpuProcess(11, "VLLM::EngineCore", 250), GpuProcess(99, "other", 100))
    card = Gpu(0, "GPU-0", "made", "nvidia", memory, processes=processes)
    parts = vram_parts(card, StartMemory(), OURS)
    found = {name: part.size_bytes for name, part in parts.stack() if part.size_bytes}
    assert found == {
        "other_ours": 250,
        "others": 100,
        "unattributed": 250,
        "reserved": 30,
        "free": 370,
    }


def test_a_host_that_shares_its_memory_holds_what_is_neither_free_nor_a_process() -> None:
    memory = GpuMemory(1000, 600, None, unified=True, source="made", host_available_bytes=300)
    processes = (GpuProcess(11, "VLLM::EngineCore", 600),)
    card = Gpu(0, "GPU-0", "made", "nvidia", memory, processes=processes)
    parts = vram_parts(card, StartMemory(), OURS)
    assert (parts.free.size_bytes, parts.unattributed.size_bytes) == (300, 100)
    more = dataclasses.replace(memory, host_available_bytes=401)
    parts = vram_parts(dataclasses.replace(card, memory=more), StartMemory(), OURS)
    assert (parts.free.size_bytes, parts.unattributed.size_bytes) == (400, 0)


def test_a_reserve_is_no_larger_than_what_is_not_used() -> None:
    memory = GpuMemory(1000, 990, 30, unified=False, source="made")
    parts = vram_parts(Gpu(0, "GPU-0", "made", "nvidia", memory), StartMemory(), OURS)
    assert (parts.reserved.size_bytes, parts.free.size_bytes) == (10, 0)
