"""The views of the bill and of the verdict."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from backends.domain.money.amounts import age_days, is_stale
from backends.domain.money.kinds import VerdictKind
from backends.domain.money.meter import Activity, Spent
from backends.domain.money.sentences import flips_at
from backends.domain.money.verdict import Verdict
from backends.domain.session import Session
from backends.settings.config import Profile
from console import economics
from console.capacity import carried
from console.desk import Desk
from console.views.axis import finite, span
from widgets import format as fmt
from widgets.cost_panel import BudgetState, CostView, EndpointCost
from widgets.crossover_bar import CrossoverBar
from widgets.verdict_line import VerdictKind as Look
from widgets.verdict_line import VerdictView

NOT_SERVING: tuple[Activity, ...] = ("idle", "stopped", "unwatched")

NEAR_BUDGET = Decimal("0.8")

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


def cost_view(session: Session, desk: Desk, verdict: Verdict, today: date) -> CostView:
    """Return the meter, the same tokens elsewhere, and where the crossover lies."""
    profile = economics.watched_profile(session, desk.settings)
    spent = economics.spent(session, desk.settings)
    parts = {name: usd for name, _, usd in spent.parts} if spent else {}
    as_of = profile.gpu_price_as_of if profile else None
    budget = desk.settings.billing.budget_usd_per_day
    return CostView(
        spent_usd=spent.usd if spent else None,
        usd_per_hour=profile.gpu_usd_per_hour if profile else None,
        serving_usd=parts.get("serving"),
        idle_usd=_idle(parts),
        starting_usd=parts.get("starting"),
        priced_on=as_of.isoformat() if as_of else "",
        stale=is_stale(as_of, today),
        stale_reason=f"price is {age_days(as_of, today)} days old" if as_of else "",
        reason=_reason(profile),
        elsewhere=tuple(
            EndpointCost(
                endpoint.name,
                economics.elsewhere(session, endpoint),
                "" if economics.tokens_price(endpoint) else "UNPRICED",
            )
            for endpoint in desk.settings.endpoints
        ),
        tokens=_tokens(session),
        crossover=_crossover(session, desk, verdict),
        budget=_budget(spent, budget),
        budget_usd=budget,
    )


def verdict_view(verdict: Verdict) -> VerdictView:
    """Return the verdict as a word, a sentence and the number that would flip it."""
    return VerdictView(
        kind=_LOOKS.get(verdict.kind, "undecided"),
        word=verdict.kind.value.replace("_", " "),
        sentence=verdict.reason,
        flip=flips_at(verdict.flip) if verdict.flip else "",
    )


def _idle(parts: Mapping[Activity, Decimal | None]) -> Decimal | None:
    """Return what was paid while nothing was served: idle, stopped, and before anyone watched."""
    amounts = [parts.get(name) for name in NOT_SERVING]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _reason(profile: Profile | None) -> str:
    if profile is None:
        return "no profile: a [server.NAME] with gpu_usd_per_hour prices this host"
    if profile.gpu_usd_per_hour is None:
        return f"UNPRICED: set gpu_usd_per_hour in [server.{profile.name}]"
    return ""


def _tokens(session: Session) -> str:
    totals = session.totals
    if totals.input_tokens is None or totals.output_tokens is None:
        return ""
    return f"{fmt.count(totals.input_tokens)} in, {fmt.count(totals.output_tokens)} out"


def _crossover(session: Session, desk: Desk, verdict: Verdict) -> CrossoverBar:
    at = verdict.crossover
    seen = economics.observed(session)
    profile = economics.watched_profile(session, desk.settings)
    carries = carried(desk.capacities, profile, seen.output_tokens_mean, seen.input_tokens_mean)
    return CrossoverBar(
        now_rps=float(seen.n / seen.window_s) if seen.window_s else None,
        break_even_rps=finite(at.break_even_rps),
        break_even_interval_rps=span(at.interval),
        break_even_reason="" if at.break_even_rps is not None else "prices or traffic unknown",
        capacity_rps=finite(carries.rps),
        capacity_reason=carries.reason,
    )


def _budget(spent: Spent | None, budget: Decimal | None) -> BudgetState:
    if budget is None or spent is None or spent.usd_per_hour is None:
        return "none"
    share = spent.usd_per_hour * 24 / budget
    if share > 1:
        return "over"
    return "near" if share > NEAR_BUDGET else "within"
