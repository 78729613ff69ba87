"""The cost panel: the bill so far, what it was spent on, and what an API would charge."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from widgets import bars
from widgets.panel import Panel
from widgets.text import Part, arrange, cells, first_fitting, fit, fit_name, line, safe

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
    ("stopped", "▞", "$text-error"),
    ("no data", "·", "$foreground-muted"),
)
_ALWAYS = 3
"""The first parts are named even at nothing; the others only where money went there."""


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
        serving_usd: the part of it while requests ran; with the four that follow all of it.
        stopped_usd: while no server ran, which a host is billed for all the same.
        unwatched_usd: while nobody watched what was served.
        stopped_now: no server runs at this moment, and the host is billed on.
        priced_on: date of the GPU's price, for example ``2026-11-01``; empty without one.
        stale: the price is old enough to doubt; `stale_reason` says how old.
        reason: why nothing can be said, with the remedy.
        api_equivalent: the same tokens on other endpoints.
        tokens: those tokens, for example ``1.2M in, 340k out``; empty where none were served.
        unlike: the tokens are of less time than what was spent.
        tests_usd: what inferctl's own tests have cost at priced endpoints; None for nothing.
        budget_usd: the limit of a day that `budget` is about.
        today_usd: what was spent of it.
    """

    spent_usd: Decimal | None = None
    usd_per_hour: Decimal | None = None
    serving_usd: Decimal | None = None
    idle_usd: Decimal | None = None
    starting_usd: Decimal | None = None
    stopped_usd: Decimal | None = None
    unwatched_usd: Decimal | None = None
    stopped_now: bool = False
    priced_on: str = ""
    stale: bool = False
    stale_reason: str = ""
    reason: str = ""
    api_equivalent: tuple[EndpointCost, ...] = ()
    tokens: str = ""
    unlike: bool = False
    budget: BudgetState = "none"
    budget_usd: Decimal | None = None
    tests_usd: Decimal | None = None
    today_usd: Decimal | None = None


class CostPanel(Panel):
    """Spent, rate, split, equivalent API cost."""

    BORDER_TITLE = "Cost"

    view: reactive[CostView] = reactive(CostView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the meter's lines."""
        return draw(self.view, width, height)


def draw(view: CostView, width: int, height: int) -> list[Content]:
    """Return the panel's lines; the bill outlasts its parts, and these the comparison."""
    short = height < 3
    bill = _bill(view, width, api_equivalent=short)
    room = max(0, height - len(bill))
    split = _split(view, width) if room else []
    api_equivalent = [] if short else _api_equivalent(view, width, room - len(split))
    return [*bill, *split, *api_equivalent][:height]


def _bill(view: CostView, width: int, *, api_equivalent: bool) -> list[Content]:
    """Return the bill, its price and the budget's state in one line if they fit, else in two."""
    spent = [
        Part.of(0, f"spent {fmt.spent_usd(view.spent_usd)}", style="bold", droppable=False),
        Part.of(0, f"at {fmt.short_usd(view.usd_per_hour)}/h", style="bold", droppable=False),
    ]
    word, style = _BUDGETS[view.budget]
    told = f"{word} of {fmt.short_usd(view.budget_usd)}" if view.budget_usd is not None else word
    today = f"{told} today, {fmt.spent_usd(view.today_usd)} spent"
    budget = [Part.of(1, today, told, word, style=style, droppable=False)] if word else []
    if view.stopped_now:
        forms = ("■ stopped: still billed", "■ still billed")
        budget = [*budget, Part.of(1, *forms, style="$text-warning", droppable=False)]
    price = _price(view, width)
    others = [_costs_part(view)] if api_equivalent and view.tokens and view.api_equivalent else []
    whole = arrange([*spent, *price, *budget, *others], width)
    if not whole.plain.endswith("…"):
        return [whole]
    first = arrange([*spent, *budget], width)
    if not first.plain.endswith("…"):
        return [first, arrange(price, width)]
    return [arrange(spent, width), arrange([*price, *budget], width)]


def _costs_part(view: CostView) -> Part:
    costs = [_priced(cost, 16) for cost in view.api_equivalent]
    forms = [
        "equivalent API cost: " + ", ".join(costs[:count]) for count in range(len(costs), 0, -1)
    ]
    return Part.of(9, *forms, f"API {costs[0].rpartition(' ')[2]}")


def _price(view: CostView, width: int) -> list[Part]:
    if view.reason:
        reason = fit(f"▲ {safe(view.reason)}", width)
        return [Part.of(2, reason, style="$text-warning", droppable=False)]
    if not view.priced_on:
        return [
            Part.of(
                2,
                "price undated" if view.spent_usd is not None else "GPU price — none set",
                "price —",
                droppable=False,
            )
        ]
    date = safe(view.priced_on)
    parts = [Part.of(2, f"price of {date}", date, style="$foreground-muted", droppable=False)]
    if view.stale:
        forms = (f"▲ STALE {safe(view.stale_reason)}", "▲ STALE")
        parts.append(Part.of(3, *forms, style="$text-warning bold", droppable=False))
    return parts


def _split(view: CostView, width: int) -> list[Content]:
    """Return what the money went on, as a bar where there is room for one."""
    amounts = (
        view.serving_usd,
        view.idle_usd,
        view.starting_usd,
        view.stopped_usd,
        view.unwatched_usd,
    )
    whole = sum((amount for amount in amounts if amount is not None), Decimal(0))
    if whole <= 0:
        return []
    shown = [
        (looks, amount or Decimal(0))
        for place, (looks, amount) in enumerate(zip(_SPLIT, amounts, strict=True))
        if amount or place < _ALWAYS
    ]
    parts = [
        Part(
            at,
            (
                line((f"{fill} ", style), f"{word} {fmt.spent_usd(amount, whole=whole)}"),
                line((f"{fill} ", style), fmt.spent_usd(amount, whole=whole)),
            ),
        )
        for at, ((word, fill, style), amount) in enumerate(shown)
    ]
    told = arrange(parts, width)
    room = width - told.cell_length - 2
    if room < 8:
        return [told]
    sizes = bars.apportion([float(amount) for _, amount in shown], float(whole), min(room, 40))
    drawn = [(fill * size, style) for ((_, fill, style), _), size in zip(shown, sizes, strict=True)]
    return [line(told, "  ", *[part for part in drawn if part[0]])]


def _api_equivalent(view: CostView, width: int, height: int) -> list[Content]:
    """Return one line for each endpoint where they fit below a heading, else one line for all."""
    if height < 1:
        return []
    if not view.tokens or not view.api_equivalent:
        why = "no endpoint to compare" if view.tokens else "no tokens served yet"
        return [
            arrange([Part.of(0, f"equivalent API cost — {why}", style="$foreground-muted")], width)
        ]
    if height <= len(view.api_equivalent):
        costs = [
            Part.of(9 + at, _priced(cost, 24), _priced(cost, 12), droppable=at > 0)
            for at, cost in enumerate(view.api_equivalent)
        ]
        return [
            arrange([Part.of(5, "equivalent API cost:", "API:", droppable=False), *costs], width)
        ]
    head = f"equivalent API cost of the same tokens ({safe(view.tokens)})"
    rows = [_endpoint_row(view, cost, width) for cost in view.api_equivalent]
    parts = [Part.of(0, head, "equivalent API cost", droppable=False)]
    if view.tests_usd is not None:
        spent = fmt.spent_usd(view.tests_usd)
        parts.append(Part.of(5, f"own tests {spent}", f"tests {spent}", style="$foreground-muted"))
    return [arrange(parts, width), *rows]


def _endpoint_row(view: CostView, cost: EndpointCost, width: int) -> Content:
    names = max(cells(safe(other.name)) for other in view.api_equivalent)
    name_width = min(names, width // 2)
    name = fit_name(safe(cost.name), name_width)
    name += " " * (name_width - cells(name))
    head = line("  ", name, f"{fmt.spent_usd(cost.usd):>10}  ")
    room = max(0, width - head.cell_length)
    note = _times(view, cost, room) if cost.usd is not None else fit(safe(cost.reason), room)
    return line(head, (note, "$foreground-muted"))


def _priced(cost: EndpointCost, room: int) -> str:
    name = fit_name(safe(cost.name), room)
    if cost.usd is None:
        return f"{name} {UNKNOWN} {safe(cost.reason)}".rstrip()
    return f"{name} {fmt.spent_usd(cost.usd)}"


def _times(view: CostView, cost: EndpointCost, room: int) -> str:
    """Return the API's cost over this GPU's, where both are of the same time."""
    if cost.usd is None or not view.spent_usd or view.unlike:
        return ""
    factor = cost.usd / view.spent_usd
    told = f"API would cost {factor:,.{0 if factor >= 10 else 1 if factor >= 1 else 2}f}x as much"
    return first_fitting(room, f"{told} (observed period)", told, "")
