"""A log copied from a terminal that broke its long lines: put together again."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

Lines = Iterable[tuple[int, str]]

_SAMPLED = 5000
"""Lines after which it is known whether something broke the long ones."""
_NARROWEST, _WIDEST = 60, 320
"""Columns of terminals; vLLM's own lines reach well beyond the widest."""
_USUAL = frozenset((*range(80, 260, 20), 132))
"""Widths at which one broken line is enough; at any other there have to be two."""
_PREFIX = 6
"""Characters in which lines are alike that something put its own prefix before."""
_RECORD = re.compile(
    r"\((?:[A-Za-z][\w.:-]*(?: rank=\d{1,6}| [A-Z]P\d{1,4})? )?pid=\d|"
    r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ :]|\d{4}-\d\d-\d\d[T ]\d\d:|"
    r"[A-Z][a-z]{2} [ \d]\d \d\d:"
)
_BEGINS = re.compile(
    rf"{_RECORD.pattern}|Traceback \(|$|\[(?:rank\d|[IWE]\d|aiter)|During handling|The above"
)
"""How a line begins that no terminal broke off from the one before."""
_UNLOGGED = re.compile(r"  |(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt)(?::|$)")
"""How the lines of a traceback begin that no logger wrote."""


def unwrapped(lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield the lines as they were written, each with the number of its first piece.

    A log is taken as broken at a width where no line is wider than it, and what follows nearly
    each that is as wide begins as no line of a log does. Any other is passed through.
    """
    pieces = iter(lines)
    sample: list[tuple[int, str]] = []
    for numbered in islice(pieces, _SAMPLED):
        sample.append(numbered)
        if len(numbered[1]) > _WIDEST:
            return chain(sample, pieces)
    width = _width([text for _, text in sample])
    return chain(sample, pieces) if width is None else _joined(chain(sample, pieces), width)


def _width(texts: list[str]) -> int | None:
    widest = max(map(len, texts), default=0)
    if widest < _NARROWEST:
        return None
    wide = [pair for pair in pairwise(texts) if _is_full(pair[0], widest)]
    broken = sum(_goes_on(*pair) for pair in wide)
    enough = broken > 1 or (broken == 1 and widest in _USUAL)
    return widest if enough and broken * 4 >= len(wide) * 3 else None


def _is_full(text: str, width: int) -> bool:
    """Tell whether a line reaches the edge, where a blank may have been cut off."""
    return width - 1 <= len(text.rstrip()) <= width


def _goes_on(before: str, after: str) -> bool:
    """Tell whether a line was broken off, and is none of its own or behind the same prefix."""
    if _BEGINS.match(after) or after[:_PREFIX] == before[:_PREFIX]:
        return False
    return _RECORD.match(before) is not None or _UNLOGGED.match(after) is None


def _joined(lines: Lines, width: int) -> Iterator[tuple[int, str]]:
    number, whole, full = 0, "", False
    for place, text in lines:
        if full and _goes_on(whole, text):
            whole += text.rstrip()
        else:
            if number:
                yield number, whole
            number, whole = place, text.rstrip()
        full = _is_full(text, width)
        if full:
            whole += " " * (width - len(text.rstrip()))
    if number:
        yield number, whole
