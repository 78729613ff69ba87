"""``inferctl cost``: what was spent, and what the same tokens would have cost."""

import argparse
from typing import Any

from backends.domain.money.amounts import usd
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
    settings = machine.settings
    spent = economics.spent(session, settings)
    profile = economics.watched_profile(session, settings)
    elsewhere = {each.name: economics.elsewhere(session, each) for each in settings.endpoints}
    found: dict[str, Any] = {
        "spent": spent,
        "gpu_price_as_of": profile.gpu_price_as_of if profile else None,
        "tokens": {
            "requests": session.totals.requests,
            "input": session.totals.input_tokens,
            "cached_input": session.totals.cached_input_tokens,
            "output": session.totals.output_tokens,
            "reason": None if session.totals.requests is not None else "no server answers /metrics",
        },
        "elsewhere": [
            {
                "endpoint": each.name,
                "usd": elsewhere[each.name],
                "price_as_of": each.prices.as_of,
                "reason": _why_not(economics.tokens_price(each), session.totals.requests)
                if elsewhere[each.name] is None
                else None,
            }
            for each in settings.endpoints
        ],
    }
    if arguments.json:
        document(found)
        return 0
    if spent is None or spent.usd is None:
        print("GPU: UNPRICED; set gpu_usd_per_hour in the server's profile")
    else:
        dated = (
            f"price of {profile.gpu_price_as_of}"
            if profile and profile.gpu_price_as_of
            else "undated price"
        )
        print(
            f"GPU: {usd(spent.usd)} since the host's boot at {usd(spent.usd_per_hour, 'h')} ({dated})"
        )
        for name, seconds, part in spent.parts:
            if seconds:
                print(f"  {name}: {usd(part)} ({seconds:.0f} s)")
        if spent.note:
            print(f"  {spent.note}")
    for row in found["elsewhere"]:
        amount = (
            row["reason"] or f"{usd(row['usd'])} (price of {row['price_as_of'] or 'unknown date'})"
        )
        print(f"{row['endpoint']}: {amount} for the same tokens")
    return 0


def _why_not(price: object, requests: float | None) -> str:
    if price is None:
        return "UNPRICED"
    return "no token was counted" if requests is None else "tokens unknown"
