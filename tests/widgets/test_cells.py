"""Bars, axes, dots and lines to the cell: what the pictures are made of, worked out by hand."""

import pytest

from widgets.bars import apportion, axis, bar, block_rows, column, sparkline, step
from widgets.braille import BrailleCanvas
from widgets.columns import Column, cell_text, fitting
from widgets.plot import MUTED, Plot, framed
from widgets.text import Part, arrange, first_fitting, fit, fit_name, spread, styled, wrap, wrap_to
from widgets.time_line import column_shares, time_lines

# bars


@pytest.mark.parametrize(
    ("share", "width", "drawn"),
    [
        (0.0, 2, "  "),
        (1 / 16, 2, "▏ "),
        (0.5, 2, "█ "),
        (0.53, 2, "█ "),  # eight and a half eighths, rounded to even
        (0.54, 2, "█▏"),
        (15 / 16, 2, "█▉"),
        (1.0, 2, "██"),
        (7.0, 2, "██"),
        (-1.0, 2, "  "),
        (0.5, 0, ""),
    ],
)
def test_a_bar_in_eighths_of_a_cell(share: float, width: int, drawn: str) -> None:
    assert bar(share, width) == drawn


@pytest.mark.parametrize(
    ("at", "cell"), [(0.0, 0), (0.99, 0), (1.0, 1), (9.9, 9), (10.0, 9), (-5.0, 0), (99.0, 9)]
)
def test_the_cell_of_a_value(at: float, cell: int) -> None:
    assert column(at, 0.0, 10.0, 10) == cell


def test_an_axis_without_length_or_of_one_cell_has_its_first() -> None:
    assert column(5.0, 5.0, 5.0, 10) == 0
    assert column(5.0, 9.0, 5.0, 10) == 0
    assert column(9.0, 0.0, 10.0, 1) == 0
    assert column(9.0, 0.0, 10.0, 2) == 1


@pytest.mark.parametrize(
    ("sizes", "whole", "width", "cells"),
    [
        ([1, 1], 2, 10, [5, 5]),
        ([1, 2], 3, 10, [3, 7]),
        ([1, 0], 2, 10, [5, 0]),
        ([0.001, 9], 10, 10, [1, 8]),  # what is there has a cell, and the largest gives it
        ([1, 1, 1], 3, 2, [1, 1, 0]),
        ([5, 1, 3], 9, 2, [1, 0, 1]),
        ([1, 1], 4, 10, [3, 2]),
        ([1, 1], 0, 10, [0, 0]),
        ([1, 1], 2, 0, [0, 0]),
        ([-1, 1], 1, 4, [0, 4]),
        ([], 1, 4, []),
    ],
)
def test_cells_are_given_to_parts(
    sizes: list[float], whole: float, width: int, cells: list[int]
) -> None:
    assert apportion(sizes, whole, width) == cells


@pytest.mark.parametrize(
    ("values", "width", "top", "drawn"),
    [
        ([1, 2, 8], 3, None, "▁▂█"),
        ([1, 2, 8], 2, None, "▂█"),
        ([1, None, 8], 3, None, "▁ █"),
        ([1, 2], 2, 8.0, "▁▂"),
        ([0, 1.01], 2, 8.0, "▁▂"),
        ([99], 1, 8.0, "█"),
        ([0, 0], 2, None, "▁▁"),
        ([None], 1, None, ""),
        ([1], 0, None, ""),
    ],
)
def test_a_sparkline(values: list[float | None], width: int, top: float | None, drawn: str) -> None:
    assert sparkline(values, width, top) == drawn


@pytest.mark.parametrize(
    ("shares", "height", "rows"),
    [
        ([0.0, 0.5, 1.0], 2, ["  █", " ██"]),
        ([0.25, 0.75, None], 2, [" ▄ ", "▄█ "]),
        ([0.001, 0.0], 2, ["  ", "▁ "]),
        ([9.0, -1.0], 2, ["█ ", "█ "]),
        ([0.5], 1, ["▄"]),
        ([0.5], 0, []),
    ],
)
def test_columns_of_blocks(shares: list[float | None], height: int, rows: list[str]) -> None:
    assert block_rows(shares, height) == rows


@pytest.mark.parametrize(
    ("span", "most", "distance"),
    [
        (10, 10, 1),
        (10, 9, 2),
        (10, 5, 2),
        (10, 4, 5),
        (10, 2, 5),
        (10, 1, 10),
        (11, 1, 20),
        (0.3, 3, 0.1),
        (0, 5, 1),
        (-1, 5, 1),
        (10, 0, 1),
    ],
)
def test_the_round_distance_of_marks(span: float, most: int, distance: float) -> None:
    assert step(span, most) == pytest.approx(distance)


@pytest.mark.parametrize(
    ("first", "last", "width", "unit", "drawn"),
    [
        (0, 10, 30, "", "0     2     4     6     8"),
        (0, 10, 29, " s", "0 s           5"),
        (0, 10, 12, "", "0     5"),
        (5, 25, 12, "", "   10    20"),
        (0, 100, 12, "", "0     50"),
        (0, 10, 2, "", "0"),
    ],
)
def test_the_labels_of_an_axis(
    first: float, last: float, width: int, unit: str, drawn: str
) -> None:
    assert axis(first, last, width, unit).rstrip() == drawn
    assert len(axis(first, last, width, unit)) == width


# dots


def dots(canvas: BrailleCanvas, width: int, height: int) -> list[str]:
    return ["".join(canvas.glyph(x, y) or " " for x in range(width)) for y in range(height)]


@pytest.mark.parametrize(
    ("x", "y", "rows"),
    [
        (0, 0, ["⠁ ", "  "]),
        (1, 0, ["⠈ ", "  "]),
        (0, 3, ["⡀ ", "  "]),
        (3, 7, ["  ", " ⢀"]),
        (2, 4, ["  ", " ⠁"]),
        (4, 0, ["  ", "  "]),
        (0, 8, ["  ", "  "]),
        (-1, 0, ["  ", "  "]),
        (0, -1, ["  ", "  "]),
    ],
)
def test_a_dot_has_its_place_in_a_cell_and_none_outside(x: int, y: int, rows: list[str]) -> None:
    canvas = BrailleCanvas(2, 2)
    canvas.dot(x, y)
    assert dots(canvas, 2, 2) == rows


def test_dots_of_one_cell_add_up() -> None:
    canvas = BrailleCanvas(1, 1)
    for x, y in ((0, 0), (1, 1), (0, 2), (1, 3)):
        canvas.dot(x, y)
    assert canvas.glyph(0, 0) == chr(0x2800 + 0x01 + 0x10 + 0x04 + 0x80)


def test_lines_from_the_lower_left() -> None:
    level = BrailleCanvas(2, 1)
    level.draw_line(0.0, 0.0, 1.0, 0.0, dashed=False)
    assert dots(level, 2, 1) == ["⣀⣀"]
    dashed = BrailleCanvas(4, 1)
    dashed.draw_line(0.0, 1.0, 1.0, 1.0, dashed=True)
    assert dots(dashed, 4, 1) == ["⠉ ⠉ "]
    rising = BrailleCanvas(2, 1)
    rising.draw_line(0.0, 0.0, 1.0, 1.0, dashed=False)
    assert dots(rising, 2, 1) == ["⡠⠊"]
    upright = BrailleCanvas(1, 2)
    upright.draw_line(1.0, 0.0, 1.0, 1.0, dashed=False)
    assert dots(upright, 1, 2) == ["⢸", "⢸"]
    point = BrailleCanvas(1, 1)
    point.draw_line(0.0, 0.0, 0.0, 0.0, dashed=False)
    assert dots(point, 1, 1) == ["⡀"]


# plots


def rows(plot: Plot) -> list[str]:
    return ["".join(glyph for glyph, _ in row) for row in plot.rows]


def test_a_plot_has_its_values_in_its_cells() -> None:
    plot = Plot(5, 3, x=(0.0, 10.0), y=(0.0, 6.0))
    assert [plot.column(x) for x in (0, 1.9, 2, 10, -1, 11)] == [0, 0, 1, 4, 0, 4]
    assert [plot.row(y) for y in (0, 1.9, 2, 6, -1, 7)] == [2, 2, 1, 0, 2, 0]
    plot.put(4, 2, "x")
    plot.put(5, 0, "y")
    plot.put(0, 3, "z")
    assert rows(plot) == ["     ", "     ", "    x"]
    plot.across(0, "-", x=(2.0, 6.0))
    plot.across(1, "=")
    plot.upright(0, "|")
    assert rows(plot) == ["|--- ", "|====", "|   x"]


def test_a_shade_leaves_the_ink_and_fills_the_rest() -> None:
    plot = Plot(4, 1, x=(0.0, 4.0))
    plot.put(1, 0, "x", "red")
    plot.shade((1.0, 2.0), ".", "blue")
    assert plot.rows == [[(" ", ""), ("x", "red on blue"), (".", f"{MUTED} on blue"), (" ", "")]]
    plot.shade((3.0, 99.0), "", "green")
    assert plot.rows[0][3] == ("", f"{MUTED} on green")


def test_labels_stand_in_a_gutter_and_the_axis_below() -> None:
    drawn = framed([[("a", "s")], [("b", "s")]], {1: "10"}, "0 1", 4)
    assert ["".join(glyph for glyph, _ in row) for row in drawn] == ["    a", " 10 b", "    0 1"]


# text


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("abcd", 0, ""),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one twothreefour", 9, "one twot…"),  # a whole word would keep less than half
        ("four twothree", 8, "four…"),
        ("one, two", 5, "one…"),
        ("漢字漢字", 5, "漢字…"),
    ],
)
def test_a_text_is_cut_behind_a_word_where_that_keeps_half(
    text: str, width: int, shown: str
) -> None:
    assert fit(text, width) == shown


def test_of_a_name_its_last_part_is_kept_longest() -> None:
    assert fit_name("org/model", 9) == "org/model"
    assert fit_name("org/model", 8) == "model"
    assert fit_name("org/model/", 8) == "model"
    assert fit_name("org/model", 4) == "mod…"


def test_the_first_form_that_fits_is_taken() -> None:
    assert first_fitting(4, "long one", "four", "two") == "four"
    assert first_fitting(3, "long one", "four", "two") == "two"
    assert first_fitting(2, "long one", "four", "two") == "t…"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one", "two"]),
        ("one  two", 3, ["one", "two"]),
        ("abcdefg", 3, ["abc", "def", "g"]),
        ("ab cdefgh", 3, ["ab", "cde", "fgh"]),
        ("  one two", 5, ["  one", "two"]),
        ("a\nb", 5, ["a", "b"]),
        ("", 5, [""]),
        ("ab", 0, ["a", "b"]),
        ("漢字", 2, ["漢", "字"]),
        ("漢字", 1, ["漢", "字"]),
    ],
)
def test_a_text_in_lines(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


@pytest.mark.parametrize(
    ("most", "lines"),
    [
        (3, ["one", "two", "three"]),
        (2, ["one", "two…"]),
        (1, ["one…"]),
        (0, []),
        (-1, []),
    ],
)
def test_the_last_line_that_there_is_room_for_is_elided(most: int, lines: list[str]) -> None:
    assert wrap_to("one two three", 5, most) == lines


@pytest.mark.parametrize(
    ("width", "drawn"),
    [(9, "left   it"), (7, "left it"), (6, "le… it"), (3, " it"), (2, "it"), (1, "i")],
)
def test_what_stands_at_the_end_of_a_line_is_kept_whole(width: int, drawn: str) -> None:
    assert spread(styled("left"), styled("it"), width).plain == drawn


def test_parts_give_way_by_their_rank_and_the_later_one_first() -> None:
    parts = (
        Part.of(1, "eleven", "11", droppable=False),
        Part.of(2, "twelve", "12"),
        Part.of(2, "thirteen", "13"),
    )
    assert [arrange(parts, width).plain for width in (24, 23, 17, 13, 9, 7, 5, 1)] == [
        "eleven  twelve  thirteen",
        "eleven  twelve  13",
        "eleven  twelve",
        "eleven  12",
        "eleven",
        "eleven",
        "11",
        "…",
    ]


# lines over time, and tables


@pytest.mark.parametrize(
    ("samples", "between_s", "shares"),
    [
        ([(0, 1), (5, 2), (10, 4)], (0, 10), [0.25, 0.25, 0.5, 0.5, 0.5]),
        ([(0, 1), (5, 2), (9.9, 4)], (0, 10), [0.25, 0.25, 0.5, 0.5, 1.0]),
        ([(2, 1), (6, 9)], (0, 10), [None, 0.25, 0.25, 1.0, None]),
        ([(2, 1), (4, 2)], (0, 10), [None, 0.25, 0.5, None, None]),
        ([(-1, 1), (11, 2)], (0, 10), [None] * 5),
        ([(0, 1)], (0, 10), [0.25, None, None, None, None]),
        ([], (0, 10), [None] * 5),
    ],
)
def test_a_column_shows_the_last_sample_before_its_end(
    samples: list[tuple[float, float]],
    between_s: tuple[float, float],
    shares: list[float | None],
) -> None:
    assert column_shares(samples, between_s, 4.0, 5) == shares
    assert column_shares(samples, between_s, 0.0, 5) == [None] * 5


@pytest.mark.parametrize(
    ("between_s", "height", "drawn"),
    [
        ((-120.0, 0.0), 3, ["top ", "  0 ", "    -2 min    -1       0"]),
        ((-90.0, 0.0), 3, ["top ", "  0 ", "            -50 s      0"]),
        ((0.0, 120.0), 2, ["top ", "    0 s     50      100"]),
        ((0.0, 120.0), 1, ["top "]),
    ],
)
def test_an_axis_that_ends_now_is_in_minutes_beyond_ninety_seconds(
    between_s: tuple[float, float], height: int, drawn: list[str]
) -> None:
    lines = time_lines([], between_s, 4.0, top="top", width=24, height=height)
    assert [each.plain.rstrip() for each in lines] == [each.rstrip() for each in drawn]


Row = tuple[str, str, str]
COLUMNS: list[Column[Row]] = [
    Column("NAME", lambda row: row[0], rank=0),
    Column("MODEL", lambda row: row[1], rank=1, least=5, most=10),
    Column("NOTE", lambda row: row[2], rank=2),
]
ROWS: list[Row] = [("chat", "org/a-long-model", "ready"), ("b", "m", "x")]


@pytest.mark.parametrize(
    ("width", "sized"),
    [
        (25, [("NAME", 4), ("MODEL", 10), ("NOTE", 5)]),
        (24, [("NAME", 4), ("MODEL", 9), ("NOTE", 5)]),
        (20, [("NAME", 4), ("MODEL", 5), ("NOTE", 5)]),
        (19, [("NAME", 4), ("MODEL", 10)]),
        (13, [("NAME", 4), ("MODEL", 5)]),
        (12, [("NAME", 4)]),
        (5, [("NAME", 3)]),
        (2, [("NAME", 1)]),
    ],
)
def test_the_least_wanted_column_gives_way(width: int, sized: list[tuple[str, int]]) -> None:
    found = fitting(COLUMNS, ROWS, width)
    assert [(each.head, size) for each, size in found] == sized


def test_a_cell_stands_at_its_side() -> None:
    left: Column[Row] = Column("NAME", lambda row: row[0], rank=0)
    right: Column[Row] = Column("NAME", lambda row: row[0], rank=0, right=True)
    assert cell_text(left, ROWS[0], 6).plain == "chat"
    assert cell_text(right, ROWS[0], 6).plain == "  chat"
    assert cell_text(left, ROWS[0], 3).plain == "ch…"
