"""One line of the study that runs beside everything else."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets.panel import Panel
from widgets.text import Part, arrange, safe


@dataclass(frozen=True, slots=True)
class StudyStripView:
    """A study in a line.

    Attributes:
        server: which is measured; empty where no study runs.
        step: what is measured now; empty before the first.
        number: of that step, from 1; `of` are all; None before the first.
        detail: what the step is at.
        left_s: what is expected until the end; None where that is not known.
    """

    server: str = ""
    endpoint: str = ""
    step: str = ""
    number: int | None = None
    of: int | None = None
    detail: str = ""
    left_s: float | None = None


class StudyStrip(Panel):
    """One line without a box."""

    DEFAULT_CSS = """
    StudyStrip {
        height: 1;
        border: none;
        &:focus { border: none; }
    }
    """

    view: reactive[StudyStripView] = reactive(StudyStripView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the one line."""
        return draw(self.view, width)[:height]


def draw(view: StudyStripView, width: int) -> list[Content]:
    """Return the line; the server and how far the study is stay whatever the width."""
    if not view.server:
        return []
    at = f" {view.number}/{view.of}" if view.of else ""
    name = f"▶ study of {safe(view.server)}{at}"
    doing = ": ".join(safe(text) for text in (view.step, view.detail) if text)
    parts = [
        Part.of(0, name, style="$text-accent bold", droppable=False),
        Part.of(1, doing),
        Part.of(2, "" if view.left_s is None else f"about {fmt.about(view.left_s)} left"),
        Part.of(3, "x ends it", style="$foreground-muted"),
        Part.of(4, f"beside {safe(view.endpoint)}"),
    ]
    return [arrange(parts, width)]
