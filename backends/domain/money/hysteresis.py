"""When a shown verdict may change, and when acting on it pays.

A verdict is made on fixed windows, and the shown one changes only after several in a row disagree
with it. Moving costs something: the regret of staying must reach that first, which never loses more
than twice what perfect foresight would (the rule of ski rental).
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.money.kinds import VerdictKind

WINDOW_S = 600.0
LEAST_REQUESTS = 30
OPPOSITE_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """The verdict on the screen and what speaks against it.

    Attributes:
        kind: None until the first window decides.
        against: what the last windows say instead, and how many in a row.
        regret_usd: what staying with `kind` has cost over the cheaper way since it was cheaper.
    """

    kind: VerdictKind | None = None
    against: VerdictKind | None = None
    in_a_row: int = 0
    regret_usd: Decimal = Decimal(0)


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


def fold_window(shown: Shown, kind: VerdictKind, requests: int) -> Shown:
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
    return Shown(kind, regret_usd=shown.regret_usd)


def add_regret(
    shown: Shown, present_usd_per_hour: Decimal, best_usd_per_hour: Decimal, hours: Decimal
) -> Shown:
    """Return the regret after some hours on the present way of serving; never below zero."""
    more = (present_usd_per_hour - best_usd_per_hour) * hours
    return replace(shown, regret_usd=max(Decimal(0), shown.regret_usd + more))


def worth_moving(shown: Shown, switching_usd: Decimal) -> bool:
    """Return whether staying has cost as much as moving would."""
    return shown.regret_usd >= switching_usd


def hours_until_worth_moving(
    present_usd_per_hour: Decimal, best_usd_per_hour: Decimal, switching_usd: Decimal
) -> Decimal | None:
    """Return after how many hours moving pays at these costs; None if it never does."""
    saved = present_usd_per_hour - best_usd_per_hour
    return switching_usd / saved if saved > 0 else None
