import pytest

from backends.domain.startup.clock import LogClock

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("before", "after", "passed_s"),
    [
        ("11-21 08:09:22", "11-21 08:09:25.5", 3.5),
        ("11-21 23:59:59", "11-22 00:00:01", 2.0),
        ("12-31 23:59:30", "01-01 00:00:10", 40.0),
        ("02-28 23:59:59", "03-01 00:00:00", 1.0),
        ("02-29 23:59:59", "03-01 00:00:00", 1.0),
        ("02-28 23:59:59", "02-29 00:00:00", 1.0),
        ("11-21 08:09:22", "11-21 08:09:20", 0.0),
        ("11-21 08:09:22", "no time at all", 0.0),
        ("11-21 08:09:22", "13-77 99:99:99", 0.0),
    ],
)
def test_only_differences_matter(before: str, after: str, passed_s: float) -> None:
    clock = LogClock()
    first = clock.at(before)
    assert clock.at(after) - first == pytest.approx(passed_s)


def test_a_delayed_line_does_not_turn_back_the_clock() -> None:
    clock = LogClock()
    clock.at("11-21 08:09:22")
    latest = clock.at("11-21 08:09:30")
    assert clock.at("11-21 08:09:28") == latest
    assert clock.at("11-21 08:09:31") == latest + 1
