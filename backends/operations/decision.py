"""Everything that is decided, in one value: what to do now, the plan, and whether to act on it."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
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
from backends.domain.decision.option import MEASURE
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowVerdict, now_verdict
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import Verdict
from backends.domain.prices.amounts import digits
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.latency import newest_first_tokens, p99_against
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.windows import Window
from backends.operations import scenario as economics
from backends.operations.context import Context
from backends.operations.pricing import gpu_offers
from backends.operations.ranked_endpoints import RankedEndpoint

UNPRICED_REMEDY = "Set gpu_usd_per_hour in the server's profile."

ANSWERING = frozenset({ServerState.READY, ServerState.EXTERNAL})


@dataclass(frozen=True, slots=True)
class Decision:
    """Two answers that are never mixed, and what they rest on.

    Attributes:
        plan: should this traffic live on this GPU.
        now: where the next request should go, the GPU being paid for.
        shown: the plan as it holds over windows of ten minutes.
        advice: whether to act on the plan.
        endpoints: every endpoint, the cheapest first.
        server: the profile that a load measures, empty where none is watched.
    """

    scenario: Scenario
    plan: Verdict
    now: NowVerdict
    shown: ShownPlan
    advice: Advice
    ranked: tuple[RankedEndpoint, ...]
    traffic: Demand
    server: str = ""


def decide_all(session: Session, context: Context, today: date) -> Decision:
    """Return what is decided of a session, on the traffic that lies on the context if any does."""
    settings = context.settings
    asked = context.traffic or economics.demand(session)
    scenario = economics.scenario(
        session, settings, today, context.capacities, asked, measured=context.measured
    )
    plan = economics.decided(scenario)
    ranked = economics.ranked_endpoints_of(settings, asked, context.measured)
    found = economics.inputs(session, settings, context.capacities, asked, context.measured)
    told = (*_said(asked, ranked), *(each.said for each in found))
    plan = replace(plan, assumptions=(*plan.assumptions, *told))
    if scenario.gpu_usd_per_hour is None:
        plan = _with_offers(plan, unpriced_gpu(session, context))
    profile = economics.watched_profile(session, settings)
    server = profile.name if profile else ""
    return Decision(
        scenario,
        with_server(plan, server),
        _now(session, scenario),
        context.shown,
        advise(
            context.shown,
            settings.billing.switching_usd,
            economics.present_usd_per_hour(scenario),
            cheapest_other(plan),
        ),
        ranked,
        asked,
        server,
    )


def with_server(found: Verdict, server: str) -> Verdict:
    """Return a verdict that names the server which a load measures, so that it can be typed."""
    if not server:
        return found
    command = MEASURE.replace("ENDPOINT", server)
    options = (
        replace(each, excluded_because=each.excluded_because.replace(MEASURE, command))
        for each in found.options
    )
    return replace(found, reason=found.reason.replace(MEASURE, command), options=tuple(options))


def unpriced_gpu(session: Session, context: Context) -> str:
    """Return what the price table asks for the watched GPU that has no price, as a sentence."""
    profile = economics.watched_profile(session, context.settings)
    if session.gpus is None or (profile and profile.gpu_usd_per_hour is not None):
        return ""
    return gpu_offers(session.gpus.gpus, profile, context.gpu_prices)


def _with_offers(plan: Verdict, told: str) -> Verdict:
    if not told:
        return plan
    if plan.kind is VerdictKind.UNPRICED:
        return replace(plan, reason=f"{plan.reason} {told}")
    return replace(plan, assumptions=(*plan.assumptions, told))


def cheapest_other(plan: Verdict) -> Decimal | None:
    """Return what the cheapest way costs that is not the GPU as it is rented."""
    costs = (
        option.usd_per_hour
        for option in plan.options
        if option.name != "on_demand" and not option.excluded_because
    )
    return min((cost for cost in costs if cost is not None), default=None)


def decision_document(decision: Decision) -> dict[str, Any]:
    """Return the plan's document with what else was decided beside it."""
    now, shown = decision.now, decision.shown
    return {
        **verdict_document(decision.plan),
        "now": {
            "verdict": now.kind.value,
            "reason": now.reason,
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
        "advice": {"kind": decision.advice.kind.value, "reason": decision.advice.reason},
        "endpoints": [
            {
                "endpoint": endpoint.endpoint.name,
                "usd_per_request": digits(endpoint.usd_per_request),
                "price_as_of": endpoint.endpoint.prices.as_of,
                "reason": endpoint.reason or None,
                "excluded_because": endpoint.excluded_because or None,
            }
            for endpoint in decision.ranked
        ],
        "traffic": {
            "source": decision.traffic.source,
            "requests": float(decision.traffic.seen.n),
            "window_s": _number(decision.traffic.seen.window_s),
            "replicas": decision.traffic.replicas,
        },
    }


def _said(asked: Demand, ranked: tuple[RankedEndpoint, ...]) -> tuple[str, ...]:
    said = [f"Traffic: {asked.source}."]
    if asked.replicas is not None and asked.replicas > 1:
        said.append(f"It was served by {asked.replicas} replicas; the rate is theirs together.")
    said += [
        f"{endpoint.endpoint.name} is no choice: {endpoint.excluded_because}."
        for endpoint in ranked
        if endpoint.excluded_because
    ]
    priced = [endpoint for endpoint in ranked if endpoint.usd_per_request is not None]
    priced = [endpoint for endpoint in priced if not endpoint.excluded_because] or priced
    if len(priced) > 1:
        dearer = ", ".join(endpoint.endpoint.name for endpoint in priced[1:])
        said.append(
            f"The API is {priced[0].endpoint.name}, for these requests the cheapest of "
            f"{len(priced)} endpoints; dearer: {dearer}."
        )
    elif priced:
        said.append(f"The API is {priced[0].endpoint.name}.")
    hourly = economics.profile_sentence(asked)
    return (*said, hourly) if hourly else tuple(said)


def _now(session: Session, scenario: Scenario) -> NowVerdict:
    """Decide on what the server does this moment, whatever the plan is made of."""
    state = session.life.server.state if session.life else ServerState.STOPPED
    seen, limit = economics.observed(session), scenario.ttft_slo_s
    newest = newest_first_tokens(session.traffic)
    tail = p99_against(newest, float(limit)) if newest and limit is not None else None
    live = replace(
        scenario,
        rate_rps=seen.n / seen.window_s if seen.window_s else None,
        profile_rps=None,
        batch_multiplier=None,  # a request that waits for an answer is in no batch
        gpu_ttft_p99_s=None,
        gpu_ttft_p99_above_s=Decimal(repr(tail.bucket.low_s)) if tail and tail.broken else None,
    )
    return now_verdict(live, ready=state in ANSWERING)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


SECONDS_PER_HOUR = 3600


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
    scenario = economics.scenario(
        session, context.settings, today, context.capacities, asked, measured=context.measured
    )
    plan = economics.decided(scenario)
    shown = fold_window(shown, plan.kind, round(window.requests or 0))
    present = economics.present_usd_per_hour(scenario)
    hours = Decimal(repr(window.seconds)) / SECONDS_PER_HOUR
    # What the plan supposes of the day is not of these ten minutes.
    alone = replace(scenario, hours_per_day=None, starts_per_day=None, peak_over_average=None)
    ways = [
        option.usd_per_hour
        for option in economics.decided(alone).options
        if option.usd_per_hour is not None
        and option.name != "on_demand"
        and not option.excluded_because
    ]
    # Too few requests decide nothing, but what they would have cost at the API is known.
    if plan.usd_per_request is not None and scenario.rate_rps is not None:
        ways.append(plan.usd_per_request * scenario.rate_rps * SECONDS_PER_HOUR)
    elif window.requests == 0:
        ways.append(Decimal(0))
    if present is None or not ways:
        return shown
    return add_regret(shown, present, min(ways), hours)
