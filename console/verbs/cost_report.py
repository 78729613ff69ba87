"""The bill of a rental as Markdown: what was spent, on what, what was measured, what follows."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

from backends.domain.money.amounts import age_days, figure, is_stale, usd
from backends.domain.money.meter import Spent
from backends.domain.money.sentences import flips_at
from backends.domain.session import Session
from backends.domain.start import Outcome
from backends.domain.startup.expectation import expected_total
from backends.history.history import open_history
from backends.history.records import SeriesRecord, StartRecord
from console import economics
from console.capacity import Capacity, known_capacities
from console.machine import Machine
from console.verbs.cost import compared

MOST_RECORDS = 10_000
"""More starts or series than any rental has."""

UNKNOWN = "—"


def cost_report(machine: Machine, session: Session) -> str:
    """Return the report of this rental, from the beginning of its bill until now.

    Raises:
        Problem: the history or the measured capacity cannot be read.
    """
    began_s = session.meter.began_s if session.meter else 0.0
    with closing(open_history(machine.history_file)) as history:
        starts = [
            record
            for record in history.recent_starts(MOST_RECORDS)
            if record.began_wall_s >= began_s
        ]
        series = [
            record
            for record in history.recent_series(MOST_RECORDS)
            if record.began_wall_s >= began_s
        ]
    capacities = known_capacities(machine.state_folder)
    until_s = machine.now().wall_s
    today = datetime.fromtimestamp(until_s, UTC).date()
    lines = [
        f"# What this host cost, {_utc(began_s)} to {_utc(until_s)} UTC",
        "",
        *_bill(machine, session, today),
        *_elsewhere(machine, session, today),
        *_starts(starts),
        *_series(series),
        *_capacity(capacities),
        *_verdict(machine, session, today, capacities),
    ]
    return "\n".join(lines) + "\n"


def _bill(machine: Machine, session: Session, today: date) -> list[str]:
    spent = economics.spent(session, machine.settings)
    profile = economics.watched_profile(session, machine.settings)
    if spent is None or spent.usd is None or profile is None:
        return ["GPU: UNPRICED; set gpu_usd_per_hour in the server's profile.", ""]
    price = _dated(profile.gpu_price_as_of, today)
    return [
        f"**{usd(spent.usd)}** at {usd(spent.usd_per_hour, 'h')} ({price}).",
        "",
        *_markdown(("spent on", "hours", "cost"), _parts(spent)),
        *([spent.note, ""] if spent.note else []),
    ]


def _parts(spent: Spent) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (name, f"{seconds / 3600:.2f}", usd(part)) for name, seconds, part in spent.parts if seconds
    ]
    if spent.rounding_usd:
        rows.append(("rounding", "", usd(spent.rounding_usd)))
    return rows


def _elsewhere(machine: Machine, session: Session, today: date) -> list[str]:
    endpoints = machine.settings.endpoints
    totals = session.totals
    if not endpoints or totals.requests is None:
        return ["## The same tokens elsewhere", "", "No token was counted.", ""]
    rows = [
        (row["endpoint"], row["reason"] or usd(row["usd"]), _dated(row["price_as_of"], today))
        for row in (compared(session, endpoint) for endpoint in endpoints)
    ]
    counted = f"{totals.requests:.0f} requests since the server that runs now was started."
    return [
        "## The same tokens elsewhere",
        "",
        counted,
        "",
        *_markdown(("endpoint", "cost", "price"), rows),
    ]


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
        lanes = record.report.get("lanes") or {}
        medians = [((lane.get("summary") or {}).get("ttft_s") or {}) for lane in lanes.values()]
        shift = ((record.report.get("difference") or {}).get("ttft_s") or {}).get("verdict")
        rows.append(
            (
                _utc(record.began_wall_s),
                " against ".join(endpoint for _, endpoint in record.lanes),
                " / ".join(_milliseconds(found.get("median")) for found in medians),
                str(shift or "too few runs").replace("_", " "),
            )
        )
    return [*told, *_markdown(("began (UTC)", "endpoints", "TTFT median", "finding"), rows)]


def _capacity(capacities: Sequence[Capacity]) -> list[str]:
    told = [
        f"- {each.server} carries {_rate(each)} with {each.output_tokens} output tokens a request "
        f"and a TTFT within {each.ttft_limit_s:g} s, measured {_utc(each.measured_wall_s)}."
        for each in capacities
    ]
    return ["## Capacity", "", *(told or ["Not measured; run: inferctl load"]), ""]


def _rate(capacity: Capacity) -> str:
    return f"{'' if capacity.bounded else 'at least '}{figure(capacity.rps)} req/s"


def _verdict(
    machine: Machine, session: Session, today: date, capacities: tuple[Capacity, ...]
) -> list[str]:
    found = economics.verdict(session, machine.settings, today, capacities)
    flip = f" It {flips_at(found.flip)}." if found.flip else ""
    return [
        "## Verdict",
        "",
        f"**{found.kind.value.replace('_', ' ')}**: {found.reason}{flip}",
        "",
        *(f"- {assumption}" for assumption in found.assumptions),
    ]


def _markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    table = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table] + [
        ""
    ]


def _dated(as_of: date | None, today: date) -> str:
    if as_of is None:
        return "undated price"
    stale = f", STALE: {age_days(as_of, today)} days old" if is_stale(as_of, today) else ""
    return f"price of {as_of}{stale}"


def _utc(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%M")


def _milliseconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value * 1000:.1f} ms"
