"""One line of the load test that runs beside everything else, or has just ended."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets.panel import Panel
from widgets.text import Part, arrange, safe


@dataclass(frozen=True, slots=True)
class LoadStripView:
    """A load in a line.

    Attributes:
        endpoint: which is loaded; empty where no load is to be shown.
        now_rps: the rate that is held now, None when it is over.
        now_left_s: how long it will still be held; None where that is not known.
        rates: how many were measured; None before the first.
        said: the last rate's result, or what was found.
    """

    endpoint: str = ""
    now_rps: float | None = None
    now_left_s: float | None = None
    rates: int | None = None
    said: str = ""


class LoadStrip(Panel):
    """One line without a box."""

    DEFAULT_CSS = """
    LoadStrip {
        height: 1;
        border: none;
        &:focus { border: none; }
    }
    """

    view: reactive[LoadStripView] = reactive(LoadStripView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the one line."""
        return draw(self.view, width)[:height]


def draw(view: LoadStripView, width: int) -> list[Content]:
    """Return the line; the endpoint and the rate, or the end, stay whatever the width."""
    if not view.endpoint:
        return []
    name, said = safe(view.endpoint), safe(view.said)
    if view.now_rps is None:
        parts = [
            Part.of(0, f"● load test of {name} ended", style="$text-success bold", droppable=False),
            Part.of(2, "L opens it", style="$foreground-muted"),
            Part.of(1, said),
        ]
        return [arrange(parts, width)]
    parts = [
        Part.of(
            0,
            f"▶ load test of {name}: {fmt.rate(view.now_rps)} req/s",
            style="$text-accent bold",
            droppable=False,
        ),
        Part.of(1, "" if view.now_left_s is None else f"{fmt.about(view.now_left_s)} left"),
        Part.of(2, "x cancels, L opens it", style="$foreground-muted"),
        Part.of(3, f"{view.rates} measured, last {said}" if view.rates else "none measured yet"),
    ]
    return [arrange(parts, width)]
