"""``inferctl verdict``: is the GPU or the API cheaper, and what would flip it."""

import argparse
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backends.domain.decision.answer import Verdict
from backends.domain.decision.document import verdict_document
from backends.domain.decision.flip import Flip, price_flips
from backends.domain.decision.hysteresis import OPPOSITE_WINDOWS
from backends.domain.decision.option import Option
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import BadScenario, Scenario
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import (
    advice_reason,
    break_even_sentence,
    excluded_because,
    now_reason,
    price_flip_sentence,
    reason,
)
from backends.domain.format import UNKNOWN, figure, usd
from backends.domain.prices.amounts import digits
from backends.operations.remedies import remedies
from backends.problem import UsageProblem
from backends.scenarios.reading import scenario_at, shipped_scenarios
from console.cli import traffic_preview
from console.cli.output import document, say, show

if TYPE_CHECKING:
    from backends.operations.decision import Decision

PAGE_WIDTH = 100

NOT_REQUIRED = 4
"""Exit code where the required option does not win, be it that another does or that none does."""

REQUIRED: dict[str, frozenset[VerdictKind]] = {
    "self_host": frozenset({VerdictKind.SELF_HOST_CHEAPER, VerdictKind.RESERVED_CHEAPER}),
    "api": frozenset({VerdictKind.API_CHEAPER, VerdictKind.NO_CROSSOVER}),
}

UNDECIDED = frozenset(
    {
        VerdictKind.TOO_CLOSE,
        VerdictKind.INSUFFICIENT_DATA,
        VerdictKind.CAPACITY_UNKNOWN,
        VerdictKind.UNPRICED,
        VerdictKind.STALE_PRICES,
        VerdictKind.NOT_COMPARABLE,
    }
)
"""Kinds that name no winner."""

NO_HOST = {"now": None, "now_reason": "a scenario has no rented GPU: only the plan can be decided"}


def run(arguments: argparse.Namespace) -> int:
    """Decide a scenario from a file, or the one that is measured now.

    Raises:
        UsageProblem: the scenario or the traffic file cannot be read.
        Problem: Prometheus cannot tell.
    """
    if arguments.preview and arguments.traffic:
        return traffic_preview.run(arguments)
    if arguments.published:
        return _published(as_json=arguments.json)
    answer: dict[str, Any]
    decision: Decision | None = None
    if arguments.scenario and (arguments.traffic or arguments.prometheus or arguments.name):
        what = "--traffic, --prometheus or the server"
        raise UsageProblem(f"--scenario brings its own traffic; leave out {what}")
    if arguments.scenario:
        asked = _from_file(arguments.scenario)
        plan = decide(asked, remedies())
        answer = {**verdict_document(plan), **NO_HOST}
    else:
        from console.cli.measured import decided_here  # noqa: PLC0415  a file needs none of it

        decision, answer = decided_here(arguments)
        asked, plan, answer = decision.scenario, decision.plan, {**answer, "now_reason": None}
    flips = () if plan.kind in UNDECIDED else price_flips(asked)
    answer["price_flips"] = [_price_document(each) for each in flips]
    answer["required"] = _required(plan, arguments.require)
    if arguments.json:
        document(answer)
    elif decision is None:
        _tell(plan, flips)
    else:
        _tell_server(answer["server"])
        show(f"Right now: {decision.now.kind.value.replace('_', ' ')}: {now_reason(decision.now)}")
        if decision.right_now is not plan:
            lately = decision.right_now
            show(f"Last hours: {lately.kind.value.replace('_', ' ')}: {reason(lately)}")
        _tell(plan, flips)
        _tell_advice(decision)
    if answer["required"] is None or answer["required"]["met"]:
        return 0
    say(_refusal(plan, arguments.require))
    return NOT_REQUIRED


def _tell_server(server: dict[str, Any] | None) -> None:
    """Say whose traffic is judged; where no NAME is given it may be an external server."""
    if server is not None:
        show(f"Server: {server['name']}, {server['owner']}, {server['model'] or 'model not known'}")


def _required(plan: Verdict, option: str | None) -> dict[str, Any] | None:
    if option is None:
        return None
    kinds = plan.between or (plan.kind,)
    # Whether a GPU of one's own overflows to the API may be open where that it wins is not.
    own = REQUIRED["self_host"] | {VerdictKind.HYBRID_CHEAPER}
    met = plan.kind in REQUIRED[option] or (
        option == "self_host" and kinds[0] in REQUIRED[option] and set(kinds) <= own
    )
    return {"option": option, "met": met, "decided": met or plan.kind not in UNDECIDED}


def _refusal(plan: Verdict, option: str) -> str:
    words = plan.kind.value.replace("_", " ")
    if plan.kind in UNDECIDED:
        return f"{option} is required, but there is no decision: {words}"
    return f"{option} is required, but another option is cheaper: {words}"


def _published(*, as_json: bool) -> int:
    """Print the figures of published comparisons beside ours."""
    # 100 ms, for this alone
    from backends.scenarios.published.figures import (  # noqa: PLC0415
        comparison_document,
        comparison_rows,
    )

    if as_json:
        document(comparison_document())
        return 0
    named = ""
    for article, figure_of, published, here, outcome, why in comparison_rows()[1:]:
        if article != named:
            named = article
            show(article)
        differs = "differs from the article" if outcome == "ours is right" else outcome
        _wrapped(f"{figure_of}: published {published}, recomputed {here}: {differs}", "  ")
        _wrapped(why, "      ")
    return 0


def _wrapped(text: str, indent: str) -> None:
    for row in textwrap.wrap(
        text, PAGE_WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  "
    ):
        show(row)


def _from_file(name: str) -> Scenario:
    """Return a scenario; the prices of a file are of today, where it says no day of its own.

    One that ships recomputes what was published, at the prices of then.
    """
    try:
        found = scenario_at(name)
    except BadScenario as error:
        raise UsageProblem(str(error)) from error
    if found.today is not None or name.removesuffix(".toml") in shipped_scenarios():
        return found
    return replace(found, today=datetime.now(UTC).date())


def _price_document(flip: Flip) -> dict[str, Any]:
    to = flip.to.value if flip.to else None
    return {"price": flip.quantity, "now": digits(flip.now), "at": digits(flip.value), "to": to}


def _tell(found: Verdict, flips: Sequence[Flip] = ()) -> None:
    show(f"Long-term: {found.kind.value.replace('_', ' ')}: {reason(found)}")
    even = break_even_sentence(found.crossover)
    if even:
        show(f"  break-even: {even}")
    if found.payback_months is not None:
        months, life = figure(found.payback_months), found.owned_life_months
        late = life is not None and found.payback_months > life
        beyond = f", longer than the {figure(life)} that it is used" if late and life else ""
        show(f"  payback: owned hardware pays for itself in {months} months{beyond}")
    for flip in flips:
        show(f"  price: {price_flip_sentence(flip)}")
    for option in found.options:
        costs = "".join(f"  {cost:>13}" for cost in _costs(option, found))
        why = excluded_because(option.exclusion, found.remedies)
        show(f"  {option.name:26}{costs}  {why}".rstrip())
    for assumption in found.assumptions:
        show(f"  input: {assumption}")


def _costs(option: Option, found: Verdict) -> tuple[str, ...]:
    """Return what an option costs an hour, a day and a month."""
    hour = option.usd_per_hour
    if hour is None:
        return (UNKNOWN,) * 3
    return f"${hour:.4f}/h", usd(hour * 24, "day"), usd(hour * found.hours_per_month, "month")


def _tell_advice(decision: "Decision") -> None:
    shown = decision.shown
    if shown.kind is not None:
        holds = shown.kind.value.replace("_", " ")
        against = (
            f"; {shown.in_a_row} of {OPPOSITE_WINDOWS} windows say "
            f"{shown.against.value.replace('_', ' ')}"
            if shown.against
            else ""
        )
        show(f"Holds: {holds} over windows of ten minutes{against}")
    show(f"Recommended action: {decision.advice.kind.value}: {advice_reason(decision.advice)}")
