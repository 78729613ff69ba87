import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import (
    BecameReady,
    DownloadSeen,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    FirstTokenUnavailable,
    KvCacheSized,
    MemoryReported,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    ServerFact,
    StartIdentified,
    StopOrdered,
)
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind, Outcome, PhaseName, RankPhase, Start
from backends.domain.startup.fold import apply, as_start, running_phase
from backends.domain.startup.state import begin


def at(seconds: float) -> Stamp:
    return Stamp(seconds, seconds)


def folded(facts: list[ServerFact], now_s: float, began_s: float = 100.0) -> Start:
    state = begin("s1", at(began_s))
    for fact in facts:
        state = apply(state, fact)
    return as_start(state, at(now_s))


FAILURE = Failure(FailureKind.UNKNOWN, 1, "line", "cause", "remedy")
STAMPS = st.floats(0.0, 500.0).map(at)
PHASES = st.sampled_from(PhaseName)
FACTS = st.one_of(
    st.builds(PhaseBegan, STAMPS, PHASES),
    st.builds(PhaseBegan, STAMPS, PHASES, st.integers(0, 3)),
    st.builds(
        DownloadSeen,
        STAMPS,
        STAMPS,
        st.integers(0, 9),
        st.none() | st.just(9),
        st.none(),
        st.booleans(),
    ),
    st.builds(PhaseReported, STAMPS, PHASES, st.floats(0, 99), st.none() | st.integers(0, 7)),
    st.builds(PhaseProgressed, STAMPS, PHASES, st.just("shard"), st.integers(0, 9), st.just(9)),
    st.builds(BecameReady, STAMPS),
    st.builds(FirstTokenSeen, STAMPS),
    st.builds(FirstTokenUnavailable, STAMPS, st.just("no chat template")),
    st.builds(StopOrdered, STAMPS, st.just("you")),
    st.builds(FailureSeen, STAMPS, st.just(FAILURE)),
    st.builds(Exited, STAMPS, st.just(Exit(0, None))),
)


@given(st.lists(FACTS, max_size=25), st.floats(0.0, 600.0))
def test_phases_and_unlogged_tile_the_whole_time(facts: list[ServerFact], now_s: float) -> None:
    start = folded(facts, now_s)
    assert start.total_s is not None
    spent = sum(phase.duration_s or 0.0 for phase in start.phases) + start.unlogged_s
    assert spent == pytest.approx(start.total_s, abs=1e-6)
    assert all((phase.duration_s or 0.0) >= 0 and phase.start_s >= 0 for phase in start.phases)
    names = [phase.name for phase in start.phases]
    assert names == [name for name in PhaseName if name in names]


@given(st.permutations(range(6)))
def test_boundaries_may_arrive_in_any_order(order: list[int]) -> None:
    facts: list[ServerFact] = [
        PhaseBegan(at(101 + place), phase) for place, phase in enumerate(list(PhaseName)[1:7])
    ]
    assert folded([facts[place] for place in order], 120).phases == folded(facts, 120).phases


def test_a_repeated_phase_is_the_sum_of_its_stretches() -> None:
    start = folded(
        [
            PhaseBegan(at(100), PhaseName.COMPILE),
            PhaseBegan(at(103), PhaseName.PROFILE_MEMORY),
            PhaseBegan(at(110), PhaseName.COMPILE),
            PhaseBegan(at(112), PhaseName.UNLOGGED),
        ],
        115,
    )
    compiled, profiled = start.phases
    assert (compiled.start_s, compiled.duration_s, compiled.detail) == (0, 5, (("times", "2"),))
    assert (profiled.start_s, profiled.duration_s) == (3, 7)
    assert start.unlogged_s == 3


def test_the_slowest_rank_speaks_for_the_server_and_repeats_add_up() -> None:
    def took(seconds: float, rank: int) -> PhaseReported:
        return PhaseReported(at(101), PhaseName.LOAD_WEIGHTS, seconds, rank, "weights_load_s")

    start = folded([took(4, 0), took(5, 1), took(3, 0), took(1, 1)], 102)
    assert start.weights_load_s == 7


def test_every_ranks_report_is_kept() -> None:
    reports = [PhaseReported(at(101), PhaseName.COMPILE, 4.5 + rank, rank) for rank in (1, 0)]
    start = folded([PhaseBegan(at(100), PhaseName.COMPILE), *reports], 102)
    assert start.phases[0].reported_s == 5.5
    assert start.phases[0].ranks == (RankPhase(0, reported_s=4.5), RankPhase(1, reported_s=5.5))
    assert start.phases[0].rank == 1


def test_memory_is_kept_for_each_rank_and_the_largest_stands_on_top() -> None:
    start = folded(
        [
            MemoryReported(at(101), "weights", 27.5, 0),
            MemoryReported(at(101), "weights", 27.9, 1),
            MemoryReported(at(101), "kv_cache", 35.0, 0),
            KvCacheSized(at(102), 1594928, 48.67),
            KvCacheSized(at(102), 1590736, None),
            KvCacheSized(at(102), 1590736, 48.55),
            KvCacheSized(at(102), 1611664, 49.18),
        ],
        103,
    )
    assert (start.memory.weights_gib, start.memory.kv_cache_gib) == (27.9, 35.0)
    assert start.memory.cuda_graphs_gib is None
    assert (start.memory.kv_cache_tokens, start.memory.max_concurrency) == (1590736, 48.55)
    assert [rank.weights_gib for rank in start.memory.ranks] == [27.5, 27.9]


READY = BecameReady(at(150))


@pytest.mark.parametrize(
    ("facts", "outcome", "total_s"),
    [
        ([], Outcome.INCOMPLETE, 100),
        ([READY], Outcome.READY, 50),
        ([READY, FirstTokenSeen(at(152))], Outcome.READY, 52),
        ([READY, FirstTokenUnavailable(at(152), "embedding model")], Outcome.READY, 50),
        ([READY, StopOrdered(at(160), "you"), Exited(at(162), Exit(0, None))], Outcome.READY, 50),
        ([READY, FailureSeen(at(170), FAILURE)], Outcome.READY, 50),
        ([FailureSeen(at(120), FAILURE)], Outcome.FAILED, 20),
        ([StopOrdered(at(110), "you"), FailureSeen(at(120), FAILURE)], Outcome.STOPPED, 100),
        ([StopOrdered(at(110), "you"), Exited(at(115), Exit(0, None))], Outcome.STOPPED, 15),
    ],
)
def test_outcome_and_end(facts: list[ServerFact], outcome: Outcome, total_s: float) -> None:
    start = folded(facts, 200)
    assert (start.outcome, start.total_s) == (outcome, total_s)


def test_the_first_token_is_a_phase_of_its_own() -> None:
    start = folded([READY, FirstTokenSeen(at(152.5))], 200)
    assert start.phases[-1].name is PhaseName.FIRST_TOKEN
    assert (start.phases[-1].duration_s, start.first_token_s, start.ready_s) == (2.5, 52.5, 50)


def test_the_running_phase_reaches_to_now_and_shows_its_progress() -> None:
    state = begin("s1", at(100))
    for fact in (
        StartIdentified(at(101), "0.32.0", "org/m", (("dtype", "half"),)),
        PhaseBegan(at(103), PhaseName.LOAD_WEIGHTS),
        PhaseProgressed(at(104), PhaseName.LOAD_WEIGHTS, "shard", 3, 15),
    ):
        state = apply(state, fact)
    start = as_start(state, at(110))
    assert running_phase(state) is PhaseName.LOAD_WEIGHTS
    assert start.phases[-1].duration_s == 7
    assert start.progress is not None
    assert (start.progress.done, start.progress.total) == (3, 15)
    assert start.phases[-1].detail == (("shard", "15"),)
    assert running_phase(apply(state, READY)) is None
