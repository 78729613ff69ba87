"""Figures over time as charts: the right range, scale, mean and gaps."""

import math

import pytest

from backends.domain.time_series import FIGURES
from console.tui.views.series import RANGES, series_view
from widgets.series_panel import SeriesView, draw

NOW_S = 1_790_000_000.0
GIB = 1024**3


def row(at_s: float, **figures: float) -> tuple[float | None, ...]:
    return (NOW_S + at_s, *(figures.get(each) for each in FIGURES))


ROWS = [
    row(-5000.0, output_tokens_per_s=9999.0),
    row(-500.0, output_tokens_per_s=100.0, vram_used_bytes=64.0 * GIB),
    row(-10.0, output_tokens_per_s=300.0, vram_used_bytes=173.0 * GIB, kv_cache_share=0.25),
]


def test_a_range_shows_what_is_in_it_with_its_mean_and_highest() -> None:
    view = series_view("chat", 0, ROWS, NOW_S)
    shown = {each.words: each for each in view.lines}
    assert view.title == "The last 10 minutes"
    assert set(shown) == {"output tok/s", "VRAM GiB", "KV cache"}
    tokens = shown["output tok/s"]
    assert tokens.facts == ("now 300", "mean 200", "highest 300")
    assert shown["VRAM GiB"].facts[0] == "now 173"
    assert shown["KV cache"].top_words == "100 %"
    hour = series_view("chat", 2, ROWS, NOW_S).lines[0]
    assert hour.facts[-1] == "highest 9,999"


def test_what_only_grows_has_no_mean() -> None:
    rows = [row(-500.0, usd=1.25), row(-10.0, usd=1.5)]
    (spent,) = series_view("chat", 0, rows, NOW_S).lines
    assert spent.facts == ("now 1.5000", "0.2500 in this range")


def test_a_server_of_which_nothing_was_recorded_says_so() -> None:
    view = series_view("chat", 0, [], NOW_S)
    assert view.lines == ()
    assert "nothing was recorded of chat in the last 10 minutes" in draw(view, 80, 5)[0].plain


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("height", [4, 12, 22, 45])
def test_the_charts_fit_at_every_size(width: int, height: int) -> None:
    lines = draw(series_view("chat", 0, ROWS, NOW_S), width, height)
    assert len(lines) <= height
    assert max(each.cell_length for each in lines) <= width


def test_a_gap_stays_a_gap_and_a_column_is_a_mean() -> None:
    lines = draw(series_view("chat", 0, ROWS, NOW_S), 68, 12)
    chart = lines[2].plain[8:]  # the lower of two rows
    at = {math.floor((600 - ago_s) / 600 * 60) for ago_s in (500, 10)}
    assert {place for place, glyph in enumerate(chart) if glyph.strip()} == at


@pytest.mark.parametrize(("place", "unit"), [(0, "min"), (2, "h"), (4, "d")])
def test_the_axis_is_in_the_units_of_its_range(place: int, unit: str) -> None:
    rows = [row(-RANGES[place][1] * share / 10, requests_per_s=1.0) for share in range(9, 0, -1)]
    view: SeriesView = series_view("chat", place, rows, NOW_S)
    assert f" {unit}" in draw(view, 100, 12)[-1].plain
