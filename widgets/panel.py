"""The box that every drawn widget is: lines from one pure function, redrawn where they changed."""

from collections.abc import Sequence
from itertools import takewhile, zip_longest
from typing import Self

from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


class Panel(Widget):
    """A bordered box of lines that a subclass draws from its view and its own size.

    A subclass declares ``view`` as a reactive with ``repaint=False``; a new view then redraws only
    the lines that differ, up to their last change, which is what a terminal behind SSH is sent.
    """

    DEFAULT_CSS = """
    Panel {
        border: round $foreground 25%;
        border-title-color: $text-primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        padding: 0 1;
        color: $foreground;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &:focus { border: round $primary; }
    }
    """

    ALLOW_MAXIMIZE = True
    auto_links = False
    _drawn: tuple[Content, ...] = ()
    _drawn_size = Size(0, 0)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return what the box shows in `width` times `height` cells."""
        raise NotImplementedError

    def watch_view(self) -> None:
        """Redraw the lines that the new view changes."""
        width, height = self.size
        if not width or not height:
            return
        drawn = clipped(self.lines(width, height), width, height)
        changed = [
            Region(0, row, cells, 1)
            for row, (new, old) in enumerate(zip_longest(drawn, self._drawn))
            if (cells := _changed_width(old, new, width))
        ]
        self._drawn = drawn
        if changed:
            self.refresh(*changed)

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Redraw these regions as they were drawn, or all of the box from its view."""
        if not regions:
            self._drawn_size = Size(0, 0)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render(self) -> Content:
        """Return the lines of the current view at the current size."""
        self._drawn, self._drawn_size = clipped(self.lines(*self.size), *self.size), self.size
        return Content("\n").join(self._drawn)

    def render_line(self, y: int) -> Strip:
        """Return one line of the box; of a view drawn at this size no other line is made again."""
        if self._drawn_size != self.size or self.text_selection is not None:
            return super().render_line(y)
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        (strip,) = Visual.to_strips(self, self._drawn[y], self.size.width, 1, self.visual_style)
        return strip.apply_offsets(0, y)


def clipped(lines: Sequence[Content], width: int, height: int) -> tuple[Content, ...]:
    """Return the lines that a box of this size can hold, for boxes too small for any layout."""
    return tuple(line.truncate(width, ellipsis=True) for line in lines[:height])


def _changed_width(old: Content | None, new: Content | None, width: int) -> int:
    """Return how many of a line's cells, from the left, hold all of its changes."""
    if old is None or new is None:
        return width
    if new.is_same(old):
        return 0
    if old.cell_length != new.cell_length:
        return max(old.cell_length, new.cell_length)
    ends = zip(reversed(old.plain), reversed(new.plain), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    kept_old, kept = old[len(old) - same :], new[len(new) - same :]
    return new.cell_length - kept.cell_length if kept.is_same(kept_old) else new.cell_length
