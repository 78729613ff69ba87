"""The cost screen: both lines of cost over load, the options ranked, now and plan, and what if."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Static

from backends.domain.decision.answer import Verdict
from backends.domain.decision.verdict import decide
from backends.domain.format import UNKNOWN
from backends.operations.decision import Decision
from backends.operations.last_month import LastMonth
from console.tui.bindings import BACK
from console.tui.screens.inputs import InputsScreen
from console.tui.views.cost import advice_view, now_view, plan_view, verdict_view
from console.tui.views.plan import chart_view, options_view
from console.tui.views.what_if import (
    FIGURES,
    LENGTHS,
    Figure,
    changed,
    estimated_rps,
    lengths_view,
    of_length,
)
from widgets.cost_chart import CostChart
from widgets.length_cards import LengthCards
from widgets.options_bars import OptionsBars
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.verdict_line import VerdictLine

RENEWED_S = 5.0
"""How often the screen takes what was measured since."""


class CostScreen(Screen[None]):
    """A scenario of what is measured, changed by keys; nothing here is stored or sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("up", "choose(-1)", "Choose", id="costs.up", key_display="↑↓"),
        Binding("down", "choose(1)", "Choose", id="costs.down", show=False),
        Binding("left", "change(-1)", "Change", id="costs.less", key_display="←→"),
        Binding("right", "change(1)", "Change", id="costs.more", show=False),
        Binding("1", "length(0)", "Length", id="costs.short", key_display="1-3"),
        Binding("2", "length(1)", "Length", id="costs.medium", show=False),
        Binding("3", "length(2)", "Length", id="costs.long", show=False),
        Binding("0", "measured", "Measured", id="costs.reset"),
        Binding(
            "i",
            "inputs",
            "Inputs",
            id="costs.inputs",
            tooltip="What the verdict rests on, and the last month",
        ),
    ]
    DEFAULT_CSS = """
    CostScreen {
        & #plan { height: 1fr; min-height: 11; }
        & #what-if { width: 33; border: round $foreground 25%; padding: 0 1; height: 100%; }
        & CostChart { width: 1fr; height: 100%; }
        & OptionsBars { height: 6; }
        & LengthCards { height: 1; border: none; padding: 0 1; }
        & VerdictLine { height: 1; padding: 0 1; }
        & #plan-verdict { height: 2; }
        & #act { display: none; }
        &.-tall, &.-huge {
            & OptionsBars { height: 7; }
            & LengthCards { height: 6; border: round $foreground 25%; }
            & #act { display: block; }
        }
        &.-huge {
            & OptionsBars { height: 10; }
            & LengthCards { height: 7; }
        }
    }
    """
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall"), (42, "-huge")]  # noqa: RUF012

    chart = query_one(CostChart)
    options = query_one(OptionsBars)
    lengths = query_one(LengthCards)

    def __init__(
        self,
        decision: Decision,
        newest: Callable[[], Decision] | None = None,
        past: Callable[[Decision], LastMonth | None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._past = past
        self._newest = newest
        self._decision = decision
        self._measured = decision.scenario
        self._asked = decision.scenario
        self._found = decision.plan
        self._chosen = 0

    def compose(self) -> ComposeResult:
        """Lay out what is decided, the figures beside the chart, and the options below."""
        yield StatusStrip()
        yield VerdictLine(id="plan-verdict")
        yield VerdictLine(id="now")
        yield VerdictLine(id="act")
        with Horizontal(id="plan"):
            what_if = Static(id="what-if")
            what_if.border_title = "What if"
            yield what_if
            yield CostChart()
        yield LengthCards()
        yield OptionsBars()
        yield StillFooter()

    def on_mount(self) -> None:
        """Draw what is measured, and again as that changes."""
        self._draw()
        if self._newest is not None:
            self.set_interval(RENEWED_S, self._renew)

    def _renew(self) -> None:
        """Take what is measured now; what is supposed stays as it is."""
        if self._newest is None:
            return
        supposed = self._asked != self._measured
        self._decision = self._newest()
        self._measured = self._decision.scenario
        if not supposed:
            self._asked = self._measured
        self._draw()

    def action_choose(self, step: int) -> None:
        """Choose the next figure."""
        self._chosen = (self._chosen + step) % len(FIGURES)
        self._draw()

    def action_change(self, direction: int) -> None:
        """Change the chosen figure by a step."""
        figure = FIGURES[self._chosen]
        asked = changed(self._asked, figure, direction)
        if figure.key == "output_tokens" and asked.output_tokens is not None:
            asked = of_length(self._asked, asked.output_tokens, self._measured)
        self._asked = asked
        self._draw()

    def action_length(self, place: int) -> None:
        """Suppose answers of one of the three lengths."""
        self._asked = of_length(self._asked, LENGTHS[place][1], self._measured)
        self._draw()

    def action_measured(self) -> None:
        """Go back to what is measured now."""
        self._asked = self._measured
        self._renew()
        self._draw()

    def action_inputs(self) -> None:
        """Show all options, what the verdict rests on, and what the last month came to."""
        answers = (now_view(self._decision), advice_view(self._decision))
        past = self._past(self._decision)
        self.app.push_screen(InputsScreen(self._found, self.options.view, answers, past))

    def _draw(self) -> None:
        """Draw the scenario; only where nothing is supposed, the plan holds over windows."""
        self.query_one("#now", VerdictLine).view = now_view(self._decision)
        self.query_one("#act", VerdictLine).view = advice_view(self._decision)
        supposed = self._asked != self._measured
        found = self._found = self._decided() if supposed else self._decision.plan
        self.query_one("#what-if", Static).update(Content("\n").join(self._rows()))
        self.chart.view = chart_view(self._asked, found)
        self.options.view = options_view(found, self._asked, self._decision.ranked)
        self.lengths.view = lengths_view(self._asked, self._measured)
        plan = self.query_one("#plan-verdict", VerdictLine)
        plan.view = (
            replace(verdict_view(found), label="WHAT IF") if supposed else plan_view(self._decision)
        )

    def _decided(self) -> Verdict:
        return decide(self._asked, self._decision.plan.remedies)

    def _rows(self) -> list[Content]:
        return [self._row(place, figure) for place, figure in enumerate(FIGURES)]

    def _row(self, place: int, figure: Figure) -> Content:
        value: Decimal | None = getattr(self._asked, figure.key)
        mark = "*" if value != getattr(self._measured, figure.key) else " "
        estimate = estimated_rps(self._measured, self._asked.output_tokens)
        if figure.key == "capacity_rps" and value is not None and value == estimate:
            mark = "≈"
        chosen = place == self._chosen
        text = f"{'▸' if chosen else ' '}{figure.words:<15}{_short(value):>9} {mark}"
        return Content.styled(text, "reverse" if chosen else "")


def _short(value: Decimal | None) -> str:
    """Return a figure in three digits: more would be surer than any measurement of it."""
    return UNKNOWN if value is None else f"{float(f'{value:.3g}'):g}"
