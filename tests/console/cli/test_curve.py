"""The curve of a load without the console."""

from backends.domain.ab.load import summarise_load
from console.cli.curve import HEIGHT, WIDTH, curve_lines
from tests.backends.domain.reports.test_load import BOUNDED, NOTHING, report


def test_the_curve_says_its_scales_its_limit_and_what_broke_it() -> None:
    title, *rows, end = curve_lines(report(BOUNDED))
    assert (title, end) == ("TTFT of chat, over the rate", "")
    assert len(rows) == HEIGHT
    assert max(map(len, rows)) <= WIDTH
    assert rows[0].startswith("550 ms")
    assert sum("┄" in row for row in rows) == 1
    assert [mark in "".join(rows) for mark in "●✖"] == [True, True]
    assert "req/s" in rows[-1]


def test_without_a_timed_rate_there_is_no_curve() -> None:
    assert curve_lines(report(summarise_load([NOTHING], "over", None))) == []
