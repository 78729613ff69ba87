"""Keep, revert or not enough runs: what load tests and runs before and after a try allow."""

import random

import pytest

from backends.domain.advise.trial import Decision, Measured, trial_of

BEFORE, AFTER = ("--max-num-seqs", "1"), ("--max-num-seqs", "2")


def runs(mean_s: float, n: int = 20, seed: int = 1) -> tuple[float, ...]:
    chance = random.Random(seed)
    return tuple(chance.gauss(mean_s, mean_s * 0.1) for _ in range(n))


def test_a_capacity_beyond_the_noise_is_kept_with_its_price_named() -> None:
    before = Measured((1.0, 1.1, 0.9, 1.0), runs(0.1), runs(0.02))
    after = Measured((2.0, 2.1, 1.9, 2.2), runs(0.1, seed=2), runs(0.03))
    found = trial_of(BEFORE, AFTER, before, after)
    assert found.decision is Decision.KEEP
    assert found.changes == ("without --max-num-seqs 1", "with --max-num-seqs 2")
    assert "capacity is better" in found.reason
    assert "ITL is worse" in found.reason


def test_what_got_worse_is_reverted() -> None:
    found = trial_of(BEFORE, AFTER, Measured(ttft_s=runs(0.1)), Measured(ttft_s=runs(0.2)))
    assert found.decision is Decision.REVERT


def test_one_load_test_a_side_decides_nothing_however_far_apart() -> None:
    found = trial_of(BEFORE, AFTER, Measured((1.0,)), Measured((9.0,)))
    assert found.decision is Decision.NOT_ENOUGH_RUNS


def test_nothing_measured_alike_is_said() -> None:
    found = trial_of(BEFORE, AFTER, Measured(), Measured(ttft_s=runs(0.1)))
    assert found.decision is Decision.NOT_ENOUGH_RUNS
    assert "the same way" in found.reason


def test_a_flag_that_changes_nothing_is_judged_once_in_twenty_times_at_most() -> None:
    judged = 0
    for seed in range(200):
        sides = [
            Measured(runs(3, 5, seed=2 * seed + side), runs(0.1, seed=4000 + 2 * seed + side))
            for side in (0, 1)
        ]
        judged += trial_of(BEFORE, AFTER, *sides).decision is not Decision.NOT_ENOUGH_RUNS
    # Of 200 at 5 %, more than 17 come once in forty times.
    assert judged <= 17


@pytest.mark.parametrize("turned", [False, True])
def test_an_interval_that_ends_at_nothing_decides_nothing(*, turned: bool) -> None:
    same, half = Measured(ttft_s=(1.0,) * 10), Measured(ttft_s=(1.0,) * 5 + (2.0,) * 5)
    found = trial_of(BEFORE, AFTER, *((half, same) if turned else (same, half)))
    assert found.decision is Decision.NOT_ENOUGH_RUNS
    (ttft,) = [each for each in found.figures if each.figure == "TTFT"]
    assert ttft.shift is not None
    assert 0.0 in {ttft.shift.low, ttft.shift.high}
    assert "10 before and 10 after show no difference" in found.reason
