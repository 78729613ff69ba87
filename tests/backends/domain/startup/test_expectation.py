from dataclasses import replace

import pytest

from backends.domain.start import Outcome, Phase, PhaseName, Start
from backends.domain.startup.expectation import (
    Expected,
    comparable,
    expected_phases,
    expected_total,
    remaining,
    slower_than_usual,
)


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


def test_what_was_slower_is_said_only_outside_the_spread() -> None:
    assert slower_than_usual(EARLIER, start(90, 61)) == (
        "load_weights took 90.0 s, 49.0 s more than usual (41.0 s, 40.0 to 44.0 s in 3 earlier "
        "starts)."
    )
    assert slower_than_usual(EARLIER, start(43, 59)) is None
    assert slower_than_usual(EARLIER, start(45, 60.5)) is None
    assert slower_than_usual(EARLIER[:2], start(90, 61)) is None


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
