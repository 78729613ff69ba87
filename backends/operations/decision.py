"""Everything that is decided, in one value: what to do now, the plan, and whether to act on it."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from backends.domain.billing.ledger import utc_day
from backends.domain.decision.answer import Verdict, days_to_cross
from backends.domain.decision.comparability import unlike_models
from backends.domain.decision.document import verdict_document
from backends.domain.decision.hysteresis import (
    LEAST_REQUESTS,
    OPPOSITE_WINDOWS,
    Advice,
    ShownPlan,
    add_regret,
    advise,
    fold_window,
)
from backends.domain.decision.measured import Competitor, NoCapacity
from backends.domain.decision.option import fixed_usd_per_hour, usd_per_request
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowVerdict, now_verdict
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import (
    CAPACITY_NOT_MEASURED,
    advice_reason,
    detail,
    endpoint_sentences,
    measured_sentence,
    now_reason,
    traffic_sentences,
)
from backends.domain.durations import HOUR_S
from backends.domain.format import usd
from backends.domain.prices.amounts import digits
from backends.domain.reports.sleep import asleep
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.rates import newest_first_tokens, p99_against
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.windows import Window
from backends.operations.context import Context
from backends.operations.pricing import RankedEndpoint, gpu_offers, rented_replicas
from backends.operations.remedies import remedies
from backends.operations.rental import Rental, rental_of
from backends.operations.scenario import (
    HostScenario,
    Measured,
    host_scenario,
    live_demand,
    recent_traffic,
    seen_demand,
    watched_profile,
)
from backends.settings.config import Profile, Settings


@dataclass(frozen=True, slots=True)
class Decision:
    """Two answers that are never mixed, and what they rest on; each part computed once.

    Attributes:
        host: the scenario as it was made: its traffic, the endpoints ranked, what is measured.
        plan: should this traffic live on this GPU: of the week to come, as soon as a week is
            learnt, and until then of what was seen; its horizon says which.
        right_now: the same question of the last hours alone; the plan itself while no more is
            known.
        now: where the next request should go, the GPU being paid for.
        shown: the plan as it holds over windows of ten minutes.
        advice: whether to act on the plan.
        live: the traffic of the last minutes.
        rental: what the rented host has cost so far.
    """

    host: HostScenario
    plan: Verdict
    right_now: Verdict
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
        context.traffic or seen_demand(session, live),
        capacities=context.capacities,
        measured=context.measured,
        recorded_elsewhere=context.traffic is not None,
    )
    plan = _plan(session, context, host)
    week = plan.horizon is not None and plan.horizon.week
    return Decision(
        host,
        plan,
        _right_now(session, context, today, live) if week or context.traffic else plan,
        _now(
            session,
            host.scenario,
            live,
            context.measured,
            rented_replicas(settings, host.profile),
        ),
        context.shown,
        advise(
            context.shown,
            settings.billing.switching_usd,
            _present_usd_per_hour(host.scenario, rented_replicas(settings, host.profile)),
            cheapest_other(plan),
        ),
        live,
        rental_of(session, settings, host.profile, today),
    )


def _right_now(session: Session, context: Context, today: date, live: Demand) -> Verdict:
    """Return what the last hours alone say, whatever the plan rests on."""
    made = host_scenario(
        session,
        context.settings,
        today,
        recent_traffic(session, live),
        capacities=context.capacities,
        measured=context.measured,
    )
    # What the plan supposes of the day is not of these hours.
    alone = replace(made.scenario, hours_per_day=None, starts_per_day=None)
    found = _decided(alone, made.profile.name if made.profile else "")
    return replace(found, horizon=made.traffic.horizon)


def _plan(session: Session, context: Context, host: HostScenario) -> Verdict:
    """Return the plan with what else it rests on, and what a GPU without a price would cost."""
    plan = _decided(host.scenario, host.profile.name if host.profile else "")
    competitors = [
        Competitor(each.endpoint.name, each.usd_per_request is not None, each.exclusion)
        for each in host.ranked
    ]
    found = (
        *_rented_sentences(context.settings, host),
        *traffic_sentences(host.traffic),
        *endpoint_sentences(competitors),
        *map(measured_sentence, host.inputs),
    )
    offers = ""
    if host.scenario.gpu_usd_per_hour is None:
        offers = _offers(session, context, host.profile)
    if offers and plan.kind is not VerdictKind.UNPRICED:
        found = (*found, offers)
    horizon = host.traffic.horizon
    asked, api = host.scenario, host.ranked[0].endpoint if host.ranked else None
    unlike = None
    if host.profile and api and plan.best and asked.model is None and asked.api_model is None:
        unlike = unlike_models(host.profile.model, api.model)
    told = any(isinstance(each.known_from, NoCapacity) for each in host.inputs)
    supposed = (each for each in plan.assumptions if not (told and each == CAPACITY_NOT_MEASURED))
    return replace(
        plan,
        assumptions=(*supposed, *found),
        offers=offers,
        horizon=horizon,
        unlike=unlike,
        crosses_in_days=days_to_cross(plan.flip, host.traffic.trend_per_day),
    )


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


def _present_usd_per_hour(asked: Scenario, replicas: int) -> Decimal | None:
    """Return what the GPUs that are rented cost an hour, with all that hosting costs beside."""
    gpu = asked.gpu_usd_per_hour
    return None if gpu is None else gpu * replicas + fixed_usd_per_hour(asked)


def _rented_sentences(settings: Settings, host: HostScenario) -> tuple[str, ...]:
    """Return that more is rented than the plan may need, where it is."""
    replicas, usd_each = rented_replicas(settings, host.profile), host.scenario.gpu_usd_per_hour
    if replicas < 2 or usd_each is None:
        return ()
    paid = usd(usd_each * replicas, "h")
    return (f"{replicas} replicas are rented, for {paid}; the plan counts those that it needs.",)


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
        "right_now": _right_now_document(decision.right_now),
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


def _right_now_document(found: Verdict) -> dict[str, Any]:
    whole = verdict_document(found)
    kept = ("verdict", "reason", "horizon", "rate_rps_interval", "break_even_rps_interval")
    return {key: whole[key] for key in kept}


def _now(
    session: Session, scenario: Scenario, live: Demand, measured: Measured, rented: int
) -> NowVerdict:
    """Decide on what the server does this moment, whatever the plan is made of."""
    state = session.life.server.state if session.life else ServerState.STOPPED
    limit, newest = scenario.ttft_slo_s, newest_first_tokens(session.traffic)
    tail = p99_against(newest, float(limit)) if newest and limit is not None else None
    present = replace(
        scenario,
        rate_rps=live.rate_rps,
        profile_rps=None,
        batch_multiplier=None,
        batch_share=None,  # a request that waits for an answer is in no batch
        gpu_ttft_p99_s=None,
        gpu_ttft_p99_above_s=Decimal(repr(tail.bucket.low_s)) if tail and tail.broken else None,
    )
    sleeps = None
    if session.life is not None and state is ServerState.SLEEPING:
        sleeps = asleep(session.life.server.name, measured.sleeps)
    found = now_verdict(
        present,
        ready=state is ServerState.READY,
        sleeps=sleeps,
        asked=state is not ServerState.UNKNOWN,
    )
    paid, saved = found.paid_usd_per_hour, found.saved_by_destroying_usd_per_hour
    # All that is rented is paid for; what carries the requests is the one server that is watched.
    more = (paid or Decimal(0)) * (rented - 1)
    return replace(
        found,
        paid_usd_per_hour=None if paid is None else paid + more,
        saved_by_destroying_usd_per_hour=None if saved is None else saved + more,
    )


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
    """Fold the plan as it stands with one more window, and the regret of that window.

    A plan for the week is judged once a day: its days are what may speak against it.
    """
    today = utc_day(window.began_wall_s)
    nothing = Observed(n=Decimal(0), window_s=Decimal(repr(window.seconds)))
    seen, now = (
        host_scenario(
            session,
            context.settings,
            today,
            asked,
            capacities=context.capacities,
            measured=context.measured,
        )
        for asked in (
            context.traffic or seen_demand(session, live_demand(session)),
            Demand(window.seen or nothing, "one window of ten minutes"),
        )
    )
    horizon = seen.traffic.horizon
    week = horizon is not None and horizon.week
    if not week or today != utc_day(shown.judged_wall_s):
        kind = _decided(seen.scenario).kind
        shown = fold_window(
            shown, kind, round(window.requests or 0) if not week else LEAST_REQUESTS
        )
    rented = rented_replicas(context.settings, now.profile)
    return _with_regret(shown, now.scenario, window, rented)


def _with_regret(shown: ShownPlan, scenario: Scenario, window: Window, rented: int) -> ShownPlan:
    present = _present_usd_per_hour(scenario, rented)
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
    each = usd_per_request(scenario)
    if each is not None and scenario.rate_rps is not None:
        ways.append(each * scenario.rate_rps * HOUR_S)
    elif window.requests == 0:
        ways.append(Decimal(0))
    if present is None or not ways:
        return shown
    return add_regret(shown, present, min(ways), hours)
