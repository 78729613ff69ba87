from dataclasses import replace

import pytest

from backends.domain.start import Outcome, Phase, PhaseName, Start
from backends.domain.startup.expectation import (
    beside_usual,
    comparable,
    expected_phases,
    expected_total,
    remaining,
    slower_phases,
    slower_than_usual,
)
from backends.domain.startup.lessons import Expected, slower_sentence


def start(load_s: float, compile_s: float, **more: object) -> Start:
    phases = (
        Phase(PhaseName.LAUNCH, 0, 10),
        Phase(PhaseName.LOAD_WEIGHTS, 10, load_s),
        Phase(PhaseName.COMPILE, 10 + load_s, compile_s),
    )
    total_s = 10 + load_s + compile_s + 2
    given = Start("s", "0.32.0", "m", Outcome.READY, total_s, total_s, phases=phases, unlogged_s=2)
    return replace(given, **more)  # type: ignore[arg-type]


EARLIER = (start(40, 20), start(44, 22), start(41, 60))


def test_the_median_with_its_spread() -> None:
    assert expected_total(EARLIER) == Expected(78, 72, 113, 3)
    assert expected_phases(EARLIER) == {
        PhaseName.LAUNCH: Expected(10, 10, 10, 3),
        PhaseName.LOAD_WEIGHTS: Expected(41, 40, 44, 3),
        PhaseName.COMPILE: Expected(22, 20, 60, 3),
    }
    assert expected_total(()) is None


def test_a_running_start_is_measured_against_each_earlier_one() -> None:
    running = Start(
        "r",
        phases=(Phase(PhaseName.LAUNCH, 0, 12), Phase(PhaseName.LOAD_WEIGHTS, 12, 30)),
    )
    found = remaining(EARLIER, running, PhaseName.LOAD_WEIGHTS)
    assert found is not None
    assert found.left == Expected(38, 32, 73, 3)
    assert not found.overdue
    late = replace(running, phases=(Phase(PhaseName.LOAD_WEIGHTS, 0, 50),))
    overdue = remaining(EARLIER, late, PhaseName.LOAD_WEIGHTS)
    assert overdue is not None
    assert overdue.left == Expected(24, 22, 62, 3)
    assert overdue.overdue
    assert remaining((), running, PhaseName.LOAD_WEIGHTS) is None


def test_what_was_slower_is_said_only_outside_the_noise() -> None:
    assert slower_than_usual(EARLIER, start(90, 61)) == (
        "load weights 90 s, usually 41 s (40 to 44, last 3 starts)"
    )
    # 49 s is as far beyond the longest as the shortest is, 61 s of compiling well within.
    assert slower_than_usual(EARLIER, start(48, 61)) is None
    assert slower_than_usual(EARLIER, start(45, 60.5)) is None
    assert slower_than_usual(EARLIER[:2], start(90, 61)) is None


def test_what_was_slower_comes_largest_first() -> None:
    alike = tuple(start(40 + at / 10, 12 + at / 10) for at in range(8))
    found = slower_phases(alike, start(50, 48))
    assert [(slow.phase, slow.took_s) for slow in found] == [
        (PhaseName.COMPILE, 48),
        (PhaseName.LOAD_WEIGHTS, 50),
    ]
    assert slower_sentence(found[0]) == "compile 48 s, usually 12 s (12 to 13, last 8 starts)"


def test_a_cache_that_was_missed_is_named_as_the_reason() -> None:
    hits = tuple(start(40, 12 + at, settings=(("compile_cache", "hit"),)) for at in range(3))
    missed = start(40, 48, settings=(("compile_cache", "miss"),))
    (slow,) = slower_phases(hits, missed)
    assert slow.why == "cache missed"
    assert slower_phases(hits, start(40, 48))[0].why == ""


def test_a_start_that_is_slow_all_over_is_said_as_a_whole() -> None:
    alike = (start(40, 20), start(40.5, 20.5), start(41, 21))
    slow = start(41.9, 21.9, ready_s=77.5)
    (found,) = slower_phases(alike, slow)
    assert (found.phase, found.took_s) == (None, 77.5)
    assert slower_sentence(found) == "ready in 78 s, usually 73 s (72 to 74, last 3 starts)"


def test_a_phase_that_no_earlier_start_had_is_slower() -> None:
    downloaded = start(40, 20)
    download = Phase(PhaseName.DOWNLOAD, 10, 30)
    slow = replace(downloaded, phases=(*downloaded.phases, download), ready_s=102)
    assert slower_phases((start(40, 20),) * 3, slow)[0].phase is PhaseName.DOWNLOAD


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({}, True),
        ({"settings": (("port", "9000"), ("compile_cache", "hit"))}, True),
        ({"settings": (("tensor_parallel_size", "2"),)}, False),
        ({"vllm_version": "0.33.0"}, False),
        ({"vllm_version": None}, True),
        ({"model": "other"}, False),
    ],
)
def test_only_starts_with_the_same_settings_compare(change: dict[str, object], alike: bool) -> None:
    ours = start(1, 1, settings=(("tensor_parallel_size", "1"), ("port", "8000")))
    assert bool(comparable([ours], start(1, 1, **change))) is alike


def test_a_start_that_failed_is_no_measure() -> None:
    assert comparable([start(1, 1, outcome=Outcome.FAILED)], start(1, 1)) == ()


def test_an_unfinished_start_is_told_beside_earlier_ones() -> None:
    def of(start_id: str, seconds: float, outcome: Outcome = Outcome.READY) -> Start:
        phase = Phase(PhaseName.LOAD_WEIGHTS, 5.0, seconds)
        return Start(start_id, model="m", outcome=outcome, ready_s=5.0 + seconds, phases=(phase,))

    earlier = [of("1", 38.0), of("2", 40.0), of("3", 44.0)]
    slow = beside_usual(earlier, of("now", 139.0, Outcome.INCOMPLETE))
    assert slow == (
        "load_weights takes 40 s (38 to 44) in 3 starts of this model on this host; "
        "139 s so far is not usual"
    )
    assert "not longer than usual" in str(beside_usual(earlier, of("now", 41.0)))
    assert beside_usual([], of("now", 139.0)) is None
    assert beside_usual(earlier, Start("now")) is None
