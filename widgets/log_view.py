"""The log: follows, keeps the reader's place, filters, and highlights what is searched for."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.markup import escape
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from widgets.log_buffer import MAX_LINES, LogBuffer, filter_of, level_of
from widgets.log_rows import LogRows
from widgets.text import ELLIPSIS, line, safe

TAKE_S = 0.1
"""Lines are gathered this long and drawn at once: a flood costs ten frames a second, not more."""

_WIDEST = 4_000
MARKS = {"error": "✖ ", "warning": "▲ ", "": "  "}


@dataclass(frozen=True, slots=True)
class LogView:
    """What the reader looks for.

    Attributes:
        search: text to highlight, whatever its case; empty for none.
        only: text that a line must contain to be shown, whatever its case; empty for all lines.
        problems_only: show warnings and errors only.
        probes: show the lines of inferctl's own probes too.
        wrap: show long lines in as many rows as they need.
    """

    search: str = ""
    only: str = ""
    problems_only: bool = False
    probes: bool = False
    wrap: bool = False

    @property
    def shown(self) -> tuple[str, bool, bool]:
        """What decides which lines are shown."""
        return (self.only, self.problems_only, self.probes)


class LogLines(ScrollView, can_focus=True):
    """Lines of a log, the newest `MAX_LINES` of them; only those on screen are ever drawn."""

    BORDER_TITLE = "Log"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--", "log--warning", "log--error"}
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
        & > .log-- { color: $foreground; }
        & > .log--warning { color: $text-warning; }
        & > .log--error { color: $text-error; }
    }
    """

    view: reactive[LogView] = reactive(LogView())

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._buffer = LogBuffer()
        self._buffer.set_filter(filter_of("", problems_only=False, probes=False))
        self._rows = LogRows(self._buffer)
        self._matches: list[int] = []
        self._left_out_bytes = 0
        self._waiting: list[str] = []
        self._taken_lately = False
        self._found: int | None = None
        self._sought: tuple[str, int] | None = None
        self._widest = 0

    @property
    def following(self) -> bool:
        """The end of the log is on screen, and stays there when lines arrive."""
        return self.scroll_offset.y >= self.max_scroll_y

    def append(self, lines: Iterable[str], left_out_bytes: int = 0) -> None:
        """Add lines at the end; a reader who has scrolled up keeps what is before his eyes.

        Args:
            lines: what was read.
            left_out_bytes: what the log holds before them and is not read.
        """
        self._left_out_bytes += left_out_bytes
        self._waiting.extend(lines)
        del self._waiting[:-MAX_LINES]
        if self.is_mounted and not self._taken_lately:
            self._take()

    def on_mount(self) -> None:
        """Draw what came before."""
        self._take()

    def find(self, *, forwards: bool = True) -> bool:
        """Go to the next line that holds the searched text; False where there is none."""
        if not self.view.search:
            return False
        top = self.scroll_offset.y
        start = self._buffer.row_of(self._rows.at(top)[0]) if top < len(self._rows) else 0
        if self._found is not None:
            start = self._buffer.row_of(self._found) + forwards
        row = self._buffer.find(self.view.search, start, forwards=forwards)
        if row is not None:
            self._go_to(self._buffer.rows[row])
        self._show_position()
        return row is not None

    def marked_text(self) -> str:
        """Return the line that was found, or else all lines on screen, to be copied."""
        if self._found is not None:
            return self._buffer.text(self._found)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        shown = (self._rows.at(row)[0] for row in range(top, min(top + height, len(self._rows))))
        return "\n".join(self._buffer.text(number) for number in dict.fromkeys(shown))

    def open_at(self, place: int, text: str) -> None:
        """Go to the line with this text that is nearest to a place, as soon as it has come.

        Places count from 1 for the first line that is appended.
        """
        self._sought = (text, place)

    def _go_to(self, number: int) -> None:
        self._found = number
        middle = self.scrollable_content_region.height // 2
        self.scroll_to(
            x=self._column_of_match(number),
            y=max(0, self._rows.row_of(number) - middle),
            animate=False,
            immediate=True,
        )
        self._show_position()
        self.refresh()

    def _column_of_match(self, number: int) -> int:
        """Return how far to scroll to the right for what is searched for in a line."""
        place = self._buffer.text(number).casefold().find(self.view.search.casefold())
        room = self.scrollable_content_region.width
        ends = place + len(self.view.search) + 2
        return 0 if self.view.wrap or not self.view.search or ends < room else place - room // 2

    def _seek(self) -> bool:
        """Go to the line that was asked for, once it is among those that came."""
        number = self._buffer.nearest(*self._sought) if self._sought else None
        if number is None:
            return False
        self._sought = None
        self.call_after_refresh(self._go_to, number)  # the bar to scroll by is laid out first
        return True

    def watch_view(self, old: LogView, new: LogView) -> None:
        """Filter again where the filter changed; the first line on screen stays if it can."""
        if (old.shown, old.wrap) == (new.shown, new.wrap):
            self._found = None
            self._matches = self._buffer.matches(new.search) if new.search else []
            self._show_position()
            return
        following, top = self.following, self.scroll_offset.y
        anchor = self._rows.at(top)[0] if top < len(self._rows) else 0
        self._buffer.set_filter(
            filter_of(new.only, problems_only=new.problems_only, probes=new.probes)
        )
        self._matches = self._buffer.matches(new.search) if new.search else []
        self._rows.wrap_at(self._room if new.wrap else 0)
        self._resize()
        if following:
            self.scroll_end(animate=False, force=True, immediate=True)
        else:
            self.scroll_to(x=0, y=self._rows.row_of(anchor), animate=False, immediate=True)
        self.refresh()

    @property
    def _room(self) -> int:
        """The characters of a row beside the mark of its level."""
        return max(10, self.scrollable_content_region.width - 2)

    def on_resize(self) -> None:
        """Wrap again for another width."""
        if self.view.wrap:
            self._rows.wrap_at(self._room)
            self._resize()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell whether the log is still followed."""
        super().watch_scroll_y(old_value, new_value)
        self._show_position()

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, with its mark and what is searched for in it."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        style = self.get_component_rich_style("log--")
        if top + y >= len(self._rows):
            return Strip.blank(width, style)
        number, begin = self._rows.at(top + y)
        strip = self._drawn(number)
        if self.view.wrap:
            mark = strip.crop(0, 2) if not begin else Strip([Segment("  ", style)])
            piece = strip.crop(2 + begin, 2 + begin + self._room)
            return Strip([*mark, *piece]).extend_cell_length(width, style)
        if strip.cell_length - left <= width:
            return strip.crop_extend(left, left + width, style)
        return Strip([*strip.crop(left, left + width - 1), Segment(ELLIPSIS, style)])

    def _drawn(self, number: int) -> Strip:
        """Return a whole line; one in which nothing is searched for takes the short way."""
        text = self._buffer.text(number)
        if self.view.search:
            content = marked(text, self.view.search, found=number == self._found)
            return Visual.to_strips(self, content, content.cell_length, 1, self.visual_style)[0]
        level = level_of(text)
        style = self.get_component_rich_style(f"log--{level}")
        if number == self._found:
            style += Style(reverse=True, bold=True)
        return Strip([Segment(MARKS[level] + safe(text), style)])

    def _take(self) -> None:
        """Take in what has arrived, and then leave the screen alone for a while."""
        self._taken_lately = bool(self._waiting)
        if not self._waiting:
            return
        self.set_timer(TAKE_S, self._take)
        following = self.following
        self._widest = max(self._widest, *map(len, self._waiting))
        before = len(self._rows)
        gone = self._buffer.append(self._waiting)
        self._rows.extend()
        if self.view.wrap and gone:
            gone = max(0, before + len(self._waiting) - len(self._rows))
        self._waiting = []
        if self.view.search:
            self._matches = self._buffer.matches(self.view.search)
        self._resize()
        if self._seek():
            pass
        elif following:
            self.scroll_end(animate=False, force=True, immediate=True)
        elif gone:
            self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False, immediate=True)
        self.refresh()

    def _resize(self) -> None:
        """Take the size of what is shown; the screen is laid out again only for a scroll bar."""
        widest = 0 if self.view.wrap else min(self._widest, _WIDEST) + 2
        size = Size(widest, len(self._rows))
        if self.show_vertical_scrollbar and size.height > self.container_size.height:
            self.set_reactive(LogLines.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        else:
            self.virtual_size = size
        self._show_position()

    def _show_position(self) -> None:
        view, shown, kept = self.view, len(self._buffer.rows), len(self._buffer)
        parts = ["▼ following" if self.following else "‖ paused"]
        parts.append(f"{shown:,} lines" if shown == kept else f"{shown:,} of {kept:,} lines")
        if view.search:
            at = bisect_left(self._matches, self._found) + 1 if self._found is not None else 0
            count = f"{at:,}/{len(self._matches):,}" if self._matches else "not found"
            parts.append(f"{view.search!r} {count}")
        if view.only:
            parts.append(f"only {view.only!r}")
        if view.problems_only:
            parts.append("warnings and errors")
        if not view.probes:
            parts.append("own probes hidden")
        if self._left_out_bytes:
            parts.append(f"{self._left_out_bytes / (1 << 20):,.1f} MiB before not read")
        self.border_subtitle = escape(" · ".join(parts))


def marked(text: str, search: str, *, found: bool) -> Content:
    """Return a line with the mark of its level in front and the searched text highlighted."""
    shown, level = safe(text), level_of(text)
    mark, style = MARKS[level], f"$text-{level}" if level else ""
    content = line((mark, style), (shown, style))
    hits = re.finditer(re.escape(search), shown, re.IGNORECASE)
    look = "bold reverse $accent" if found else "reverse"
    for hit in hits:
        content = content.stylize(look, hit.start() + len(mark), hit.end() + len(mark))
    return content
