"""When a shown verdict may change, and when acting on it pays.

A verdict is made on fixed windows, and the shown one changes only after several in a row disagree
with it. Moving costs something: the regret of staying must reach that first, which never loses more
than twice what perfect foresight would (the rule of ski rental).
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from backends.domain.decision.outcome import VerdictKind

LEAST_REQUESTS = 30
OPPOSITE_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """The verdict on the screen and what speaks against it.

    Attributes:
        kind: None until the first window decides.
        against: what the last windows say instead, and how many in a row.
        regret_usd: what staying on the rented GPU has cost over the cheapest other way, since
            that was cheaper.
        judged_wall_s: when the last window that was judged began, seconds since 1970.
    """

    kind: VerdictKind | None = None
    against: VerdictKind | None = None
    in_a_row: int = 0
    regret_usd: Decimal = Decimal(0)
    judged_wall_s: float = 0.0


class AdviceKind(StrEnum):
    """What to do about the plan, which is more than to know it."""

    STAY = "STAY"
    WAIT = "WAIT"
    MOVE = "MOVE"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class Advice:
    """Whether to act on the plan, and what that follows from; `wording.advice_reason` says it.

    Attributes:
        regret_usd: what staying has cost over the cheapest other way; None where the rented GPU is
            the cheapest, or no window has decided yet.
        switching_usd: what moving costs; None where the user has not said.
        wait_h: hours until moving pays at the present rate; None where nothing tells.
    """

    kind: AdviceKind
    regret_usd: Decimal | None = None
    switching_usd: Decimal | None = None
    wait_h: Decimal | None = None


_UNDECIDED = frozenset(
    {
        VerdictKind.TOO_CLOSE,
        VerdictKind.INSUFFICIENT_DATA,
        VerdictKind.CAPACITY_UNKNOWN,
        VerdictKind.UNPRICED,
        VerdictKind.STALE_PRICES,
        VerdictKind.NOT_COMPARABLE,
    }
)


def fold_window(shown: ShownPlan, kind: VerdictKind, requests: int) -> ShownPlan:
    """Return what is shown after one more window with its verdict.

    A window with too few requests says nothing. One that cannot decide keeps what is shown and
    ends the row against it.
    """
    if requests < LEAST_REQUESTS:
        return shown
    if kind in _UNDECIDED or kind is shown.kind:
        return replace(shown, against=None, in_a_row=0)
    if shown.kind is None:
        return replace(shown, kind=kind)
    row = shown.in_a_row + 1 if kind is shown.against else 1
    if row < OPPOSITE_WINDOWS:
        return replace(shown, against=kind, in_a_row=row)
    return replace(shown, kind=kind, against=None, in_a_row=0)


def add_regret(
    shown: ShownPlan, present_usd_per_hour: Decimal, best_usd_per_hour: Decimal, hours: Decimal
) -> ShownPlan:
    """Return the regret after some hours on the present way of serving; never below zero."""
    more = (present_usd_per_hour - best_usd_per_hour) * hours
    return replace(shown, regret_usd=max(Decimal(0), shown.regret_usd + more))


def advise(
    shown: ShownPlan,
    switching_usd: Decimal | None,
    present_usd_per_hour: Decimal | None,
    best_usd_per_hour: Decimal | None,
) -> Advice:
    """Return whether to move the traffic off the rented GPU.

    Args:
        shown: the verdict that holds, and the regret of not having followed it.
        switching_usd: what moving costs; None where the user has not said.
        present_usd_per_hour: what the GPU costs.
        best_usd_per_hour: what the cheapest other way costs at the present traffic.
    """
    if shown.kind is None:
        return Advice(AdviceKind.UNDECIDED)
    if shown.kind is VerdictKind.SELF_HOST_CHEAPER:
        return Advice(AdviceKind.STAY)
    regret = shown.regret_usd
    if switching_usd is None:
        return Advice(AdviceKind.UNDECIDED, regret)
    if worth_moving(shown, switching_usd):
        return Advice(AdviceKind.MOVE, regret, switching_usd)
    wait_h = None
    if present_usd_per_hour is not None and best_usd_per_hour is not None:
        left_usd = switching_usd - regret
        wait_h = hours_until_worth_moving(present_usd_per_hour, best_usd_per_hour, left_usd)
    return Advice(AdviceKind.WAIT, regret, switching_usd, wait_h)


def worth_moving(shown: ShownPlan, switching_usd: Decimal) -> bool:
    """Return whether staying has cost as much as moving would."""
    return shown.regret_usd >= switching_usd


def hours_until_worth_moving(
    present_usd_per_hour: Decimal, best_usd_per_hour: Decimal, switching_usd: Decimal
) -> Decimal | None:
    """Return after how many hours moving pays at these costs; None if it never does."""
    saved = present_usd_per_hour - best_usd_per_hour
    return switching_usd / saved if saved > 0 else None
