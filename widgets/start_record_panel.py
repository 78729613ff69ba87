"""A start of the history: its phases on their time axis, and what it was a start of."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from widgets.panel import Panel
from widgets.phase_bars import PhaseChart, phase_lines
from widgets.text import safe, styled, wrap

NO_PHASES = PhaseChart()


@dataclass(frozen=True, slots=True)
class StartRecordView:
    """Its phases, and sentences on it, the most telling first."""

    chart: PhaseChart = NO_PHASES
    facts: tuple[str, ...] = ()


class StartRecordPanel(Panel):
    """The phases above, the sentences below."""

    DEFAULT_CSS = "StartRecordPanel { height: 1fr; }"
    BORDER_TITLE = "Start"

    view: reactive[StartRecordView] = reactive(StartRecordView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the phases, then as many of the sentences as have room."""
        facts = [row for text in self.view.facts for row in wrap(safe(text), width)]
        least = min(self.view.chart.least_lines, max(3, height - len(facts) - 1))
        chart = phase_lines(self.view.chart, width, min(least, height))
        room = height - len(chart)
        return [*chart, Content(""), *(styled(each) for each in facts)][: len(chart) + room]
