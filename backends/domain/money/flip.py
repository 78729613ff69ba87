"""The one number that would flip a verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.money.contest import outcome_at
from backends.domain.money.feasibility import Crossover, needed_capacity_rps
from backends.domain.money.kinds import VerdictKind
from backends.domain.money.request_cost import (
    SECONDS_PER_HOUR,
    api_prices_given,
    gpu_usd_per_hour,
    tokens_of,
    usd_per_request,
)
from backends.domain.money.scenario import Scenario
from backends.domain.money.shape import Load
from backends.domain.money.uncertainty import centre, load_of

_STEP = Decimal("1.25")
_STEPS = 42
"""Loads from a ten-thousandth of the present one to ten thousand times as much are searched."""
_HALVINGS = 40
_A_STEP_BEYOND = Decimal("1.000001")

Outcomes = Callable[[Decimal], VerdictKind]


@dataclass(frozen=True, slots=True)
class Flip:
    """The value of one quantity at which the verdict changes.

    Attributes:
        quantity: its key in the scenario, such as ``rate_rps``.
        now: its present value, None where it is not known.
        to: the verdict beyond it, None where that depends on what is not known.
    """

    quantity: str
    value: Decimal
    now: Decimal | None
    to: VerdictKind | None = None


def flip_of(scenario: Scenario, load: Load | None, kind: VerdictKind, at: Crossover) -> Flip | None:
    """Return what would change the verdict, None where nothing that is known would."""
    if kind in {VerdictKind.NO_CROSSOVER, VerdictKind.CAPACITY_UNKNOWN}:
        needed = needed_capacity_rps(scenario)
        return None if needed is None else Flip("capacity_rps", needed, scenario.capacity_rps)
    if kind is VerdictKind.SLO_EXCLUDES:
        return _limit(scenario)
    if at.break_even_rps is None and at.hours_per_day is not None and scenario.rate_rps is None:
        return Flip("hours_per_day", at.hours_per_day, scenario.hours_per_day)
    if load is None or load.mean_rps == 0:
        even = at.break_even_rps
        now = None if load is None else load.mean_rps
        return None if even is None else Flip("rate_rps", even, now)
    return _by_search(scenario, load)


def needed_for(scenario: Scenario, kind: VerdictKind, least_requests: int) -> Flip | None:
    """Return the number that decides where nothing is decided; None where no one number does.

    Of an unpriced side it is the price at which both cost the same.
    """
    seen, tokens, load = scenario.observed, tokens_of(scenario), load_of(scenario)
    if kind is VerdictKind.NOT_COMPARABLE and tokens and scenario.api_input_tokens is not None:
        return Flip("api_input_tokens", tokens[0], scenario.api_input_tokens)
    if kind is VerdictKind.INSUFFICIENT_DATA and seen is not None and seen.n < least_requests:
        return Flip("observed.n", Decimal(least_requests), seen.n)
    if kind is not VerdictKind.UNPRICED or load is None or load.mean_rps == 0:
        return None
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    if gpu is None and request is not None:
        return Flip("gpu_usd_per_hour", SECONDS_PER_HOUR * request * load.mean_rps, None)
    if gpu is not None and request is None:
        return Flip("usd_per_request", gpu / (SECONDS_PER_HOUR * load.mean_rps), None)
    return None


def _by_search(scenario: Scenario, load: Load) -> Flip | None:
    """Return the nearest rate that changes the outcome; where none does, the nearest capacity.

    No rate helps where peaks grow with it; a faster GPU may.
    """
    change = _nearest_change(
        lambda times: outcome_at(scenario, centre(scenario, load.scaled(times)))
    )
    if change is not None:
        now = load.mean_rps if scenario.rate_rps is None else scenario.rate_rps
        return Flip("rate_rps", now * change[0], now, change[1])
    capacity = scenario.capacity_rps
    if capacity is None:
        return None
    change = _nearest_change(lambda times: _with_capacity(scenario, load, capacity * times))
    return (
        None if change is None else Flip("capacity_rps", capacity * change[0], capacity, change[1])
    )


def _with_capacity(scenario: Scenario, load: Load, capacity_rps: Decimal) -> VerdictKind:
    other = replace(scenario, capacity_rps=capacity_rps)
    return outcome_at(other, centre(other, load))


def _limit(scenario: Scenario) -> Flip | None:
    waits = (scenario.api_ttft_p99_s, scenario.gpu_ttft_p99_s, scenario.cold_start_s)
    limit = scenario.ttft_slo_s
    beyond = [wait for wait in waits if wait is not None and limit is not None and wait > limit]
    return Flip("ttft_slo_s", min(beyond), limit) if beyond else None


def _nearest_change(outcome: Outcomes) -> tuple[Decimal, VerdictKind] | None:
    """Return the nearer factor, up or down, at which the outcome changes, and to what."""
    here = outcome(Decimal(1))

    def same(factor: Decimal) -> bool:
        return outcome(factor) is here

    for step in range(1, _STEPS + 1):
        near, far = _STEP ** (step - 1), _STEP**step
        if not same(far):
            return _beyond(_boundary(near, far, same), outcome, _A_STEP_BEYOND)
        if not same(1 / far):
            return _beyond(_boundary(1 / near, 1 / far, same), outcome, 1 / _A_STEP_BEYOND)
    return None


def _beyond(edge: Decimal, outcome: Outcomes, step: Decimal) -> tuple[Decimal, VerdictKind]:
    """Return an edge with the outcome just behind it, where no tie is left."""
    return edge, outcome(edge * step)


def _boundary(inside: Decimal, outside: Decimal, same: Callable[[Decimal], bool]) -> Decimal:
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if same(middle):
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def without_rate(scenario: Scenario) -> Scenario:
    """Return a scenario of busy hours in units of one GPU's capacity, where no rate is known.

    An always-on GPU against the same GPU billed by the second needs no rate: what counts is the
    share of the day that it is busy.
    """
    traffic = (scenario.rate_rps, scenario.profile_rps, scenario.service_s, scenario.observed)
    busy = scenario.hours_per_day is not None and scenario.serverless_usd_per_second is not None
    if api_prices_given(scenario) or not busy or any(item is not None for item in traffic):
        return scenario
    return replace(scenario, rate_rps=Decimal(1), capacity_rps=Decimal(1))
