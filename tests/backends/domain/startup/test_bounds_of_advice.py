"""How long a start usually takes, and what would shorten it, at both sides of each rule."""

from collections.abc import Sequence

import pytest

from backends.domain.start import Outcome, Phase, PhaseName, RankMemory, Start, StartMemory
from backends.domain.startup.advice import advise
from backends.domain.startup.expectation import beside_usual, remaining, slower_phases
from backends.domain.startup.lessons import (
    Expected,
    Saving,
    Slower,
    saving_figure,
    slower_clause,
)
from backends.domain.startup.levers import Lever

RECORD = "INFO 09-14 07:07:01 [core.py:1] "


def start(load_s: float, compile_s: float, ready_s: float | None = None) -> Start:
    phases = (
        Phase(PhaseName.LOAD_WEIGHTS, 0, load_s),
        Phase(PhaseName.COMPILE, load_s, compile_s),
    )
    ready_s = load_s + compile_s if ready_s is None else ready_s
    return Start("s", "0.32.0", "m", Outcome.READY, ready_s, ready_s, phases=phases)


def test_the_slower_of_two_slow_phases_is_the_one_with_the_larger_excess() -> None:
    usual = [start(40, 10)] * 3
    assert [each.phase for each in slower_phases(usual, start(80, 30))] == [
        PhaseName.LOAD_WEIGHTS,
        PhaseName.COMPILE,
    ]
    assert [each.phase for each in slower_phases(usual, start(60, 50))] == [
        PhaseName.COMPILE,
        PhaseName.LOAD_WEIGHTS,
    ]


@pytest.mark.parametrize(("load_s", "slow"), [(41.0, False), (41.1, True)])
def test_a_second_more_than_ever_is_still_usual(load_s: float, *, slow: bool) -> None:
    usual = [start(40, 10)] * 3
    assert bool(slower_phases(usual, start(load_s, 10, ready_s=50))) is slow
    assert slower_phases(usual[:2], start(99, 10)) == ()


@pytest.mark.parametrize(("spent_s", "overdue"), [(40.0, False), (40.1, True)])
def test_a_phase_is_overdue_once_it_takes_longer_than_ever(
    spent_s: float, *, overdue: bool
) -> None:
    running = Start("r", phases=(Phase(PhaseName.LOAD_WEIGHTS, 0, spent_s),))
    found = remaining([start(30, 10), start(40, 10)], running, PhaseName.LOAD_WEIGHTS)
    assert found is not None
    assert found.overdue is overdue


def test_a_span_is_said_of_two_starts_and_not_of_one() -> None:
    running = Start("r", phases=(Phase(PhaseName.LOAD_WEIGHTS, 0, 5),))
    one = beside_usual([start(30, 10)], running)
    two = beside_usual([start(30, 10), start(40, 10)], running)
    assert one is not None
    assert one.startswith("load_weights takes 30 s in 1 start of this model")
    assert two is not None
    assert two.startswith("load_weights takes 35 s (30 to 40) in 2 starts of this model")


@pytest.mark.parametrize(
    ("saving", "said"),
    [
        ((0.0, 9.94), "up to 9.9 s"),
        ((0.0, 9.95), "up to 10 s"),
        ((9.0, 9.94), "9.0 to 9.9 s"),
        ((9.91, 9.94), "9.9 s"),
        ((7.0, 12.0), "7 to 12 s"),
    ],
)
def test_from_ten_seconds_on_a_saving_has_no_decimals(
    saving: tuple[float, float], said: str
) -> None:
    assert saving_figure(Saving(*saving, "told")) == said


@pytest.mark.parametrize(
    ("took_s", "usual", "said"),
    [
        (9.94, (5.0, 4.0, 9.94, 3), "compile 9.9 s, usually 5.0 s (4.0 to 9.9)"),
        (9.95, (9.95, 4.0, 9.95, 3), "compile 10 s, usually 10 s (4 to 10)"),
    ],
)
def test_from_ten_seconds_on_a_phase_has_no_decimals(
    took_s: float, usual: tuple[float, float, float, int], said: str
) -> None:
    assert slower_clause(Slower(PhaseName.COMPILE, took_s, Expected(*usual))) == said


# advice


def advised(
    phase: PhaseName,
    took_s: float,
    *,
    version: str = "0.13.0",
    ready_s: float = 20.0,
    detail: tuple[tuple[str, str], ...] = (),
    others: Sequence[Start] = (),
    kv_cache_gib: float | None = None,
    settings: tuple[tuple[str, str], ...] = (),
    start_id: str = "s",
) -> Start:
    return Start(
        start_id,
        version,
        "org/m",
        Outcome.READY,
        ready_s,
        ready_s,
        phases=(Phase(phase, 0, took_s, detail=detail),),
        memory=StartMemory(ranks=(RankMemory(0, None, kv_cache_gib),)),
        settings=(("device_config", "cuda"), *settings),
    )


@pytest.mark.parametrize(
    ("took_s", "ready_s", "advises"),
    [(2.0, 20.0, True), (1.9, 20.0, False), (5.0, 100.0, True), (4.9, 100.0, False)],
)
def test_a_phase_is_large_from_two_seconds_and_a_twentieth_of_the_start_on(
    took_s: float, ready_s: float, *, advises: bool
) -> None:
    assert bool(advise(advised(PhaseName.COMPILE, took_s, ready_s=ready_s))) is advises


@pytest.mark.parametrize(("graphs", "share"), [("11", None), ("12", 1 / 12), ("22", 0.5)])
def test_fewer_graphs_save_their_share_beyond_the_eleven_that_stay(
    graphs: str, share: float | None
) -> None:
    (found,) = advise(
        advised(PhaseName.CAPTURE_GRAPHS, 12.0, detail=(("piecewise_graph", graphs),))
    )
    assert found.lever == "--max-cudagraph-capture-size 64"
    if share is None:
        assert found.saving is None
    else:
        assert found.saving is not None
        assert found.saving.most_s == pytest.approx(12.0 * share)
        assert found.saving.least_s == found.saving.most_s


@pytest.mark.parametrize(
    ("others", "saving"),
    [
        ((50.0,), None),
        ((60.0,), None),
        ((30.0, 10.0), (20.0, 40.0)),
        ((30.0, 10.0, 25.0), (25.0, 25.0)),
    ],
)
def test_what_a_lever_saves_is_measured_in_the_starts_that_had_it(
    others: Sequence[float], saving: tuple[float, float] | None
) -> None:
    eager = (("enforce_eager", "True"),)
    users = [
        advised(PhaseName.COMPILE, each, version="0.9.1", settings=eager, start_id=f"o{each}")
        for each in others
    ]
    found = advise(advised(PhaseName.COMPILE, 50.0, version="0.9.1"), users)[0].saving
    assert (None if found is None else (found.least_s, found.most_s)) == saving


@pytest.mark.parametrize(
    ("gib", "lever"), [(0.0, []), (0.5, ["--kv-cache-memory-bytes 536870912"])]
)
def test_a_kv_cache_of_nothing_is_no_size_to_set(gib: float, lever: list[str]) -> None:
    found = advise(advised(PhaseName.PROFILE_MEMORY, 9.0, version="0.10.2", kv_cache_gib=gib))
    assert [each.lever for each in found] == lever


@pytest.mark.parametrize(
    ("version", "exists"),
    [((0, 9, 0), True), ((0, 8, 9), False), ((0, 11, 9), True), ((0, 12, 0), False)],
)
def test_a_lever_exists_from_its_first_version_until_before_its_last(
    version: tuple[int, int, int], *, exists: bool
) -> None:
    lever = Lever(PhaseName.COMPILE, (0, 9, 0), "-x", "does", "costs", before=(0, 12, 0))
    assert lever.exists_in(version) is exists
