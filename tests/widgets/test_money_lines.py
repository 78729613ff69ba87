"""What the widgets about money must keep readable, as plain text."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.widgets import money_samples
from tests.widgets.shown import NARROW, shown
from widgets import cost_chart, cost_panel, options_bars, verdict_line
from widgets.options_bars import OptionBar, OptionsView


def test_cost_at_its_narrowest() -> None:
    text = shown(cost_panel.draw, money_samples.COST["over-stale"])
    for fact in ("$12.34", "$1.88/h", "2026-11-01", "▲ STALE", "✖ OVER BUDGET", "serverless $3.21"):
        assert fact in text


def test_cost_in_three_lines() -> None:
    text = shown(cost_panel.draw, money_samples.METER, (76, 3))
    for fact in ("spent $12.34", "$1.88/h", "2026-11-01", "serverless $3.21", "serving $8.00"):
        assert fact in text


def test_the_verdict_has_the_load_the_break_even_and_the_capacity_below_it() -> None:
    text = shown(verdict_line.draw, money_samples.CROSSOVERS["capacity"], (38, 3))
    assert "◆" in text.splitlines()[1]
    for fact in ("API CHEAPER", "now 2.1", "even 4.2", "capacity 12.5"):
        assert fact in text
    unmeasured = shown(verdict_line.draw, money_samples.CROSSOVERS["no-capacity"], (76, 3))
    assert "capacity — not measured" in unmeasured


def test_unknown_cost_is_a_dash_with_its_reason() -> None:
    text = shown(cost_panel.draw, money_samples.COST["unknown"])
    assert "spent —" in text
    assert "—/h" in text
    assert "no price for this GPU" in text
    assert "$0" not in text


def test_an_unmeasured_capacity_says_so() -> None:
    text = shown(verdict_line.draw, money_samples.CROSSOVERS["no-capacity"], (36, 5))
    assert "capacity —" in text
    assert "capacity — not measured" in text


def test_no_gain_is_drawn_where_capacity_is_unknown() -> None:
    assert "━" in shown(verdict_line.draw, money_samples.CROSSOVERS["capacity"])
    assert "━" not in shown(verdict_line.draw, money_samples.CROSSOVERS["no-capacity"])


def test_a_break_even_beyond_capacity_is_said() -> None:
    text = shown(verdict_line.draw, money_samples.CROSSOVERS["impossible"], (36, 5))
    assert "break-even above capacity" in text
    axis = next(line for line in text.splitlines() if "◆" in line and "─" in line)
    assert axis.index("●") < axis.index("┃") < axis.index("◆")


def test_an_endpoint_without_a_price_costs_a_dash() -> None:
    text = shown(cost_panel.draw, money_samples.METER, (54, 13))
    (row,) = [line for line in text.splitlines() if "third" in line]
    assert "—" in row
    assert "no price set" in row


@pytest.mark.parametrize("view", money_samples.VERDICT.values(), ids=list(money_samples.VERDICT))
def test_the_verdict_keeps_word_and_flip(view: verdict_line.VerdictView) -> None:
    for width in (36, 60, 80, 160):
        text = shown(verdict_line.draw, view, (width, 2))
        assert view.word in text
        assert view.flip in text


def test_a_long_reason_ends_with_a_sentence() -> None:
    view = replace(
        money_samples.VERDICT["api"], sentence="The API is cheaper. " + "Because it is so. " * 9
    )
    second = shown(verdict_line.draw, view, (60, 2)).splitlines()[1]
    assert second == "The API is cheaper. Because it is so. Because it is so."


def test_the_chart_marks_today_crossover_and_capacity() -> None:
    for size in (NARROW, (54, 13), (96, 18)):
        text = shown(cost_chart.draw, money_samples.CHART["crossing"], size)
        plot = text[: text.index("self-hosted")]
        assert "●" in plot
        assert "◆" in plot
        assert "┃" in plot
        assert "2.1" in text
        assert "4.2" in text
        assert "12.5" in text


def test_costs_between_points() -> None:
    points = ((0.0, Decimal(0)), (10.0, Decimal(5)))
    assert cost_chart.cost_at(points, 4.0) == pytest.approx(2.0)
    assert cost_chart.cost_at(points, 11.0) is None
    assert cost_chart.cost_at(points, None) is None


def test_an_option_that_is_out_says_why_and_gets_no_bar() -> None:
    text = shown(options_bars.draw, money_samples.OPTIONS["ranked"], (96, 18))
    (row,) = [line for line in text.splitlines() if "scale to zero" in line]
    assert row.startswith("⊘")
    assert "p99 TTFT over the limit" in row
    assert "█" not in row


def test_bars_of_options_keep_their_ratio() -> None:
    rows = shown(options_bars.draw, money_samples.OPTIONS["ranked"], (96, 18)).splitlines()
    lengths = [row.count("█") for row in rows[:3]]
    assert lengths[0] < lengths[1] < lengths[2]
    assert lengths[1] / lengths[2] == pytest.approx(900 / 1372.4, abs=0.05)


@pytest.mark.parametrize(
    ("height", "shown"), [(3, "0 7"), (5, "0 1 2 7"), (9, "0 1 2 3 4 5 6 7 8")]
)
def test_what_runs_today_has_a_row_however_few_there_are(height: int, shown: str) -> None:
    found = tuple(OptionBar(f"way {n}", Decimal(n + 1), current=n == 7) for n in range(9))
    rows = [line.plain for line in options_bars.draw(OptionsView(found), 80, height)]
    assert [row.split("way ")[1][0] for row in rows if "way " in row] == shown.split()
    assert len(rows) == height
    assert ("more" in rows[-1]) is (height < 9)
