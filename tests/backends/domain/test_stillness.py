"""When an engine counts as hung, and when it is only slow, idle, asleep or not looked at."""

from dataclasses import replace

import pytest

from backends.domain.stillness import (
    LEAST_STILL_S,
    MOST_BETWEEN_S,
    EngineReading,
    Stillness,
    stillness_after,
)


def _seen(*readings: tuple[float, float, float]) -> Stillness:
    """Return what readings tell: when, how many requests ran, and how many tokens there were."""
    still = None
    for at_s, running, tokens in readings:
        still = stillness_after(still, EngineReading(running, (running, tokens)), at_s)
    assert still is not None
    return still


def _standing(until_s: float, every_s: float = 6.0) -> list[tuple[float, float, float]]:
    return [(at * every_s, 2.0, 100.0) for at in range(int(until_s / every_s) + 1)]


def test_requests_without_a_token_for_longer_than_the_limit_are_a_hang() -> None:
    assert not _seen(*_standing(LEAST_STILL_S)).is_hung
    assert _seen(*_standing(LEAST_STILL_S + 6.0)).is_hung


@pytest.mark.parametrize(
    "next_reading",
    [(60.0, 2.0, 101.0), (60.0, 1.0, 100.0), (60.0, 0.0, 100.0)],
    ids=["a token", "a request fewer", "none runs"],
)
def test_progress_ends_it(next_reading: tuple[float, float, float]) -> None:
    assert not _seen(*_standing(54.0), next_reading).is_hung


def test_an_idle_engine_never_hangs() -> None:
    assert not _seen(*((at * 6.0, 0.0, 100.0) for at in range(100))).is_hung


def test_an_engine_with_long_steps_gets_five_of_the_longest() -> None:
    slow = [(0.0, 1.0, 1.0), (10.0, 1.0, 1.0), (20.0, 1.0, 2.0)]
    then = [(20.0 + 10.0 * at, 1.0, 2.0) for at in range(1, 11)]
    assert _seen(*slow, *then).limit_s == 100.0
    assert not _seen(*slow, *then).is_hung
    assert _seen(*slow, *then, (130.0, 1.0, 2.0)).is_hung


def test_time_in_which_nobody_looked_counts_for_no_more_than_one_look() -> None:
    away = _seen((0.0, 1.0, 1.0), (3600.0, 1.0, 1.0))
    assert (away.still_s, away.is_hung) == (MOST_BETWEEN_S, False)


def test_an_idle_time_before_the_first_token_is_no_step() -> None:
    woken = _seen((0.0, 0.0, 1.0), (10.0, 1.0, 1.0))
    assert woken == replace(woken, longest_step_s=0.0, still_s=0.0)
