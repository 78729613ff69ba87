"""The verdict as a value: which way of serving is cheaper, and everything that it rests on."""

from dataclasses import dataclass
from decimal import Decimal
from math import log

from backends.domain.decision.break_even import Crossover
from backends.domain.decision.exclusion import (
    NO_REMEDIES,
    Refusal,
    Remedies,
    StalePrice,
    Unlike,
)
from backends.domain.decision.flip import Flip
from backends.domain.decision.option import Option
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.uncertainty import Band
from backends.domain.traffic.demand import Horizon


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which way of serving is cheaper, and everything that it rests on.

    Attributes:
        flip: the one number that would change it, None where nothing known would.
        options: all of them, those that can be chosen first and cheapest first.
        best: the cheapest that can be chosen, None where there is none or nothing is decided.
        rate_interval: where the mean rate may lie, in req/s; None where it is taken as exact.
        refusal: why nothing is decided; None where that is no reason of its own.
        stale: the price that is too old; the verdict is `if_fresh` where it still holds.
        remedies: the commands that mend what is missing.
        offers: what a price table asks for a GPU without a price, one sentence; empty for none.
        horizon: what it speaks for; None for a scenario that says how long it has been so.
        unlike: in what the two sides differ by their names, although prices alone decide.
        crosses_in_days: when the rate reaches the flip at the trend it has; None without either,
            or where it moves away.
        between: of a verdict that is too close, the ones that are left open.
        payback_months: after how many months hardware of one's own has saved its price against
            the cheapest other way; None without its price, or where it saves nothing.
        owned_life_months: for how long that hardware is used; None where it has no price.
        decided_in_s: how much longer traffic like this must be seen to decide; None where that
            does not help, or is not known.
    """

    kind: VerdictKind
    crossover: Crossover
    usd_per_request: Decimal | None
    flip: Flip | None = None
    options: tuple[Option, ...] = ()
    best: Option | None = None
    hours_per_month: Decimal = Decimal(730)
    assumptions: tuple[str, ...] = ()
    rate_interval: Band | None = None
    refusal: Refusal | None = None
    stale: StalePrice | None = None
    if_fresh: VerdictKind | None = None
    remedies: Remedies = NO_REMEDIES
    offers: str = ""
    horizon: Horizon | None = None
    unlike: Unlike | None = None
    crosses_in_days: float | None = None
    between: tuple[VerdictKind, ...] = ()
    decided_in_s: float | None = None
    payback_months: float | None = None
    owned_life_months: Decimal | None = None


def days_to_cross(flip: Flip | None, trend_per_day: float | None) -> float | None:
    """Return in how many days a rate that grows by a share each day reaches the flip.

    None without a trend or a rate that flips, where it moves away, or beyond a year.
    """
    if flip is None or flip.quantity != "rate_rps" or not flip.now or flip.value <= 0:
        return None
    if not trend_per_day or trend_per_day <= -1:
        return None
    days = log(flip.value / flip.now) / log(1 + trend_per_day)
    return days if 0 < days <= 365 else None
