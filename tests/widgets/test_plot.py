"""The plot that every chart is drawn on."""

from widgets.plot import Cell, Plot, framed


def plain(rows: list[list[Cell]]) -> list[str]:
    return ["".join(glyphs for glyphs, _ in row) for row in rows]


def test_values_outside_of_an_axis_are_drawn_at_its_end() -> None:
    plot = Plot(5, 2, x=(0, 10), y=(0, 1))
    for x, y in ((-3, 9), (4.1, 0), (99, -1)):
        plot.put(plot.column(x), plot.row(y), "o")
    assert plain(plot.rows) == ["o    ", "  o o"]


def test_a_later_mark_covers_an_earlier_one() -> None:
    plot = Plot(4, 2, x=(0, 4))
    plot.across(0, "-")
    plot.upright(1, "|")
    plot.across(1, "=", x=(2, 3))
    assert plain(plot.rows) == ["-|--", " |=="]


def test_labels_stand_in_the_gutter_beside_their_row() -> None:
    drawn = framed(Plot(3, 2, x=(0, 3)).rows, {0: "top", 1: "0"}, "0  ", 5)
    assert plain(drawn) == [" top    ", "   0    ", "     0  "]


def test_without_room_nothing_is_drawn() -> None:
    plot = Plot(0, 2, x=(0, 4))
    plot.put(plot.column(1), plot.row(0.5), "o")
    plot.across(0, "-")
    plot.upright(plot.column(3), "|")
    assert plot.rows == [[], []]
