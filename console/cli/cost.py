"""``inferctl cost``: what was spent, and what the same tokens would have cost."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from backends.domain.billing.ledger import Day, Served
from backends.domain.billing.meter import STOPPED_STILL_COSTS, Spent, Tariff
from backends.domain.billing.shares import NOBODY
from backends.domain.decision.wording import UNPRICED_REMEDY
from backends.domain.format import count, usd
from backends.domain.prices.amounts import digits
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.totals import TokenTotals
from backends.operations.billing import (
    Bill,
    Charge,
    Period,
    bill_of,
    charges_in,
    day_spent,
    effective_usd,
    energy_use,
)
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all, unpriced_gpu
from backends.operations.host import Host, this_host
from backends.operations.last_month import LastMonth, last_month_of, month_lines
from backends.operations.rental import ApiEquivalent, api_equivalent
from backends.operations.snapshot import snapshot, with_gpus
from backends.problem import UsageProblem
from backends.settings.config import Settings
from console.cli import traffic_preview
from console.cli.cost_energy import energy_document, energy_line
from console.cli.cost_month import month_document
from console.cli.cost_pictures import write_pictures
from console.cli.cost_report import cost_report
from console.cli.measured import context_for, on_recorded_traffic
from console.cli.output import document, say, show, show_csv, show_page

CSV_COLUMNS = (
    "kind",
    "name",
    "seconds",
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "usd",
    "price_as_of",
    "reason",
)

LONG_S = 600.0
"""From here on hours say more than seconds."""


def run(arguments: argparse.Namespace) -> int:
    """Print the bill of this rental so far, or of a period.

    Raises:
        Problem: the history, a traffic file or Prometheus cannot be read.
    """
    if arguments.csv and arguments.json:
        raise UsageProblem("--csv and --json are two forms; choose one")
    if arguments.preview and arguments.traffic:
        return traffic_preview.run(arguments)
    host = this_host()
    session = snapshot(host)
    context, today = context_for(host, session, arguments)
    period = _period(arguments, today)
    bill = bill_of(host, session, period)
    if context.gpu_prices and (bill.spent is None or bill.spent.usd is None):
        session = with_gpus(session, host)
    recorded_context = on_recorded_traffic(context, session)
    decision = decide_all(session, recorded_context, today)
    past = last_month_of(decision, session, host.now().wall_s)
    if arguments.report or arguments.output:
        return _report(host, recorded_context, decision, bill, past, arguments.output)
    offers = unpriced_gpu(session, context)
    if arguments.json:
        told = bill_document(bill, host.settings, context.traffic)
        document({**told, "gpu_price_hint": offers or None, "last_month": month_document(past)})
    elif arguments.csv:
        show_csv([CSV_COLUMNS, *csv_rows(bill)])
    else:
        _tell(bill, host.settings, offers)
        for line in month_lines(past):
            show(line)
        if context.traffic is not None:
            _tell_fleet(context.traffic, host.settings)
    return 0


def _period(arguments: argparse.Namespace, today: date) -> Period | None:
    if arguments.since is None and arguments.until is None:
        return None
    last = arguments.until or today
    first = arguments.since or last
    if arguments.until is None and first > today:
        raise UsageProblem(f"--since {first} is after today, {today}; name a day that was")
    if first > last:
        raise UsageProblem(f"--since {first} is after --until {last}; exchange them")
    return Period(first, last)


def _report(  # noqa: PLR0917 - what the page is made of
    host: Host,
    context: Context,
    decision: Decision,
    bill: Bill,
    past: LastMonth | None,
    output: str | None,
) -> int:
    if not output:
        show_page(cost_report(host, context, decision, bill, past=past))
        return 0
    path = Path(output)
    pictures = write_pictures(path, decision, bill)
    page = cost_report(host, context, decision, bill, pictures, past=past)
    path.write_text(page, encoding="utf-8")
    say(f"written: {path} with {', '.join(picture.name for picture in pictures)}")
    return 0


def bill_document(bill: Bill, settings: Settings, fleet: Demand | None = None) -> dict[str, Any]:
    """Return the document of ``cost --json``."""
    budget = settings.billing.budget_usd_per_day
    return {
        "spent": bill.spent,
        "gpu_price_as_of": bill.gpu_price_as_of,
        "period": bill.period,
        "tokens": _tokens(bill.totals),
        "effective": _effective(bill),
        "servers": [_server(each) for each in bill.served],
        "charges": _by_server(bill.charges),
        "not_charged": _not_charged(bill),
        "energy": energy_document(energy_use(bill.days, settings.plan)),
        "api_equivalent": [_compared(each) for each in bill.api_equivalent],
        "tests_usd": digits(bill.tests_usd),
        "budget": {
            "usd_per_day": budget,
            "spent_today_usd": digits(bill.rental.today_usd),
            "state": bill.rental.budget,
        },
        "days": [_day(each, bill.rental.tariff) for each in bill.days],
        "fleet": None if fleet is None else _fleet(fleet, settings),
    }


def _effective(bill: Bill) -> dict[str, Any]:
    """Return what a request and a million tokens came to, idle time and starts included."""
    found = effective_usd(bill)
    return {
        "usd_per_request": digits(found.per_request),
        "usd_per_mtok": digits(found.per_mtok),
        "usd_per_output_mtok": digits(found.per_output_mtok),
        "reason": found.reason or None,
    }


def _fleet(fleet: Demand, settings: Settings) -> dict[str, Any]:
    each = (api_equivalent(fleet.totals, it, fleet.kinds) for it in settings.endpoints)
    found = [_compared(equivalent) for equivalent in each]
    return {
        "source": fleet.source,
        "replicas": fleet.replicas,
        "tokens": _tokens(fleet.totals),
        "api_equivalent": found,
    }


def _tokens(totals: TokenTotals) -> dict[str, Any]:
    return {
        "requests": totals.requests,
        "input": totals.input_tokens,
        "cached_input": totals.cached_input_tokens,
        "output": totals.output_tokens,
        "own_tests": {
            "requests": totals.own_requests,
            "input": totals.own_input_tokens,
            "output": totals.own_output_tokens,
        },
        "reason": None if totals.requests is not None else "no server answers /metrics",
    }


def _server(served: Served) -> dict[str, Any]:
    return {"server": served.server, **_tokens(served.totals)}


def _by_server(charges: tuple[Charge, ...]) -> list[dict[str, Any]]:
    return [{"server": each.server, **_charged(each)} for each in charges if each.server]


def _charged(charge: Charge | None) -> dict[str, Any]:
    if charge is None:
        return {"share": None, "usd": None, "reason": "no sample of a GPU showed any"}
    seconds = {f"{name}_s": took for name, took, _ in charge.spent.parts}
    priced = charge.spent.usd is not None
    reason = None if priced else "UNPRICED"
    return {"share": charge.share, "usd": digits(charge.spent.usd), "reason": reason, **seconds}


def _not_charged(bill: Bill) -> dict[str, Any]:
    """Return what no server is charged: GPUs that none held, and when that could not be seen."""
    by_name = {each.server: each for each in bill.charges}
    return {
        "held_by_no_server": _charged(by_name.get(NOBODY)),
        "not_seen": _charged(by_name.get(None)),
    }


def _compared(found: ApiEquivalent) -> dict[str, Any]:
    return {
        "endpoint": found.endpoint.name,
        "usd": found.usd,
        "price_as_of": found.endpoint.prices.as_of,
        "price_source": found.endpoint.prices.source or None,
        "reason": found.reason or None,
    }


def _day(day: Day, tariff: Tariff) -> dict[str, Any]:
    spent, charges = day_spent(day, tariff), charges_in((day,), tariff)
    seconds = {f"{name}_s": took for name, took, _ in spent.parts}
    return {
        "day": day.day,
        "usd": spent.usd,
        **seconds,
        "tokens": _tokens(day.totals),
        "charges": _by_server(charges),
    }


def csv_rows(bill: Bill) -> list[tuple[object, ...]]:
    """Return the rows of ``cost --csv`` below their head; unknown is an empty cell."""
    spent, dated = bill.spent, bill.gpu_price_as_of
    rows: list[tuple[object, ...]] = []
    if spent is not None:
        rows += [_row("spent", name, took, None, part, dated) for name, took, part in spent.parts]
        rows.append(_row("rounding", "", None, None, spent.rounding_usd, dated))
        rows.append(_row("total", "", spent.billed_s, None, spent.usd, dated))
    for served in bill.served:
        rows.append(_row("server", served.server, None, served.totals, None, None))
    for each in bill.charges:
        seconds = each.spent.elapsed_s
        rows.append(_row("charge", charged_to(each), seconds, None, each.spent.usd, dated))
    for found in bill.api_equivalent:
        as_of = found.endpoint.prices.as_of
        row = _row("api_equivalent", found.endpoint.name, None, bill.totals, found.usd, as_of)
        rows.append((*row[:-1], found.reason))
    rows.append(_row("tests", "", None, None, bill.tests_usd, None))
    for day in bill.days:
        whole = day_spent(day, bill.rental.tariff)
        rows.append(_row("day", str(day.day), whole.elapsed_s, day.totals, whole.usd, dated))
    return rows


def _row(  # noqa: PLR0917 - the columns in their order
    kind: str,
    name: str,
    seconds: float | None,
    totals: TokenTotals | None,
    amount: Any,
    dated: date | None,
) -> tuple[object, ...]:
    counts = totals or TokenTotals()
    tokens = (counts.requests, counts.input_tokens, counts.cached_input_tokens)
    missing = "UNPRICED" if amount is None and kind in {"spent", "total", "day"} else ""
    return (kind, name, seconds, *tokens, counts.output_tokens, digits(amount), dated, missing)


def _tell(bill: Bill, settings: Settings, offers: str) -> None:
    if bill.period is not None and not bill.days:
        show(f"Nothing was recorded from {bill.period.first} to {bill.period.last}.")
        return
    _tell_spent(bill, offers)
    if settings.plan.usd_per_kwh is not None:
        show(energy_line(energy_use(bill.days, settings.plan), settings.plan))
    _tell_api_equivalent(bill)
    if bill.totals.own_requests:
        show(f"own tests here: {_own(bill.totals)} (not compared)")
    if bill.tests_usd:
        show(f"own tests: {usd(bill.tests_usd)} at priced endpoints")
    budget = settings.billing.budget_usd_per_day
    if budget is not None:
        today_usd, state = usd(bill.rental.today_usd), bill.rental.budget.upper()
        show(f"today: {today_usd} of a budget of {usd(budget)} a day: {state}")


def _tell_spent(bill: Bill, offers: str) -> None:
    spent, dated = bill.spent, _date(bill.gpu_price_as_of)
    if spent is None or spent.usd is None:
        show(f"GPU: UNPRICED. {offers or UNPRICED_REMEDY}")
        return
    of = f" from {bill.period.first} to {bill.period.last}" if bill.period else " so far"
    show(f"GPU: {usd(spent.usd)}{of} at {usd(spent.usd_per_hour, 'h')} (price of {dated})")
    for name, seconds, part in spent.parts:
        if seconds:
            show(f"  {name}: {usd(part)} ({_lasting(seconds)})")
    if spent.note:
        show(f"  {STOPPED_STILL_COSTS}")
    _tell_charges(bill)
    each = effective_usd(bill)
    if each.per_request is not None:
        tokens = f", {usd(each.per_mtok)} a million tokens" if each.per_mtok else ""
        show(f"  {usd(each.per_request * 1000)} a thousand requests{tokens}, all included")
    elif bill.totals.requests:
        show(f"  a thousand requests: unknown, for {each.reason}")


def _tell_api_equivalent(bill: Bill) -> None:
    while_watched = " while watched" if _has_unwatched(bill.spent) else ""
    for found in bill.api_equivalent:
        if found.reason:
            show(f"{found.endpoint.name}: {found.reason}")
            continue
        as_of = _date(found.endpoint.prices.as_of)
        amount = f"{usd(found.usd)} (price of {as_of}) for the tokens counted{while_watched}"
        show(f"{found.endpoint.name}: {amount}{_tier_note(found)}")


def _tell_charges(bill: Bill) -> None:
    """Say what each server is charged, where more than one was seen to hold a GPU."""
    if len([each for each in bill.charges if each.server]) < 2:
        return
    for each in bill.charges:
        if each.share:
            parts = [f"{usd(part)} {name}" for name, took, part in each.spent.parts if took]
            what = f" ({', '.join(parts)})" if each.server else ""
            show(f"  {charged_to(each)}: {usd(each.spent.usd)}, {each.share:.0%}{what}")


def charged_to(charge: Charge) -> str:
    """Return in words who is charged."""
    if charge.server is None:
        return "nobody could see who held the GPUs"
    return charge.server or "GPUs that no server held"


def _has_unwatched(spent: Spent | None) -> bool:
    return spent is not None and any(
        name == "unwatched" and seconds for name, seconds, _ in spent.parts
    )


def _tell_fleet(fleet: Demand, settings: Settings) -> None:
    count = "" if fleet.replicas is None else f", {fleet.replicas} replicas"
    show(f"Fleet: {fleet.source}{count}")
    for endpoint in settings.endpoints:
        found = api_equivalent(fleet.totals, endpoint, fleet.kinds)
        amount = found.reason or usd(found.usd)
        note = "" if fleet.kinds else _tier_note(found)
        show(f"  {endpoint.name}: {amount} for its tokens{note}")


def _own(totals: TokenTotals) -> str:
    into, out = count(totals.own_input_tokens), count(totals.own_output_tokens)
    return f"{count(totals.own_requests)} requests, {into} tokens in, {out} out"


def _tier_note(found: ApiEquivalent) -> str:
    """Return that the lengths of single prompts are not known, where the price follows them."""
    tiered = found.usd is not None and found.endpoint.prices.tiers
    return "; the mean prompt decides the tier" if tiered else ""


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < LONG_S else f"{seconds / 3600:.2f} h"


def _date(dated: date | None) -> str:
    return dated.isoformat() if dated else "unknown date"
