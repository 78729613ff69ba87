"""Why a start failed: its kind, its root line and where that stands, and what to do about it."""

from textual.content import Content

from backends.domain.start import Failure
from widgets.text import Part, arrange, fit, safe, styled, wrap, wrap_to

LINES_FOR_PHASES = 3


def failure_lines(
    failure: Failure, outcome: Part, keys: tuple[str, str, str], width: int, height: int
) -> list[Content]:
    """Return what failed, its cause, its remedy, and the line of the log that tells it.

    Args:
        failure: whose sentences are never cut where there is room for them.
        outcome: how the start ended, the head of the first line.
        keys: opens the log at that line; gives the panel the whole screen, where there is room;
            applies the remedy, empty where a person has to.
        width: in cells.
        height: in lines; the remedy is what gives way last.
    """
    log_key, whole_key, fix_key = keys
    cause = f"{_kind(failure)}: {safe(failure.cause)}"
    remedy = f"Fix{f' ({fix_key})' if fix_key else ''}: {safe(failure.remedy)}"
    room = height - 1
    remedy_lines = min(len(wrap(remedy, width)), max(1, room - min(2, room // 2)))
    told_cause = wrap_to(cause, width, room - remedy_lines)
    told_remedy = wrap_to(remedy, width, room - len(told_cause))
    is_cut = len(told_cause + told_remedy) < len(wrap(cause, width) + wrap(remedy, width))
    whole = [Part.of(0, f"all of it: {whole_key}", f"all: {whole_key}")] if is_cut else []
    lines = [
        arrange([outcome, _place(failure, log_key), *whole], width),
        *(styled(text) for text in told_cause),
        *(styled(text, "bold") for text in told_remedy),
    ]
    if failure.line and len(lines) < height:
        lines += _quoted(failure, width, height - len(lines))
    return lines


def failure_part(failure: Failure, width: int) -> Part:
    """Return kind and cause as a part of a line."""
    told = f"{_kind(failure)}: {safe(failure.cause)}"
    return Part.of(1, told, fit(told, width // 2), _kind(failure))


def _kind(failure: Failure) -> str:
    return str(failure.kind).replace("_", " ")


def _place(failure: Failure, log_key: str) -> Part:
    if failure.line_number is None:
        return Part.of(1, f"no error found in log  log: {log_key}", "no error found in log")
    number = f"log line {failure.line_number:,}"
    return Part.of(1, f"see {number} ({log_key})", f"{number}: {log_key}", number, droppable=False)


def _quoted(failure: Failure, width: int, height: int) -> list[Content]:
    """Return the root line itself, in as many lines as it needs and there are."""
    rows = wrap_to(safe(failure.line), max(1, width - 2), min(height, 3))
    return [styled(f"│ {row}", "$foreground-muted") for row in rows]
