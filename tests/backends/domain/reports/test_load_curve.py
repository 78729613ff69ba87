"""A load's curve in plain characters."""

from backends.domain.ab.load import summarise_load
from backends.domain.reports.load_curve import LABEL, WIDTH, curve_lines
from tests.backends.domain.reports.test_load import BOUNDED, NOTHING, report


def test_the_rate_that_kept_its_limits_stands_left_of_the_one_that_broke_them() -> None:
    lines = curve_lines(report(BOUNDED))
    (kept,) = [line.index("●") for line in lines if "●" in line]
    (broke,) = [line.index("✖") for line in lines if "✖" in line]
    assert kept < broke
    assert sum(line.strip().startswith("limit") for line in lines) == 1
    assert "4 req/s" in lines[-2]
    assert all(len(line) <= LABEL + 1 + WIDTH for line in lines)


def test_a_load_without_a_figure_has_no_curve() -> None:
    assert curve_lines(report(summarise_load([NOTHING], "over", None))) == []
