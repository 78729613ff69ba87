"""The verdict as a value: which way of serving is cheaper, and everything that it rests on."""

from dataclasses import dataclass
from decimal import Decimal

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
        between: of a verdict that is too close, the ones that are left open.
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
    between: tuple[VerdictKind, ...] = ()
    decided_in_s: float | None = None
