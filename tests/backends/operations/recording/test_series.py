"""The series of a server over the end of the program that keeps them."""

from pathlib import Path

from backends.domain.time_series import DAY, FIGURES, TEN_MINUTES, YEAR
from backends.operations.recording.series import ServerSeries

FIGURE = (1.0,) * len(FIGURES)
BEGAN_S = 1_790_000_100.0


def fed(series: ServerSeries, from_s: float, seconds: int) -> float:
    for second in range(seconds):
        series.add(from_s + second, FIGURE)
        series.keep(from_s + second)
    return from_s + seconds


def test_a_day_and_a_year_outlive_the_program_and_the_last_minutes_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    now_s = fed(ServerSeries("chat", folder), BEGAN_S, 1000)
    again = ServerSeries("chat", folder)
    assert [row[0] - BEGAN_S for row in again.rows(YEAR.step_s)] == [0.0, 300.0, 600.0]
    fed(again, now_s + 60, 20)
    assert again.rows(DAY.step_s)[0][0] == BEGAN_S
    assert len(again.rows(TEN_MINUTES.step_s)) == 19
    assert again.rows(7.0) == []


def test_a_line_that_was_cut_short_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    fed(ServerSeries("chat", folder), BEGAN_S, 1000)
    (month,) = folder.glob("chat.*.jsonl")
    month.write_bytes(month.read_bytes()[:-9])
    assert len(ServerSeries("chat", folder).rows(YEAR.step_s)) == 2
