"""A small sample of ``make verdict-study``: what it counts, and that a verdict is seldom wrong."""

import pytest

from tests.backends.domain.decision.study.__main__ import FAILS_ABOVE, LEARNT, LIVE, row_of
from tests.backends.domain.decision.study.worlds import World, week


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "world"),
    [
        (LIVE, World("on-off 20 s", factor=0.8, on_off_s=10)),
        (LEARNT, World("week profile", factor=1.05, shape=week)),
    ],
    ids=lambda each: each.name,
)
def test_a_verdict_is_seldom_wrong_and_does_not_keep_silent(setting, world) -> None:  # type: ignore[no-untyped-def]
    row = row_of((setting, world, 25))
    assert row.wrong <= max(1, FAILS_ABOVE * row.runs)
    assert row.decided >= 0.9 * row.runs
    assert row.covered > 0.8
    assert row.flips_a_week <= 1
