"""The log beside a start: its newest lines, or those from the line that tells why it failed."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from widgets.log_buffer import level_of
from widgets.log_view import MARKS
from widgets.panel import Panel
from widgets.text import fit, line, safe, styled

_INK = {"error": "$text-error", "warning": "$text-warning", "": "$foreground"}


@dataclass(frozen=True, slots=True)
class LogTailView:
    """Lines of a log.

    Attributes:
        lines: in order of time; more than there is room for.
        from_first: show the first of them instead of the last, and mark it: it is the root line.
        first_number: its number in the log, None where that is not known.
        reason: why there are none.
    """

    lines: tuple[str, ...] = ()
    from_first: bool = False
    first_number: int | None = None
    reason: str = ""


class LogTail(Panel):
    """As many lines of the log as have room."""

    BORDER_TITLE = "Log (l: all of it)"

    view: reactive[LogTailView] = reactive(LogTailView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return one row for each line."""
        return draw(self.view, width, height)


def draw(view: LogTailView, width: int, height: int) -> list[Content]:
    """Return the newest lines, or the first ones with the root line marked."""
    if not view.lines:
        return [styled(fit(f"log — {view.reason or 'no line yet'}", width), "$foreground-muted")]
    if not view.from_first:
        return [_row(text, width) for text in view.lines[-height:]]
    root, *rest = view.lines[:height]
    number = "" if view.first_number is None else f"{view.first_number:,} "
    marked = line((f"▶ {number}{safe(root)}", "bold $text-error")).truncate(width, ellipsis=True)
    return [marked, *(_row(text, width) for text in rest)]


def _row(text: str, width: int) -> Content:
    level = level_of(text)
    return styled(MARKS[level] + safe(text), _INK[level]).truncate(width, ellipsis=True)
