"""Lengths of time in seconds."""

from backends.domain.durations import DAY_S, HOUR_S, MINUTE_S


def test_a_day_has_24_hours_of_60_minutes_of_60_seconds() -> None:
    assert (MINUTE_S, HOUR_S, DAY_S) == (60, 60 * 60, 24 * 60 * 60)
