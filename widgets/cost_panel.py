"""The cost panel: the bill so far, the same tokens elsewhere, and where the crossover lies."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from widgets import bars
from widgets import format as fmt
from widgets.crossover_bar import CrossoverBar, crossover_lines
from widgets.panel import Panel
from widgets.text import UNKNOWN, Part, arrange, fit_name, line, safe, styled

BudgetState = Literal["none", "within", "near", "over"]

_BUDGETS: dict[BudgetState, tuple[str, str]] = {
    "none": ("", ""),
    "within": ("✔ within budget", "$text-success"),
    "near": ("▲ NEAR BUDGET", "$text-warning bold"),
    "over": ("✖ OVER BUDGET", "$text-error bold"),
}
_SPLIT = (
    ("serving", "█", "$text-success"),
    ("idle", "░", "$text-warning"),
    ("starting", "▒", "$text-accent"),
)


@dataclass(frozen=True, slots=True)
class EndpointCost:
    """What the tokens served so far would have cost on one endpoint; None without a price."""

    name: str
    usd: Decimal | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CostView:
    """The meter.

    Attributes:
        spent_usd: on the GPU since it was rented or the server started; None without a price.
        serving_usd: the part of it while requests ran; with `idle_usd` and `starting_usd` all.
        priced_on: date of the GPU's price, for example ``2026-11-01``; empty without one.
        stale: the price is old enough to doubt; `stale_reason` says how old.
        reason: why nothing can be said, with the remedy.
        elsewhere: the same tokens on other endpoints.
        tokens: those tokens, for example ``1.2M in, 340k out``; empty where none were served.
        budget_usd: the limit that `budget` is about.
    """

    spent_usd: Decimal | None = None
    usd_per_hour: Decimal | None = None
    serving_usd: Decimal | None = None
    idle_usd: Decimal | None = None
    starting_usd: Decimal | None = None
    priced_on: str = ""
    stale: bool = False
    stale_reason: str = ""
    reason: str = ""
    elsewhere: tuple[EndpointCost, ...] = ()
    tokens: str = ""
    crossover: CrossoverBar = field(default_factory=CrossoverBar)
    budget: BudgetState = "none"
    budget_usd: Decimal | None = None


class CostPanel(Panel):
    """Spent, rate, split, elsewhere, crossover."""

    BORDER_TITLE = "Cost"

    view: reactive[CostView] = reactive(CostView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the meter's lines."""
        return draw(self.view, width, height)


def draw(view: CostView, width: int, height: int) -> list[Content]:
    """Return the panel's lines; bill, price and crossover outlast split and comparison."""
    bill = [_bill(view, width), _price(view, width)]
    crossover = crossover_lines(view.crossover, width, min(3, max(1, height - 3)))
    elsewhere = _elsewhere(view, width, max(1, height - len(bill) - len(crossover) - 1))
    optional = [*elsewhere[:1], *_split(view, width), *elsewhere[1:]]
    room = max(0, height - len(bill) - len(crossover))
    kept = optional[:room] if room >= 3 else elsewhere[:room]
    return [*bill, *kept, *crossover][:height]


def _bill(view: CostView, width: int) -> Content:
    rate = f"{fmt.usd(view.usd_per_hour)}/h"
    word, style = _BUDGETS[view.budget]
    of_budget = f"{word} of {fmt.usd(view.budget_usd)}" if view.budget_usd is not None else word
    parts = [
        Part.of(0, f"spent {fmt.usd(view.spent_usd)}", style="bold", droppable=False),
        Part.of(0, rate, style="bold", droppable=False),
    ]
    if word:
        forms = (of_budget, word, word[:1] + " " + view.budget)
        parts.append(Part.of(1, *forms, style=style, droppable=False))
    return arrange(parts, width)


def _price(view: CostView, width: int) -> Content:
    if view.reason:
        return arrange([Part.of(0, f"▲ {safe(view.reason)}", droppable=False)], width)
    if not view.priced_on:
        return arrange([Part.of(0, "GPU price — none set", droppable=False)], width)
    parts = [
        Part.of(0, f"price of {safe(view.priced_on)}", style="$foreground-muted", droppable=False)
    ]
    if view.stale:
        forms = (f"▲ STALE {safe(view.stale_reason)}", "▲ STALE")
        parts.append(Part.of(1, *forms, style="$text-warning bold", droppable=False))
    return arrange(parts, width)


def _split(view: CostView, width: int) -> list[Content]:
    """Return what the money went on, as a bar where there is room for one."""
    amounts = (view.serving_usd, view.idle_usd, view.starting_usd)
    known = [amount or Decimal(0) for amount in amounts]
    whole = sum(known)
    if whole <= 0:
        return []
    parts = [
        Part(
            at,
            (
                line((f"{fill} ", style), f"{word} {fmt.usd(amount)}"),
                line((f"{fill} ", style), fmt.usd(amount)),
            ),
        )
        for at, ((word, fill, style), amount) in enumerate(zip(_SPLIT, amounts, strict=True))
    ]
    told = arrange(parts, width)
    room = width - told.cell_length - 2
    if room < 8:
        return [told]
    sizes = bars.apportion([float(amount) for amount in known], float(whole), min(room, 40))
    drawn = [(fill * size, style) for (_, fill, style), size in zip(_SPLIT, sizes, strict=True)]
    return [line(told, "  ", *[part for part in drawn if part[0]])]


def _elsewhere(view: CostView, width: int, height: int) -> list[Content]:
    """Return one line for each endpoint, or one line for all of them."""
    if not view.tokens:
        return [styled("elsewhere — no tokens served yet", "$foreground-muted").truncate(width)]
    if not view.elsewhere:
        return [arrange([Part.of(0, "elsewhere — no endpoint", droppable=False)], width)]
    head = Part.of(
        3, f"same tokens ({safe(view.tokens)}):", "same tokens:", style="$foreground-muted"
    )
    if height < 2:
        costs = [
            Part.of(at, _priced(cost, 18), _priced(cost, 10), droppable=at > 0)
            for at, cost in enumerate(view.elsewhere)
        ]
        return [arrange([head, *costs], width)]
    rows = [
        arrange(
            [
                Part.of(0, _priced(cost, max(8, width - 12)), droppable=False),
                Part.of(1, _times(view, cost), style="$foreground-muted"),
            ],
            width,
        )
        for cost in view.elsewhere
    ]
    return [arrange([head], width), *(line("  ", row).truncate(width) for row in rows)][:height]


def _priced(cost: EndpointCost, room: int) -> str:
    name = fit_name(safe(cost.name), room)
    if cost.usd is None:
        return f"{name} {UNKNOWN} {safe(cost.reason)}".rstrip()
    return f"{name} {fmt.usd(cost.usd)}"


def _times(view: CostView, cost: EndpointCost) -> str:
    if cost.usd is None or not view.spent_usd or not cost.usd:
        return ""
    if cost.usd < view.spent_usd:
        return f"{view.spent_usd / cost.usd:.1f}x cheaper than this GPU"
    return f"{cost.usd / view.spent_usd:.1f}x dearer than this GPU"
