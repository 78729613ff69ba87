"""A cold-start probe: every request a dot, a row for each pause, and what the rule says."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets.panel import Panel
from widgets.plot import Plot
from widgets.text import line, safe, spread, styled, wrap_to


@dataclass(frozen=True, slots=True)
class PauseRow:
    """The requests after one pause; `name` as it is shown, for example ``after 15m``."""

    name: str
    values_s: tuple[float, ...] = ()
    verdict: Literal["cold", "warm", "unsure", "baseline"] = "unsure"
    done: str = ""


@dataclass(frozen=True, slots=True)
class ColdProbeView:
    """What a cold-start probe found so far.

    Attributes:
        verdict: whether the endpoint was ever seen cold, in a sentence.
        slow_above_s: the longest first token that is not slow, None without a baseline.
        notes: what would prevent it, what was spent, the rule; a paragraph each.
    """

    verdict: str = ""
    rows: tuple[PauseRow, ...] = ()
    slow_above_s: float | None = None
    notes: tuple[str, ...] = ()


class ColdProbePanel(Panel):
    """The dots of every pause, and what follows from them."""

    BORDER_TITLE = "Cold-start probe"

    view: reactive[ColdProbeView] = reactive(ColdProbeView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the verdict, the dots and the notes."""
        return draw(self.view, width, height)


_LOOKS = {
    "cold": ("❄ COLD", "$text-error bold"),
    "warm": ("● warm", "$text-success"),
    "unsure": ("? unsure", "$text-warning"),
    "baseline": ("baseline", "$foreground-muted"),
}


def draw(view: ColdProbeView, width: int, height: int) -> list[Content]:
    """Return the lines; the verdict stays whatever the size."""
    lines = [styled(text, "bold") for text in wrap_to(safe(view.verdict), width, 3)]
    lines += _dots(view, width)
    for note in view.notes:
        lines.append(Content(""))
        lines += [styled(text, "$foreground-muted") for text in wrap_to(safe(note), width, 4)]
    return lines[:height]


def _dots(view: ColdProbeView, width: int) -> list[Content]:
    values = [value for row in view.rows for value in row.values_s]
    if not values:
        return []
    high = max(*values, view.slow_above_s or 0.0) * 1.05
    edge = max(len(row.name) for row in view.rows) + 1
    side = max(len(_LOOKS[row.verdict][0]) + len(row.done) + 1 for row in view.rows)
    room = max(8, width - edge - side - 1)
    plot = Plot(room, len(view.rows), x=(0, high))
    if view.slow_above_s is not None:
        plot.upright(plot.column(view.slow_above_s), "┊", "$text-error")
    rows = []
    for place, row in enumerate(view.rows):
        for value in row.values_s:
            plot.put(plot.column(value), place, "●", "$text-primary")
        word, style = _LOOKS[row.verdict]
        told = line((word, style), (f" {row.done}", "$foreground-muted"))
        rows.append(line((row.name.ljust(edge), "bold"), *plot.rows[place], " ", told))
    left = " " * edge + "0"
    above = "" if view.slow_above_s is None else f"  ┊ slow over {fmt.latency(view.slow_above_s)}"
    axis = spread(styled(left + above), styled(f"TTFT {fmt.latency(high)}"), edge + room)
    return [*rows, axis.stylize("$foreground-muted")]
