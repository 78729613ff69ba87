"""``inferctl cost``: what was spent, and what the same tokens would have cost."""

import argparse
from datetime import date
from typing import Any

from backends.domain.money.amounts import usd
from backends.domain.money.meter import Spent
from backends.domain.session import Session
from backends.settings.config import Endpoint, Settings
from console.verbs.report import document


def run(arguments: argparse.Namespace) -> int:
    """Print the bill of this rental so far."""
    from console import economics, recorder
    from console.glance import glance
    from console.this_host import this_host

    machine = this_host()
    session = glance(machine)
    if session.meter is not None:
        recorder.keep_meter(machine, session.meter)
    if arguments.report:
        from console.unwatched import record_finished_starts
        from console.verbs.cost_report import cost_report

        record_finished_starts(machine)
        print(cost_report(machine, session), end="")
        return 0
    spent = economics.spent(session, machine.settings)
    profile = economics.watched_profile(session, machine.settings)
    dated = profile.gpu_price_as_of if profile else None
    if arguments.json:
        document(bill(session, machine.settings, spent, dated))
    else:
        _tell_spent(spent, dated)
        for endpoint in machine.settings.endpoints:
            row = compared(session, endpoint)
            amount = row["reason"] or f"{usd(row['usd'])} (price of {_day(row['price_as_of'])})"
            said = f" — {endpoint.prices.source}" if endpoint.prices.source else ""
            print(f"{endpoint.name}: {amount} for the same tokens{said}")
    return 0


def bill(
    session: Session, settings: Settings, spent: Spent | None, gpu_price_as_of: date | None
) -> dict[str, Any]:
    """Return the document of ``cost --json``."""
    totals = session.totals
    return {
        "spent": spent,
        "gpu_price_as_of": gpu_price_as_of,
        "tokens": {
            "requests": totals.requests,
            "input": totals.input_tokens,
            "cached_input": totals.cached_input_tokens,
            "output": totals.output_tokens,
            "reason": None if totals.requests is not None else "no server answers /metrics",
        },
        "elsewhere": [compared(session, endpoint) for endpoint in settings.endpoints],
    }


def compared(session: Session, endpoint: Endpoint) -> dict[str, Any]:
    """Return what the tokens served so far would have cost at an endpoint, or why not."""
    from console import economics

    amount = economics.elsewhere(session, endpoint)
    reason = None
    if amount is None:
        unpriced = economics.tokens_price(endpoint) is None
        why = f": {endpoint.prices.reason}" if endpoint.prices.reason else ""
        reason = f"UNPRICED{why}" if unpriced else "no token was counted"
    return {
        "endpoint": endpoint.name,
        "usd": amount,
        "price_as_of": endpoint.prices.as_of,
        "price_source": endpoint.prices.source or None,
        "reason": reason,
    }


def _tell_spent(spent: Spent | None, dated: date | None) -> None:
    if spent is None or spent.usd is None:
        print("GPU: UNPRICED; set gpu_usd_per_hour in the server's profile")
        return
    rate = usd(spent.usd_per_hour, "h")
    print(f"GPU: {usd(spent.usd)} so far at {rate} (price of {_day(dated)})")
    for name, seconds, part in spent.parts:
        if seconds:
            print(f"  {name}: {usd(part)} ({seconds:.0f} s)")
    if spent.note:
        print(f"  {spent.note}")


def _day(dated: date | None) -> str:
    return dated.isoformat() if dated else "unknown date"
