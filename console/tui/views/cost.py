"""The views of the bill and of the verdict."""

from dataclasses import replace
from datetime import date

from backends.domain import format as fmt
from backends.domain.billing.account import activity
from backends.domain.billing.meter import Spent
from backends.domain.decision.answer import Verdict
from backends.domain.decision.curves import finite, span
from backends.domain.decision.hysteresis import AdviceKind
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind
from backends.domain.decision.wording import (
    advice_reason,
    flips_at,
    now_reason,
    reason,
    said_before,
)
from backends.domain.prices.amounts import age_days, is_stale
from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.decision import Decision
from backends.operations.pricing import priced_profile
from backends.operations.rental import why_unlike
from backends.settings.config import Profile
from widgets.cost_panel import CostView, EndpointCost
from widgets.crossover_bar import CrossoverBar
from widgets.verdict_line import VerdictKind as Look
from widgets.verdict_line import VerdictView

_LOOKS: dict[VerdictKind, Look] = {
    VerdictKind.SELF_HOST_CHEAPER: "self_host",
    VerdictKind.RESERVED_CHEAPER: "self_host",
    VerdictKind.API_CHEAPER: "api",
    VerdictKind.SERVERLESS_GPU_CHEAPER: "api",
    VerdictKind.HYBRID_CHEAPER: "hybrid",
    VerdictKind.TOO_CLOSE: "too_close",
    VerdictKind.NO_CROSSOVER: "impossible",
    VerdictKind.OVER_CAPACITY: "impossible",
}
_NOW_LOOKS: dict[NowKind, Look] = {
    NowKind.KEEP_ON_GPU: "self_host",
    NowKind.SPILL_TO_API: "hybrid",
    NowKind.SEND_TO_API: "api",
    NowKind.NO_GPU_SERVES: "impossible",
}
_ADVICE_LOOKS: dict[AdviceKind, Look] = {
    AdviceKind.STAY: "self_host",
    AdviceKind.WAIT: "too_close",
    AdviceKind.MOVE: "api",
    AdviceKind.UNDECIDED: "undecided",
}


def cost_view(session: Session, context: Context, decision: Decision, today: date) -> CostView:
    """Return the meter, and the same tokens at each API."""
    profile, rental = decision.host.profile, decision.rental
    spent = rental.spent
    parts = {name: usd for name, _, usd in spent.parts} if spent else {}
    priced = priced_profile(profile, context.settings)
    as_of = priced.gpu_price_as_of if priced else None
    return CostView(
        spent_usd=spent.usd if spent else None,
        usd_per_hour=spent.usd_per_hour if spent else None,
        serving_usd=parts.get("serving"),
        idle_usd=parts.get("idle"),
        starting_usd=parts.get("starting"),
        stopped_usd=parts.get("stopped"),
        unwatched_usd=parts.get("unwatched"),
        stopped_now=session.meter is not None and activity(session.account) == "stopped",
        priced_on=as_of.isoformat() if as_of else "",
        stale=is_stale(as_of, today),
        stale_reason=f"price is {age_days(as_of, today)} days old" if as_of else "",
        reason=_reason(profile, spent),
        api_equivalent=tuple(
            EndpointCost(each.endpoint.name, each.usd, "" if each.priced else "UNPRICED")
            for each in rental.api_equivalent
        ),
        tokens=_tokens(session),
        unlike=spent is None or bool(why_unlike(spent, session.totals)),
        tests_usd=context.tests_usd or None,
        budget=rental.budget,
        budget_usd=context.settings.billing.budget_usd_per_day,
        today_usd=rental.today_usd,
    )


def plan_view(decision: Decision) -> VerdictView:
    """Return the plan, which rests on all that is known of the traffic; so do verbs and reports."""
    return replace(verdict_view(decision.plan), label="Long-term")


def main_verdict_view(decision: Decision) -> VerdictView:
    """Return the plan with the load, the break-even and the capacity on one axis."""
    return replace(verdict_view(decision.plan), crossover=_crossover(decision))


def now_view(decision: Decision) -> VerdictView:
    """Return what to do with the GPU that is paid for."""
    now = decision.now
    return VerdictView(
        _NOW_LOOKS[now.kind], now.kind.value.replace("_", " "), now_reason(now), label="Right now"
    )


def advice_view(decision: Decision) -> VerdictView:
    """Return whether to act on the plan."""
    advice = decision.advice
    return VerdictView(
        _ADVICE_LOOKS[advice.kind], advice.kind.value, advice_reason(advice), label="Recommended"
    )


def verdict_view(verdict: Verdict) -> VerdictView:
    """Return the verdict as a word, a sentence and the number that would flip it."""
    return VerdictView(
        kind=_LOOKS.get(verdict.kind, "undecided"),
        word=verdict.kind.value.replace("_", " "),
        sentence=reason(verdict),
        flip=flips_at(verdict.flip) if verdict.flip and not said_before(verdict.flip) else "",
    )


def _reason(profile: Profile | None, spent: Spent | None) -> str:
    if spent is not None and spent.usd is not None:
        return ""
    if profile is None:
        return "no profile: a [server.NAME] with gpu_usd_per_hour prices this host"
    if profile.gpu_usd_per_hour is None:
        return f"UNPRICED: press E, and set gpu_usd_per_hour in Price of {profile.name}"
    return ""


def _tokens(session: Session) -> str:
    totals = session.totals
    if totals.input_tokens is None or totals.output_tokens is None:
        return ""
    return f"{fmt.count(totals.input_tokens)} in, {fmt.count(totals.output_tokens)} out"


def _crossover(decision: Decision) -> CrossoverBar:
    at, carries = decision.plan.crossover, decision.host.carries
    return CrossoverBar(
        now_rps=finite(decision.live.rate_rps),
        break_even_rps=finite(at.break_even_rps),
        break_even_interval_rps=span(at.interval),
        break_even_reason=_no_break_even(decision),
        capacity_rps=finite(carries.rps),
        capacity_reason=carries.reason,
    )


def _no_break_even(decision: Decision) -> str:
    """Return what the break-even lacks; empty where there is one."""
    plan, profile = decision.plan, decision.host.profile
    if plan.crossover.break_even_rps is not None:
        return ""
    if profile is None or profile.gpu_usd_per_hour is None:
        return "the GPU has no price"
    if not any(each.priced for each in decision.rental.api_equivalent):
        return "no endpoint has a price"
    return "no request was seen" if plan.usd_per_request is None else "requests are free there"
