"""The plan: which way of serving is cheaper, how surely, and the number that would flip it.

This verdict asks where the traffic should run, at full cost. What to do with a GPU that is already
paid for is another question, answered in `now`; the two are never mixed.
"""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.decision import wording
from backends.domain.decision.assumptions import assumptions, stale_prices
from backends.domain.decision.break_even import Crossover, crossover, never_crosses
from backends.domain.decision.comparability import why_not_comparable
from backends.domain.decision.flip import Flip, flip_of, needed_for, without_rate
from backends.domain.decision.option import Option
from backends.domain.decision.options import options
from backends.domain.decision.outcome import VerdictKind, outcome, outcome_at, priced, ranked
from backends.domain.decision.request_cost import (
    api_prices_given,
    missing_token_prices,
    owned_usd_per_hour,
    usd_per_request,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import Band, centre, load_of, points, rate_band
from backends.domain.traffic.shape import Load

LEAST_REQUESTS = 30
"""Fewer requests than this tell too little about their mean."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which way of serving is cheaper, and everything that it rests on.

    Attributes:
        reason: one or two plain sentences with the numbers that decide.
        flip: the one number that would change it, None where nothing known would.
        options: all of them, those that can be chosen first and cheapest first.
        best: the cheapest that can be chosen, None where there is none or nothing is decided.
        rate_interval: where the mean rate may lie, in req/s; None where it is taken as exact.
    """

    kind: VerdictKind
    reason: str
    crossover: Crossover
    usd_per_request: Decimal | None
    flip: Flip | None = None
    options: tuple[Option, ...] = ()
    best: Option | None = None
    hours_per_month: Decimal = Decimal(730)
    assumptions: tuple[str, ...] = ()
    rate_interval: Band | None = None


def decide(scenario: Scenario) -> Verdict:
    """Return the verdict of a scenario; whatever is missing in it is named, never guessed."""
    at = crossover(scenario)
    refusal = _refusal(scenario)
    if refusal is not None:
        kind, said = refusal
        flip = needed_for(scenario, kind, LEAST_REQUESTS)
        return _undecided(scenario, kind, said + wording.flips(flip), at, flip)
    counted = without_rate(scenario)
    load = load_of(counted)
    if load is None:
        return _without_load(scenario, at)
    found = ranked(options(counted, centre(counted, load)))
    kind = _kind(counted, load, found)
    flip = flip_of(scenario, load, kind, at)
    rates = rate_band(counted)
    reason = _reason(kind, found, at, flip, rates)
    stale = stale_prices(scenario)
    if stale and kind not in _NOTHING_DECIDED:
        kind, reason = VerdictKind.STALE_PRICES, f"{stale} At these prices: {reason}"
    usable = priced(found)
    best = usable[0][1] if usable and kind is not VerdictKind.CAPACITY_UNKNOWN else None
    return Verdict(
        kind,
        reason,
        at,
        usd_per_request(scenario),
        flip,
        found,
        best,
        scenario.hours_per_month,
        assumptions(scenario),
        rates,
    )


_NOTHING_DECIDED = frozenset({VerdictKind.CAPACITY_UNKNOWN, VerdictKind.UNPRICED})


def _refusal(scenario: Scenario) -> tuple[VerdictKind, str] | None:
    """Return why nothing can be decided, before anything is computed."""
    unlike = why_not_comparable(scenario)
    if unlike:
        return VerdictKind.NOT_COMPARABLE, unlike
    rivals = _missing_prices(scenario)
    if rivals:
        return VerdictKind.UNPRICED, rivals
    few = too_few_seen(scenario)
    if few is not None:
        return VerdictKind.INSUFFICIENT_DATA, wording.seen_too_few(few, LEAST_REQUESTS)
    if api_prices_given(scenario) and usd_per_request(scenario) is None:
        names = ["input_tokens", "output_tokens"]
        lacking = [name for name in names if getattr(scenario, name) is None]
        remedy = "no request has a cost"
        return VerdictKind.INSUFFICIENT_DATA, wording.missing(lacking, remedy)
    return None


def too_few_seen(scenario: Scenario) -> Decimal | None:
    """Return how many requests were seen where they are too few to decide, else None."""
    seen = scenario.observed
    few = None if seen is None else min(seen.n, seen.counted)
    return few if few is not None and few < LEAST_REQUESTS else None


def _missing_prices(scenario: Scenario) -> str:
    """Return which prices are missing for a comparison of at least two ways; empty if none."""
    lacking = missing_token_prices(scenario)
    if api_prices_given(scenario) and lacking:
        return wording.missing(lacking, "the API has no price")
    ways = (
        api_prices_given(scenario),
        scenario.gpu_usd_per_hour is not None,
        scenario.gpu_usd_per_month is not None,
        owned_usd_per_hour(scenario) is not None,
        scenario.serverless_usd_per_second is not None,
        scenario.provisioned_unit_usd_per_hour is not None,
    )
    if sum(ways) > 1:
        return ""
    names = [*lacking, "gpu_usd_per_hour"] if not any(ways) else lacking or ["gpu_usd_per_hour"]
    return wording.missing(names, "there are no two ways of serving to compare")


def _kind(scenario: Scenario, load: Load, found: tuple[Option, ...]) -> VerdictKind:
    """Return the outcome if it holds wherever the uncertain figures may lie."""
    kind = outcome(found)
    outcomes = {kind, *(outcome_at(scenario, point) for point in points(scenario, load)[1:])}
    if VerdictKind.CAPACITY_UNKNOWN in outcomes:
        return VerdictKind.CAPACITY_UNKNOWN
    if len(outcomes) > 1:
        return VerdictKind.TOO_CLOSE
    if kind is VerdictKind.API_CHEAPER and never_crosses(scenario):
        return VerdictKind.NO_CROSSOVER
    return kind


def _without_load(scenario: Scenario, at: Crossover) -> Verdict:
    """Return what can be said of prices and capacity alone."""
    if never_crosses(scenario):
        kind = VerdictKind.NO_CROSSOVER
        flip = flip_of(scenario, None, kind, at)
        return _undecided(scenario, kind, wording.no_crossover(flip), at, flip)
    if scenario.capacity_rps is None and at.break_even_rps is not None:
        kind = VerdictKind.CAPACITY_UNKNOWN
        flip = flip_of(scenario, None, kind, at)
        return _undecided(scenario, kind, wording.capacity_unknown(at, flip), at, flip)
    kind = VerdictKind.INSUFFICIENT_DATA
    flip = flip_of(scenario, None, kind, at)
    said = wording.missing(["rate_rps"], "nothing more can be decided") + wording.flips(flip)
    return _undecided(scenario, kind, said, at, flip)


def _undecided(
    scenario: Scenario, kind: VerdictKind, reason: str, at: Crossover, flip: Flip | None = None
) -> Verdict:
    return Verdict(
        kind,
        reason,
        at,
        usd_per_request(scenario),
        flip,
        hours_per_month=scenario.hours_per_month,
        assumptions=assumptions(scenario),
    )


def _reason(
    kind: VerdictKind,
    found: tuple[Option, ...],
    at: Crossover,
    flip: Flip | None,
    rates: Band | None,
) -> str:
    match kind:
        case VerdictKind.TOO_CLOSE:
            return wording.too_close(found, at, flip, rates)
        case VerdictKind.NO_CROSSOVER:
            return wording.no_crossover(flip)
        case VerdictKind.CAPACITY_UNKNOWN:
            return wording.capacity_unknown(at, flip)
        case VerdictKind.SLO_EXCLUDES:
            return wording.excluded_by_limit(found, flip)
        case VerdictKind.UNPRICED | VerdictKind.OVER_CAPACITY:
            return wording.refused(found, kind)
        case _:
            return wording.compared(found, flip)
