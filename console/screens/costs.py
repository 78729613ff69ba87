"""The cost screen: both lines of cost over load, the options ranked, and what if."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Footer, Static

from backends.domain.money.scenario import Scenario
from backends.domain.money.verdict import decide
from console.keys import BACK
from console.views.cost import verdict_view
from console.views.plan import chart_view, options_view
from widgets.cost_chart import CostChart
from widgets.options_bars import OptionsBars
from widgets.verdict_line import VerdictLine

STEP = Decimal("1.1")
"""One key press changes the chosen figure by a tenth."""

FIGURES = (
    ("output_tokens", "output tokens", Decimal(220)),
    ("input_tokens", "input tokens", Decimal(80)),
    ("rate_rps", "req/s", Decimal(1)),
    ("gpu_usd_per_hour", "GPU $/h", Decimal(2)),
    ("input_usd_per_mtok", "input $/Mtok", Decimal("0.1")),
    ("output_usd_per_mtok", "output $/Mtok", Decimal("0.7")),
    ("capacity_rps", "capacity req/s", Decimal(5)),
    ("hours_per_day", "hours/day", Decimal(24)),
)
"""What can be changed: key of the scenario, its words, and where an unknown one begins."""

LENGTHS = (("short", Decimal(30)), ("medium", Decimal(220)), ("long", Decimal(1200)))
"""Output tokens of a classification, a paragraph and a long explanation."""


class CostScreen(Screen[None]):
    """A scenario of what is measured, changed by keys; nothing here is stored or sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("up", "choose(-1)", "Choose", id="costs.up", key_display="↑↓"),
        Binding("down", "choose(1)", "Choose", id="costs.down", show=False),
        Binding("left", "change(-1)", "Less", id="costs.less", key_display="←"),
        Binding("right", "change(1)", "More", id="costs.more", key_display="→"),
        Binding("0", "measured", "As measured", id="costs.reset"),
    ]
    DEFAULT_CSS = """
    CostScreen {
        & #plan { height: 1fr; }
        & #what-if { width: 34; border: round $foreground 25%; padding: 0 1; height: 100%; }
        & CostChart { width: 1fr; height: 100%; }
        & OptionsBars { height: 9; }
        & VerdictLine { height: 2; padding: 0 1; }
    }
    """

    chart = query_one(CostChart)
    options = query_one(OptionsBars)
    verdict = query_one(VerdictLine)

    def __init__(self, measured: Scenario) -> None:
        super().__init__()
        self._measured = measured
        self._asked = measured
        self._chosen = 0

    def compose(self) -> ComposeResult:
        """Lay out the figures beside the chart, and the options below."""
        with Horizontal(id="plan"):
            what_if = Static(id="what-if")
            what_if.border_title = "What if"
            yield what_if
            yield CostChart()
        yield OptionsBars()
        yield VerdictLine()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Draw what is measured."""
        self._draw()

    def action_choose(self, step: int) -> None:
        """Choose the next figure."""
        self._chosen = (self._chosen + step) % len(FIGURES)
        self._draw()

    def action_change(self, direction: int) -> None:
        """Change the chosen figure by a tenth; an unknown one begins at a usual value."""
        key, _, usual = FIGURES[self._chosen]
        value: Decimal | None = getattr(self._asked, key)
        changed = usual if value is None else value * STEP if direction > 0 else value / STEP
        if key == "hours_per_day":
            changed = min(changed, Decimal(24))
        # What was measured vouches for the mean of what was measured, not for a supposed one.
        changes: dict[str, Any] = {key: changed, "observed": None}
        self._asked = replace(self._asked, **changes)
        self._draw()

    def action_measured(self) -> None:
        """Go back to what is measured."""
        self._asked = self._measured
        self._draw()

    def _draw(self) -> None:
        found = decide(self._asked)
        self.query_one("#what-if", Static).update(Content("\n").join(self._rows()))
        self.chart.view = chart_view(self._asked, found)
        self.options.view = options_view(found)
        self.verdict.view = verdict_view(found)

    def _rows(self) -> list[Content]:
        rows = []
        for place, (key, words, _) in enumerate(FIGURES):
            value: Decimal | None = getattr(self._asked, key)
            changed = "*" if value != getattr(self._measured, key) else " "
            text = (
                f"{'▸' if place == self._chosen else ' '}{words:<16}{_short(value):>10} {changed}"
            )
            rows.append(Content.styled(text, "reverse" if place == self._chosen else ""))
        rows.append(Content(""))
        rows.append(Content.styled(" crossover by length", "bold"))
        rows += [Content(f" {word:<9}{self._crossover(tokens):>17}") for word, tokens in LENGTHS]
        return rows

    def _crossover(self, tokens: Decimal) -> str:
        at = decide(replace(self._asked, output_tokens=tokens, observed=None)).crossover
        return "—" if at.break_even_rps is None else f"{_short(at.break_even_rps)} req/s"


def _short(value: Decimal | None) -> str:
    return "—" if value is None else f"{float(value):.4g}"
