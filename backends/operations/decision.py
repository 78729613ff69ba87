"""Everything that is decided, in one value: what to do now, the plan, and whether to act on it."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from backends.domain.billing.ledger import utc_day
from backends.domain.decision.document import verdict_document
from backends.domain.decision.hysteresis import (
    OPPOSITE_WINDOWS,
    Advice,
    ShownPlan,
    add_regret,
    advise,
    fold_window,
)
from backends.domain.decision.option import fixed_usd_per_hour
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowVerdict, now_verdict
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import Verdict, decide
from backends.domain.decision.wording import advice_reason, detail, now_reason
from backends.domain.durations import HOUR_S
from backends.domain.prices.amounts import digits
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.rates import newest_first_tokens, p99_against
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.windows import Window
from backends.operations.context import Context
from backends.operations.pricing import RankedEndpoint, gpu_offers
from backends.operations.remedies import remedies
from backends.operations.rental import Rental, rental_of
from backends.operations.scenario import (
    HostScenario,
    day_demand,
    host_scenario,
    live_demand,
    profile_sentence,
    watched_profile,
)
from backends.settings.config import Profile

UNPRICED_REMEDY = "Set gpu_usd_per_hour in the server's profile."


@dataclass(frozen=True, slots=True)
class Decision:
    """Two answers that are never mixed, and what they rest on; each part computed once.

    Attributes:
        host: the scenario as it was made: its traffic, the endpoints ranked, what is measured.
        plan: should this traffic live on this GPU.
        now: where the next request should go, the GPU being paid for.
        shown: the plan as it holds over windows of ten minutes.
        advice: whether to act on the plan.
        live: the traffic of the last minutes.
        rental: what the rented host has cost so far.
    """

    host: HostScenario
    plan: Verdict
    now: NowVerdict
    shown: ShownPlan
    advice: Advice
    live: Demand
    rental: Rental

    @property
    def scenario(self) -> Scenario:
        """What the plan is made on."""
        return self.host.scenario

    @property
    def ranked(self) -> tuple[RankedEndpoint, ...]:
        """Every endpoint, the cheapest first that is not known to be too slow."""
        return self.host.ranked


def decide_all(session: Session, context: Context, today: date) -> Decision:
    """Return what is decided of a session, on the context's traffic where it has any."""
    settings, live = context.settings, live_demand(session)
    host = host_scenario(
        session,
        settings,
        today,
        context.traffic or day_demand(session, live),
        capacities=context.capacities,
        measured=context.measured,
    )
    plan = _plan(session, context, host)
    return Decision(
        host,
        plan,
        _now(session, host.scenario, live),
        context.shown,
        advise(
            context.shown,
            settings.billing.switching_usd,
            _present_usd_per_hour(host.scenario),
            cheapest_other(plan),
        ),
        live,
        rental_of(session, settings, host.profile, today),
    )


def _plan(session: Session, context: Context, host: HostScenario) -> Verdict:
    """Return the plan with what else it rests on, and what a GPU without a price would cost."""
    plan = _decided(host.scenario, host.profile.name if host.profile else "")
    found = (*_rests_on(host), *(each.said for each in host.inputs))
    offers = ""
    if host.scenario.gpu_usd_per_hour is None:
        offers = _offers(session, context, host.profile)
    if offers and plan.kind is not VerdictKind.UNPRICED:
        found = (*found, offers)
    return replace(plan, assumptions=(*plan.assumptions, *found), offers=offers)


@lru_cache(maxsize=64)
def _decided(asked: Scenario, server: str = "") -> Verdict:
    """Decide once for each scenario; the screen asks at every redraw."""
    return decide(asked, remedies(server))


def unpriced_gpu(session: Session, context: Context) -> str:
    """Return what the price table asks for the watched GPU that has no price, as a sentence."""
    return _offers(session, context, watched_profile(session, context.settings))


def _offers(session: Session, context: Context, profile: Profile | None) -> str:
    if session.gpus is None or (profile and profile.gpu_usd_per_hour is not None):
        return ""
    return gpu_offers(session.gpus.gpus, profile, context.gpu_prices)


def _present_usd_per_hour(asked: Scenario) -> Decimal | None:
    """Return what the GPU that is rented costs an hour, with all that hosting costs beside it."""
    gpu = asked.gpu_usd_per_hour
    return None if gpu is None else gpu + fixed_usd_per_hour(asked)


def cheapest_other(plan: Verdict) -> Decimal | None:
    """Return what the cheapest way costs that is not the GPU as it is rented."""
    costs = (
        option.usd_per_hour
        for option in plan.options
        if option.name != "on_demand" and option.exclusion is None
    )
    return min((cost for cost in costs if cost is not None), default=None)


def decision_document(decision: Decision) -> dict[str, Any]:
    """Return the plan's document with what else was decided beside it."""
    now, shown, traffic = decision.now, decision.shown, decision.host.traffic
    return {
        **verdict_document(decision.plan),
        "now": {
            "verdict": now.kind.value,
            "reason": now_reason(now),
            "to_api_rps": None if now.to_api_rps is None else float(now.to_api_rps),
            "paid_usd_per_hour": digits(now.paid_usd_per_hour),
            "saved_by_destroying_usd_per_hour": digits(now.saved_by_destroying_usd_per_hour),
        },
        "shown": {
            "verdict": shown.kind.value if shown.kind else None,
            "against": shown.against.value if shown.against else None,
            "windows_against": shown.in_a_row,
            "windows_needed": OPPOSITE_WINDOWS,
            "regret_usd": digits(shown.regret_usd),
        },
        "advice": {"kind": decision.advice.kind.value, "reason": advice_reason(decision.advice)},
        "endpoints": [
            {
                "endpoint": endpoint.endpoint.name,
                "usd_per_request": digits(endpoint.usd_per_request),
                "price_as_of": endpoint.endpoint.prices.as_of,
                "reason": endpoint.reason or None,
                "excluded_because": detail(why.detail) if why else None,
                "excluded_kind": why.kind.value if why else None,
            }
            for endpoint in decision.ranked
            for why in (endpoint.exclusion,)
        ],
        "traffic": {
            "source": traffic.source,
            "requests": float(traffic.seen.n),
            "window_s": _number(traffic.seen.window_s),
            "replicas": traffic.replicas,
        },
    }


def _rests_on(host: HostScenario) -> tuple[str, ...]:
    """Return which traffic and which of the endpoints the plan is made on, in sentences."""
    traffic, ranked = host.traffic, host.ranked
    found = [f"Traffic: {traffic.source}."]
    if traffic.replicas is not None and traffic.replicas > 1:
        found.append(f"It was served by {traffic.replicas} replicas; the rate is theirs together.")
    found += [
        f"{each.endpoint.name} is no choice: {detail(each.exclusion.detail)}."
        for each in ranked
        if each.exclusion
    ]
    priced = [each for each in ranked if each.usd_per_request is not None]
    priced = [each for each in priced if not each.exclusion] or priced
    if len(priced) > 1:
        dearer = ", ".join(each.endpoint.name for each in priced[1:])
        found.append(
            f"The API is {priced[0].endpoint.name}, for these requests the cheapest of "
            f"{len(priced)} endpoints; dearer: {dearer}."
        )
    elif priced:
        found.append(f"The API is {priced[0].endpoint.name}.")
    hourly = profile_sentence(traffic)
    return (*found, hourly) if hourly else tuple(found)


def _now(session: Session, scenario: Scenario, live: Demand) -> NowVerdict:
    """Decide on what the server does this moment, whatever the plan is made of."""
    state = session.life.server.state if session.life else ServerState.STOPPED
    limit, newest = scenario.ttft_slo_s, newest_first_tokens(session.traffic)
    tail = p99_against(newest, float(limit)) if newest and limit is not None else None
    present = replace(
        scenario,
        rate_rps=live.rate_rps,
        profile_rps=None,
        batch_multiplier=None,  # a request that waits for an answer is in no batch
        gpu_ttft_p99_s=None,
        gpu_ttft_p99_above_s=Decimal(repr(tail.bucket.low_s)) if tail and tail.broken else None,
    )
    return now_verdict(present, ready=state is ServerState.READY)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def judged(session: Session, context: Context) -> ShownPlan:
    """Return what is shown after the newest window of the watched server's traffic."""
    if session.life is None:
        return context.shown
    window = session.ledger.of(session.life.server.name).windows.closed
    if window is None or window.began_wall_s <= context.shown.judged_wall_s:
        return context.shown
    shown = _after(context.shown, window, session, context)
    return replace(shown, judged_wall_s=window.began_wall_s)


def _after(shown: ShownPlan, window: Window, session: Session, context: Context) -> ShownPlan:
    """Judge one window by itself, at today's prices."""
    nothing = Observed(n=Decimal(0), window_s=Decimal(repr(window.seconds)))
    asked = Demand(window.seen or nothing, "one window of ten minutes")
    today = utc_day(window.began_wall_s)
    scenario = host_scenario(
        session,
        context.settings,
        today,
        asked,
        capacities=context.capacities,
        measured=context.measured,
    ).scenario
    plan = _decided(scenario)
    shown = fold_window(shown, plan.kind, round(window.requests or 0))
    present = _present_usd_per_hour(scenario)
    hours = Decimal(repr(window.seconds)) / HOUR_S
    # What the plan supposes of the day is not of these ten minutes.
    alone = replace(scenario, hours_per_day=None, starts_per_day=None, peak_over_average=None)
    ways = [
        option.usd_per_hour
        for option in _decided(alone).options
        if option.usd_per_hour is not None
        and option.name != "on_demand"
        and option.exclusion is None
    ]
    # Too few requests decide nothing, but what they would have cost at the API is known.
    if plan.usd_per_request is not None and scenario.rate_rps is not None:
        ways.append(plan.usd_per_request * scenario.rate_rps * HOUR_S)
    elif window.requests == 0:
        ways.append(Decimal(0))
    if present is None or not ways:
        return shown
    return add_regret(shown, present, min(ways), hours)
