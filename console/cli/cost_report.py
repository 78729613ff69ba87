"""The bill of a rental as Markdown: what was spent, on what, what was measured, what follows."""

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from backends.domain.billing.ledger import midnight_after, utc_day
from backends.domain.billing.meter import Spent
from backends.domain.decision.answer import Verdict
from backends.domain.decision.option import Option
from backends.domain.decision.wording import (
    UNPRICED_REMEDY,
    advice_reason,
    excluded_because,
    flips_at,
    name_of,
    now_reason,
    reason,
)
from backends.domain.durations import DAY_S
from backends.domain.format import UNKNOWN, figure, plain_ms, usd, utc_minute
from backends.domain.prices.amounts import age_days, is_stale
from backends.domain.reports.table import markdown_table
from backends.domain.start import Outcome
from backends.domain.startup.expectation import expected_total
from backends.domain.visible import markdown
from backends.history.history import open_history
from backends.history.records import SeriesRecord, StartRecord
from backends.operations.billing import Bill
from backends.operations.capacity import Capacity
from backends.operations.context import Context
from backends.operations.decision import Decision
from backends.operations.host import Host
from backends.operations.last_month import LastMonth
from console.cli.cost_month import month_section

MOST_RECORDS = 10_000
"""More starts or series than any rental has."""


def cost_report(
    host: Host,
    context: Context,
    decision: Decision,
    bill: Bill,
    pictures: Sequence[Path] = (),
    *,
    past: LastMonth | None = None,
) -> str:
    """Return the report of a rental, or of a period of days.

    Args:
        host: where the history is kept.
        context: the capacities that were measured.
        decision: the verdicts of this moment.
        bill: what was spent; its period is that of the report.
        pictures: SVG files beside the report, in the order in which they stand in it.
        past: what came in the last thirty days, at each way of serving it.

    Raises:
        Problem: the history cannot be read.
    """
    now_s = host.now().wall_s
    today = utc_day(now_s)
    covered, began_s, until_s = _covered(bill, now_s)
    starts, series = _recorded_between(host, began_s, until_s)
    sections = (
        f"# What this host cost, {covered}\n",
        *_bill(bill, today, decision.plan.offers),
        *_pictures(pictures),
        *_api_equivalent(bill, today),
        *month_section(past),
        *_own_tests(bill),
        *_starts(starts),
        *_series(series),
        *_capacity(context.capacities),
        *_verdicts(decision),
    )
    return "\n".join(sections) + "\n"


def _covered(bill: Bill, now_s: float) -> tuple[str, float, float]:
    """Return the time that a bill is of, in words, and its beginning and end."""
    if bill.period is None:
        began_s = bill.rental.began_s or 0.0
        return f"{utc_minute(began_s)} to {utc_minute(now_s)} UTC", began_s, now_s
    first, last = bill.period.first, bill.period.last
    until_s = min(now_s, midnight_after(last))
    return f"{first} to {last}, days in UTC", midnight_after(first) - DAY_S, until_s


def _recorded_between(
    host: Host, began_s: float, until_s: float
) -> tuple[list[StartRecord], list[SeriesRecord]]:
    with closing(open_history(host.history_file)) as history:
        starts, series = history.recent_starts(MOST_RECORDS), history.recent_series(MOST_RECORDS)
    return (
        [each for each in starts if began_s <= each.began_wall_s < until_s],
        [each for each in series if began_s <= each.began_wall_s < until_s],
    )


def _bill(bill: Bill, today: date, offers: str) -> list[str]:
    spent = bill.spent
    if bill.period is not None and not bill.days:
        return ["Nothing was recorded in these days.", ""]
    if spent is None or spent.usd is None:
        return [f"GPU: UNPRICED. {markdown(offers or UNPRICED_REMEDY)}", ""]
    price = _dated(bill.gpu_price_as_of, today)
    return [
        f"**{usd(spent.usd)}** at {usd(spent.usd_per_hour, 'h')} ({price}).",
        "",
        *_markdown(("spent on", "hours", "cost"), _parts(spent)),
        *([markdown(spent.note), ""] if spent.note else []),
    ]


def _pictures(pictures: Sequence[Path]) -> list[str]:
    words = {"days": "What each day cost", "load": "What an hour costs at every load"}
    told = []
    for path in pictures:
        kind = path.stem.rpartition("-")[2]
        told += [f"![{words[kind]}]({quote(path.name)})", ""]
    return told


def _parts(spent: Spent) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (name, f"{seconds / 3600:.2f}", usd(part)) for name, seconds, part in spent.parts if seconds
    ]
    if spent.rounding_usd:
        rows.append(("rounding", "", usd(spent.rounding_usd)))
    return rows


def _api_equivalent(bill: Bill, today: date) -> list[str]:
    totals = bill.totals
    if not bill.api_equivalent or totals.requests is None:
        return ["## The same tokens at each API", "", "No token was counted.", ""]
    rows = [
        (
            found.endpoint.name,
            found.reason or usd(found.usd),
            _dated(found.endpoint.prices.as_of, today),
        )
        for found in bill.api_equivalent
    ]
    into, out = (
        UNKNOWN if each is None else f"{each:,.0f}"
        for each in (totals.input_tokens, totals.output_tokens)
    )
    return [
        "## The same tokens at each API",
        "",
        f"{totals.requests:,.0f} requests, {into} tokens in and {out} out, as the servers count.",
        "",
        *_markdown(("endpoint", "cost", "price"), rows),
    ]


def _own_tests(bill: Bill) -> list[str]:
    if not bill.tests_usd:
        return []
    own = "inferctl's own tests (A/B, load, coldprobe)"
    return [f"{own} cost {usd(bill.tests_usd)} at priced endpoints.", ""]


def _starts(records: Sequence[StartRecord]) -> list[str]:
    told = ["## Starts", ""]
    if not records:
        return [*told, "None was recorded.", ""]
    rows: list[tuple[str, ...]] = []
    for server, model in sorted({(record.server, record.model) for record in records}):
        like = [each for each in records if (each.server, each.model) == (server, model)]
        rows.append((server, model, *_start_figures(like)))
    head = ("server", "model", "starts", "ready", "time to ready: median (range)", "cost")
    return [*told, *_markdown(head, rows)]


def _start_figures(records: Sequence[StartRecord]) -> tuple[str, ...]:
    ready = [each.start for each in records if each.start.outcome is Outcome.READY]
    took = expected_total(ready)
    costs = [each.cost_usd for each in records if each.cost_usd is not None]
    return (
        str(len(records)),
        str(len(ready)),
        f"{took.median_s:.1f} s ({took.min_s:.1f} to {took.max_s:.1f} s)" if took else UNKNOWN,
        usd(sum(costs, Decimal(0))) if len(costs) == len(records) else "UNPRICED",
    )


def _series(records: Sequence[SeriesRecord]) -> list[str]:
    told = ["## A/B", ""]
    if not records:
        return [*told, "None was recorded.", ""]
    rows: list[tuple[str, ...]] = []
    for record in records:
        targets = record.report.get("targets") or {}
        medians = [
            ((target.get("summary") or {}).get("ttft_s") or {}) for target in targets.values()
        ]
        shift = ((record.report.get("difference") or {}).get("ttft_s") or {}).get("verdict")
        rows.append(
            (
                utc_minute(record.began_wall_s),
                " against ".join(endpoint for _, endpoint in record.targets),
                " / ".join(plain_ms(found.get("median")) for found in medians),
                str(shift or "too few runs").replace("_", " "),
            )
        )
    return [*told, *_markdown(("began (UTC)", "endpoints", "TTFT median", "finding"), rows)]


def _capacity(capacities: Sequence[Capacity]) -> list[str]:
    told = [
        f"- {markdown(each.server)} carries {_rate(each)} with {each.output_tokens} output tokens"
        f" a request and a TTFT within {each.ttft_limit_s:g} s, measured"
        f" {utc_minute(each.measured_wall_s)}."
        for each in capacities
    ]
    return ["## Capacity", "", *(told or ["Not measured; run: inferctl load"]), ""]


def _rate(capacity: Capacity) -> str:
    return f"{'' if capacity.bounded else 'at least '}{figure(capacity.rps)} req/s"


def _verdicts(decision: Decision) -> list[str]:
    plan, now = decision.plan, decision.now
    kinds = [each.kind.value.replace("_", " ") for each in (plan, now)]
    rate = plan.flip if plan.flip and plan.flip.quantity == "rate_rps" else None
    flip = f" Verdict: {flips_at(rate)}." if rate else ""
    return [
        "## Verdict",
        "",
        f"**Plan: {kinds[0]}** (the whole cost). {markdown(reason(plan) + flip)}",
        "",
        f"**Now: {kinds[1]}** (the GPU is paid for). {markdown(now_reason(now))}",
        "",
        f"**To act: {decision.advice.kind.value}**. {markdown(advice_reason(decision.advice))}",
        "",
        *_ways(plan),
        *(f"- {markdown(assumption)}" for assumption in plan.assumptions),
    ]


def _ways(plan: Verdict) -> list[str]:
    """Return the table of every way of serving; none where nothing could be ranked."""
    if not plan.options:
        return []
    rows = [
        (
            name_of(option),
            *_costs(option, plan),
            excluded_because(option.exclusion, plan.remedies),
        )
        for option in plan.options
    ]
    return _markdown(("way of serving", "an hour", "a day", "a month", "ruled out"), rows)


def _costs(option: Option, plan: Verdict) -> tuple[str, ...]:
    hour = option.usd_per_hour
    times = (1, 24, plan.hours_per_month)
    return tuple(UNKNOWN if hour is None else usd(hour * each) for each in times)


def _markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [*markdown_table(head, rows), ""]


def _dated(as_of: date | None, today: date) -> str:
    if as_of is None:
        return "undated price"
    stale = f", STALE: {age_days(as_of, today)} days old" if is_stale(as_of, today) else ""
    return f"price of {as_of}{stale}"
