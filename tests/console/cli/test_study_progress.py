"""The progress of a study: one line that is drawn over on a terminal, one line a step in a log."""

import sys

import pytest

from backends.operations.study.plan import Step
from backends.operations.study.run import Progress
from console.cli.output import draw_progress
from console.cli.study import ProgressLine

STEP = Step("medium", "20 warm runs", 100.0, 600.0)


def at(number: int, detail: str = "") -> Progress:
    return Progress(STEP, number, 9, detail, 1000.0, 200.0)


def test_in_a_log_every_step_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    for each in (at(1), at(1, "3 of 40 runs"), at(2), at(2, "4 of 40 runs")):
        line.show(each)
    lines = capsys.readouterr().err.splitlines()
    assert [each.split()[0] for each in lines] == ["1/9", "2/9"]


def test_on_a_terminal_one_line_is_drawn_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    line = ProgressLine()
    line.show(at(1, "3 of 40 runs " + "x" * 100))
    line.show(at(1, "a name \x1b[2J of others"))
    draw_progress("")
    written = capsys.readouterr().err
    assert "\n" not in written
    drawn = written.split("\r\x1b[K")
    assert [len(each) <= 59 for each in drawn] == [True] * 4
    assert "\x1b" not in "".join(drawn)
    assert drawn[-1] == ""


def test_what_is_left_counts_down_within_a_step_and_never_below_the_rest() -> None:
    assert at(1).left_s(1000.0) == 300.0
    assert at(1).left_s(1060.0) == 240.0
    assert at(1).left_s(9000.0) == 200.0
