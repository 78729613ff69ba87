"""The log: follows, keeps the reader's place, filters, and highlights what is searched for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from widgets.text import ELLIPSIS, line, safe

KEPT_LINES = 50_000
_TRIM = 5_000
_WIDEST = 4_000
_ERROR = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|Traceback)\b|^[\w.]*(?:Error|Exception)\b")
_WARNING = re.compile(r"\bWARN(?:ING)?\b")
_LEVEL_WITHIN = 120


@dataclass(frozen=True, slots=True)
class LogView:
    """What the reader looks for.

    Attributes:
        search: text to highlight, whatever its case; empty for none.
        only: text that a line must contain to be shown, whatever its case; empty for all lines.
        problems_only: show warnings and errors only.
    """

    search: str = ""
    only: str = ""
    problems_only: bool = False


class LogLines(ScrollView, can_focus=True):
    """Lines of a log, the newest `KEPT_LINES` of them."""

    BORDER_TITLE = "Log"
    DEFAULT_CSS = """
    LogLines {
        border: round $foreground 25%;
        border-title-color: $text-primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        color: $foreground;
        text-wrap: nowrap;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        &:focus { border: round $primary; }
    }
    """

    view: reactive[LogView] = reactive(LogView())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: list[str] = []
        self._dropped = 0
        self._shown: list[int] = []
        self._found: int | None = None
        self._widest = 0

    @property
    def following(self) -> bool:
        """The end of the log is on screen, and stays there when lines arrive."""
        return self.scroll_offset.y >= self.max_scroll_y

    def append(self, lines: Iterable[str]) -> None:
        """Add lines at the end; a reader who has scrolled up keeps what is before his eyes."""
        following = self.following
        first = self._dropped + len(self._lines)
        self._lines.extend(lines)
        added = self._lines[first - self._dropped :]
        self._shown.extend(at for at, text in enumerate(added, first) if self._wanted(text))
        self._widest = max(self._widest, max((len(text) for text in added), default=0))
        gone = self._trim()
        self._resize()
        if following:
            self.scroll_end(animate=False, force=True, immediate=True)
        elif gone:
            self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False, immediate=True)
        self.refresh()

    def find(self, *, forwards: bool = True) -> bool:
        """Go to the next line that holds the searched text; False where there is none."""
        needle = self.view.search.casefold()
        if not needle or not self._shown:
            return False
        hits = [row for row, at in enumerate(self._shown) if needle in self._text(at).casefold()]
        if not hits:
            return False
        here = self.scroll_offset.y - 1 if self._found is None else self._row_of(self._found)
        ahead = [row for row in hits if (row > here if forwards else row < here)]
        row = (ahead or hits)[0 if forwards else -1]
        self._found = self._shown[row]
        self._show(row)
        return True

    def go_to(self, number: int, text: str) -> bool:
        """Go to the line with this text whose place is nearest to `number`, and mark it.

        False where no line has it. Places count from 1 for the first line that was appended.
        """
        hits = [at for at, line in enumerate(self._lines, self._dropped) if text in line]
        if not hits:
            return False
        self._found = min(hits, key=lambda at: abs(at + 1 - number))
        self._show(self._row_of(self._found))
        return True

    def _show(self, row: int) -> None:
        self.scroll_to(
            y=max(0, row - self.scrollable_content_region.height // 2),
            animate=False,
            immediate=True,
        )
        self._tell()
        self.refresh()

    def watch_view(self, old: LogView, new: LogView) -> None:
        """Filter again where the filter changed; the first line on screen stays if it can."""
        if (old.only, old.problems_only) == (new.only, new.problems_only):
            self._found = None
            self._tell()
            return
        following, top = self.following, self.scroll_offset.y
        anchor = self._shown[top] if top < len(self._shown) else 0
        everything = enumerate(self._lines, self._dropped)
        self._shown = [at for at, text in everything if self._wanted(text)]
        self._resize()
        if following:
            self.scroll_end(animate=False, force=True, immediate=True)
        else:
            self.scroll_to(y=self._row_of(anchor), animate=False, immediate=True)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell whether the log is still followed."""
        super().watch_scroll_y(old_value, new_value)
        self._tell()

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, with its mark and what is searched for in it."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        if top + y >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        at = self._shown[top + y]
        content = marked(self._text(at), self.view.search, found=at == self._found)
        length = max(width, content.cell_length)
        strip = Visual.to_strips(self, content, length, 1, self.visual_style)[0]
        if content.cell_length - left <= width:
            return strip.crop_extend(left, left + width, self.rich_style)
        return Strip([*strip.crop(left, left + width - 1), Segment(ELLIPSIS, self.rich_style)])

    def _text(self, at: int) -> str:
        return self._lines[at - self._dropped]

    def _row_of(self, at: int) -> int:
        return next((row for row, shown in enumerate(self._shown) if shown >= at), 0)

    def _wanted(self, text: str) -> bool:
        if self.view.problems_only and not level_of(text):
            return False
        return self.view.only.casefold() in text.casefold() if self.view.only else True

    def _trim(self) -> int:
        """Drop the oldest lines where there are too many; return how many shown ones are gone."""
        excess = len(self._lines) - KEPT_LINES
        if excess < _TRIM and len(self._lines) < KEPT_LINES + _TRIM:
            return 0
        del self._lines[:excess]
        self._dropped += excess
        gone = next(
            (row for row, at in enumerate(self._shown) if at >= self._dropped), len(self._shown)
        )
        del self._shown[:gone]
        return gone

    def _resize(self) -> None:
        self.virtual_size = Size(min(self._widest, _WIDEST) + 2, len(self._shown))
        self._tell()

    def _tell(self) -> None:
        lines = f"{len(self._shown):,} lines"
        if len(self._shown) != len(self._lines):
            lines = f"{len(self._shown):,} of {len(self._lines):,} lines"
        self.border_subtitle = f"{'▼ following' if self.following else '‖ paused'} · {lines}"


def level_of(text: str) -> str:
    """Return ``error``, ``warning`` or nothing for one line of a log."""
    begin = text[:_LEVEL_WITHIN]
    if _ERROR.search(begin):
        return "error"
    return "warning" if _WARNING.search(begin) else ""


def marked(text: str, search: str, *, found: bool) -> Content:
    """Return a line with the mark of its level in front and the searched text highlighted."""
    shown = safe(text)
    mark, style = {
        "error": ("✖ ", "$text-error"),
        "warning": ("▲ ", "$text-warning"),
        "": ("  ", ""),
    }[level_of(text)]
    content = line((mark, style), (shown, style))
    if not search:
        return content.stylize("bold reverse") if found else content
    hits = re.finditer(re.escape(search), shown, re.IGNORECASE)
    look = "bold reverse $accent" if found else "reverse"
    for hit in hits:
        content = content.stylize(look, hit.start() + len(mark), hit.end() + len(mark))
    return content
