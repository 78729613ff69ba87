"""Figures over time, at the resolution that their age asks for."""

import math

from backends.domain.time_series import DAY, FIGURES, TEN_MINUTES, YEAR, Resolution, Rows

NOTHING = (None,) * len(FIGURES)


def figures(first: float | None) -> tuple[float | None, ...]:
    return (first, *NOTHING[1:])


def test_a_row_is_the_mean_of_its_time_and_knows_what_it_does_not_know() -> None:
    rows = Rows(Resolution(15.0, 4))
    assert rows.add(0.0, figures(2.0)) is None
    assert rows.add(14.9, figures(4.0)) is None
    closed = rows.add(15.0, figures(None))
    assert closed is not None
    assert closed[:2] == (0.0, 3.0)
    assert math.isnan(closed[2])
    rows.add(30.0, figures(9.0))
    assert [row[0] for row in rows.rows()] == [0.0, 15.0]
    assert math.isnan(rows.rows()[1][1])


def test_no_more_rows_are_kept_than_were_asked_for() -> None:
    rows = Rows(Resolution(1.0, 10))
    for second in range(1000):
        rows.add(float(second), figures(1.0))
        assert len(rows.flat()) <= 14 * (1 + len(FIGURES))
    assert [row[0] for row in rows.rows()] == [float(at) for at in range(989, 999)]


def test_what_an_earlier_program_kept_comes_before_what_is_new() -> None:
    earlier, rows = Rows(Resolution(1.0, 10)), Rows(Resolution(1.0, 10))
    for second in range(5):
        earlier.add(float(second), figures(1.0))
    for second in (7, 8):
        rows.add(float(second), figures(2.0))
    rows.put_before(earlier.flat())
    assert [row[:2] for row in rows.rows()] == [(0, 1), (1, 1), (2, 1), (3, 1), (7, 2)]


def test_each_resolution_holds_the_time_that_it_is_called_by() -> None:
    assert TEN_MINUTES.step_s * TEN_MINUTES.rows == 600
    assert DAY.step_s * DAY.rows == 86_400
    assert YEAR.step_s * YEAR.rows == 365 * 86_400
    assert (TEN_MINUTES.step_s, DAY.step_s, YEAR.step_s) == (1, 15, 300)
