"""The plan: which way of serving is cheaper, how surely, and the number that would flip it.

This verdict asks where the traffic should run, at full cost. What to do with a GPU that is already
paid for is another question, answered in `now`; the two are never mixed.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from backends.domain.decision.answer import Verdict
from backends.domain.decision.break_even import Crossover, crossover, never_crosses
from backends.domain.decision.comparability import unlike_sides
from backends.domain.decision.exclusion import (
    NO_REMEDIES,
    NotGiven,
    PriceOf,
    Refusal,
    Remedies,
    StalePrice,
    TooFewRequests,
    TooShort,
)
from backends.domain.decision.flip import Flip, flip_of, needed_for, without_rate
from backends.domain.decision.option import (
    Option,
    api_prices_given,
    cheapest_gpu_usd_per_hour,
    missing_token_prices,
    owned_usd_per_hour,
    usd_per_request,
)
from backends.domain.decision.options import options
from backends.domain.decision.outcome import VerdictKind, outcome, outcome_at, priced, ranked
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import (
    SEQUENTIAL,
    api_band,
    centre,
    cost_error,
    gpu_band,
    load_of,
    points,
    rate_band,
)
from backends.domain.decision.wording.inputs import assumptions
from backends.domain.prices.amounts import age_days, is_stale
from backends.domain.traffic.shape import Load

LEAST_REQUESTS = 30
"""Fewer requests than this tell too little about their mean."""


def decide(scenario: Scenario, remedies: Remedies = NO_REMEDIES) -> Verdict:
    """Return the verdict of a scenario; whatever is missing in it is named, never guessed.

    Args:
        scenario: what it rests on.
        remedies: the commands that its reason may name.
    """
    return replace(_decided(scenario), remedies=remedies)


def _decided(scenario: Scenario) -> Verdict:
    at = crossover(scenario)
    refusal = _refusal(scenario)
    if refusal is not None:
        kind, why = refusal
        return _undecided(scenario, kind, at, needed_for(scenario, kind, LEAST_REQUESTS), why)
    counted = without_rate(scenario)
    load = load_of(counted)
    if load is None:
        return _without_load(scenario, at)
    found = ranked(options(counted, centre(counted, load)))
    kind, between = _kind(counted, load, found)
    usable = priced(found)
    stale = None if kind in _NOTHING_DECIDED else _stale_price(scenario)
    flip = flip_of(scenario, load, kind, at)
    return Verdict(
        VerdictKind.STALE_PRICES if stale else kind,
        at,
        usd_per_request(scenario),
        flip,
        found,
        usable[0][1] if usable and kind is not VerdictKind.CAPACITY_UNKNOWN else None,
        scenario.hours_per_month,
        assumptions(scenario),
        rate_band(counted),
        stale=stale,
        if_fresh=kind if stale else None,
        between=between,
        decided_in_s=_decided_in_s(counted, flip) if kind is VerdictKind.TOO_CLOSE else None,
        payback_months=_payback_months(scenario, found),
        owned_life_months=scenario.owned_life_months,
    )


def _payback_months(scenario: Scenario, found: tuple[Option, ...]) -> float | None:
    """Return when hardware of one's own has saved its price against the cheapest other way."""
    own = next((option for option in found if option.name == "owned"), None)
    others = [usd for usd, option in priced(found) if option.name != "owned"]
    life, price = scenario.owned_life_months, scenario.owned_usd
    if own is None or own.usd_per_hour is None or not others or life is None or price is None:
        return None
    bought = price * (own.replicas or 1)
    running = own.usd_per_hour - bought / (life * scenario.hours_per_month)
    saved_a_month = (others[0] - running) * scenario.hours_per_month
    return float(bought / saved_a_month) if saved_a_month > 0 else None


def _decided_in_s(scenario: Scenario, flip: Flip | None) -> float | None:
    """Return how much longer traffic must be seen until its errors are below the distance.

    They shrink with the square root of the time.
    """
    seen = scenario.observed
    if seen is None or seen.errors is None or seen.window_s is None or flip is None:
        return None
    if flip.quantity != "rate_rps" or not flip.now or flip.value == flip.now:
        return None
    api, gpu = api_band(scenario), gpu_band(scenario)
    least = api.low or Decimal("1e-9")
    prices = max(api.high / gpu.low, gpu.high / least) - 1
    distance = float(abs(flip.value / flip.now - 1) - prices)
    if distance <= 0:
        return None  # what prices leave open no traffic decides
    z = float(SEQUENTIAL)
    price = cost_error(scenario, seen.errors, z)
    error = (price**2 + (seen.errors.rate * z) ** 2) ** 0.5
    return max(0.0, float(seen.window_s) * ((error / distance) ** 2 - 1)) or None


_NOTHING_DECIDED = frozenset({VerdictKind.CAPACITY_UNKNOWN, VerdictKind.UNPRICED})


def kind_of(scenario: Scenario) -> VerdictKind:
    """Return the verdict's kind alone, for traffic and prices that are known to suffice."""
    counted = without_rate(scenario)
    load = load_of(counted)
    if load is None:
        return VerdictKind.INSUFFICIENT_DATA
    return _kind(counted, load, options(counted, centre(counted, load)))[0]


def _refusal(scenario: Scenario) -> tuple[VerdictKind, Refusal] | None:
    """Return why nothing can be decided, before anything is computed."""
    unlike = unlike_sides(scenario)
    if unlike is not None:
        return VerdictKind.NOT_COMPARABLE, unlike
    lacking = _missing_prices(scenario)
    if lacking is not None:
        return VerdictKind.UNPRICED, lacking
    few = too_few_seen(scenario)
    if few is not None:
        return VerdictKind.INSUFFICIENT_DATA, TooFewRequests(few, LEAST_REQUESTS)
    seen = scenario.observed
    if seen is not None and seen.errors is not None and seen.errors.freedom <= 0:
        return VerdictKind.INSUFFICIENT_DATA, TooShort(seen.window_s or Decimal(0))
    if api_prices_given(scenario) and usd_per_request(scenario) is None:
        names = ("input_tokens", "output_tokens")
        unknown = tuple(name for name in names if getattr(scenario, name) is None)
        return VerdictKind.INSUFFICIENT_DATA, NotGiven(unknown, "no_request_cost")
    return None


def too_few_seen(scenario: Scenario) -> Decimal | None:
    """Return how many requests were seen where they are too few to decide, else None."""
    seen = scenario.observed
    few = None if seen is None else min(seen.n, seen.counted)
    return few if few is not None and few < LEAST_REQUESTS else None


def _missing_prices(scenario: Scenario) -> NotGiven | None:
    """Return which prices are missing for a comparison of at least two ways; None if none are."""
    lacking = tuple(missing_token_prices(scenario))
    if api_prices_given(scenario) and lacking:
        return NotGiven(lacking, "no_api_price")
    ways = (
        api_prices_given(scenario),
        scenario.gpu_usd_per_hour is not None,
        scenario.gpu_usd_per_month is not None,
        scenario.spot_usd_per_hour is not None,
        owned_usd_per_hour(scenario) is not None,
        scenario.serverless_usd_per_second is not None,
        scenario.serverless_usd_per_second is not None and bool(scenario.keep_warm),
        scenario.provisioned_unit_usd_per_hour is not None,
    )
    if sum(ways) > 1:
        return None
    gpu = ("gpu_usd_per_hour",)
    return NotGiven(lacking or gpu if any(ways) else (*lacking, *gpu), "nothing_to_compare")


def _stale_price(scenario: Scenario) -> StalePrice | None:
    """Return a price that is too old to decide on; None if none is known to be."""
    contracts = (
        scenario.gpu_usd_per_month,
        scenario.serverless_usd_per_second,
        scenario.provisioned_unit_usd_per_hour,
    )
    contract = None if contracts == (None, None, None) else scenario.contract_price_as_of
    used = {price.code for price in scenario.converted}
    dates: tuple[tuple[PriceOf, str, date | None], ...] = (
        ("gpu", "", scenario.gpu_price_as_of),
        ("contract", "", contract),
        ("api", "", scenario.api_price_as_of),
        *(("currency", each.code, each.as_of) for each in scenario.currencies if each.code in used),
    )
    for of, code, as_of in dates:
        days = age_days(as_of, scenario.today)
        if days is not None and is_stale(as_of, scenario.today):
            return StalePrice(of, days, code)
    return None


def _kind(
    scenario: Scenario, load: Load, found: tuple[Option, ...]
) -> tuple[VerdictKind, tuple[VerdictKind, ...]]:
    """Return the outcome if it holds wherever the uncertain figures may lie, else those that do."""
    kind = outcome(found)
    outcomes = {kind, *(outcome_at(scenario, point) for point in points(scenario, load)[1:])}
    if VerdictKind.CAPACITY_UNKNOWN in outcomes:
        return VerdictKind.CAPACITY_UNKNOWN, ()
    if len(outcomes) > 1:
        return VerdictKind.TOO_CLOSE, (kind, *sorted(outcomes - {kind}))
    if kind is VerdictKind.API_CHEAPER and never_crosses(scenario):
        return VerdictKind.NO_CROSSOVER, ()
    return kind, ()


def _without_load(scenario: Scenario, at: Crossover) -> Verdict:
    """Return what can be said of prices and capacity alone."""
    refusal, gpu = None, cheapest_gpu_usd_per_hour(scenario)
    if gpu and usd_per_request(scenario) == 0:
        kind = VerdictKind.API_CHEAPER
    elif never_crosses(scenario):
        kind = VerdictKind.NO_CROSSOVER
    elif scenario.capacity_rps is None and at.break_even_rps is not None:
        kind = VerdictKind.CAPACITY_UNKNOWN
    else:
        kind, refusal = VerdictKind.INSUFFICIENT_DATA, NotGiven(("rate_rps",), "no_rate")
    return _undecided(scenario, kind, at, flip_of(scenario, None, kind, at), refusal)


def _undecided(
    scenario: Scenario, kind: VerdictKind, at: Crossover, flip: Flip | None, why: Refusal | None
) -> Verdict:
    return Verdict(
        kind,
        at,
        usd_per_request(scenario),
        flip,
        hours_per_month=scenario.hours_per_month,
        assumptions=assumptions(scenario),
        refusal=why,
    )
