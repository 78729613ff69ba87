"""Logs that were copied from a terminal which broke their long lines."""

from collections.abc import Callable

import pytest

from backends.domain.startup.lines import clean
from backends.domain.startup.wrapped import unwrapped
from tests.backends.domain.startup.logs import REDUCED, starts_in

LOGS = sorted(path.stem for path in REDUCED.glob("v*fail*.log"))
COPIES: dict[str, Callable[[str, int], str]] = {
    "cut": lambda piece, _: piece,
    "without blanks at the end": lambda piece, _: piece.rstrip(),
    "filled up with blanks": lambda piece, width: piece.ljust(width),
}


def _told(log: str | bytes) -> list[tuple[object, ...]]:
    return [
        (start.outcome, start.model, start.failure and (start.failure.kind, start.failure.line))
        for start in starts_in(log)
    ]


def _broken(lines: list[str], width: int, copy: str) -> str:
    pieces = [line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width)]
    return "\n".join(COPIES[copy](piece, width) for piece in pieces)


@pytest.mark.parametrize("copy", ["cut", "without blanks at the end"])
@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("name", LOGS)
def test_a_log_broken_by_a_terminal_tells_the_same(name: str, width: int, copy: str) -> None:
    raw = (REDUCED / f"{name}.log").read_bytes()
    text = clean(raw).replace("\r\n", "\n").replace("\r", "\n")
    assert _told(_broken(text.split("\n"), width, copy)) == _told(raw)


def test_a_line_filled_up_with_blanks_is_joined_with_what_was_broken_off() -> None:
    head = "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] "
    lines = [
        f"{head}Traceback (most recent call last):",
        f"{head}RuntimeError: a word, another word, and one that the terminal's edge broke off",
        f"{head}short",
    ]
    broken = _broken(lines, 100, "filled up with blanks").split("\n")
    assert list(unwrapped(enumerate(broken, 1))) == list(zip((1, 2, 4), lines, strict=True))


def test_whole_lines_stay_as_they_are() -> None:
    prefixed = [f"vllm-1  | {text:<100}" for text in ("one", "two", "three", "four")]
    traceback = ["RuntimeError: " + "x" * 86, "ValueError: " + "y" * 88, "    f(" + "z" * 94]
    wide = [*traceback, "w" * 1000]
    for lines in (prefixed, traceback, wide, [], [""], ["short", "lines"]):
        numbered = list(enumerate(lines, 1))
        assert list(unwrapped(numbered)) == numbered
