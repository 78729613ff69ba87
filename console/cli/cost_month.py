"""The last thirty days at each way of serving: in lines, as a document, and in the report."""

from collections.abc import Iterator
from typing import Any

from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.wording import excluded_because, name_of
from backends.domain.format import UNKNOWN, figure, usd
from backends.domain.prices.amounts import digits
from backends.domain.reports.table import markdown_table
from backends.domain.visible import markdown
from backends.operations.last_month import MONTH_DAYS, LastMonth


def month_lines(past: LastMonth | None) -> Iterator[str]:
    """Yield what each way of serving would have cost, and how busy a GPU was."""
    if past is None or not past.options:
        return
    yield f"{_head(past)}:"
    for option in past.options:
        why = excluded_because(option.exclusion, NO_REMEDIES)
        yield f"  {name_of(option)}: {usd(past.usd(option))}{f'  {why}' if why else ''}"
    if busy := _busy(past):
        yield f"  {busy}"


def month_document(past: LastMonth | None) -> dict[str, Any] | None:
    """Return the same with stable keys; None where nothing was watched."""
    if past is None:
        return None
    even = past.break_even_utilisation
    return {
        "days": MONTH_DAYS,
        "watched_hours": float(past.hours),
        "requests": past.requests,
        "options": [
            {
                "name": option.name,
                "usd": digits(past.usd(option)),
                "replicas": option.replicas,
                "excluded_because": excluded_because(option.exclusion, NO_REMEDIES) or None,
            }
            for option in past.options
        ],
        "utilisation": [{"day": day, "utilisation": share} for day, share in past.utilisation],
        "break_even_utilisation": None if even is None else float(even),
    }


def month_section(past: LastMonth | None) -> list[str]:
    """Return the same as a section of the report; empty where nothing was watched."""
    if past is None or not past.options:
        return []
    rows: list[tuple[str, ...]] = [
        (
            name_of(option),
            UNKNOWN if past.usd(option) is None else usd(past.usd(option)),
            excluded_because(option.exclusion, NO_REMEDIES),
        )
        for option in past.options
    ]
    lines = ["## The last month at each way of serving", "", f"{_head(past)}.", ""]
    lines += [*markdown_table(("way of serving", "cost", "ruled out"), rows), ""]
    if past.utilisation:
        days = [(str(day), f"{share:.1%}") for day, share in past.utilisation]
        lines += [markdown(_busy(past)), "", *markdown_table(("day", "utilisation"), days), ""]
    return lines


def _head(past: LastMonth) -> str:
    return (
        f"{past.requests:,.0f} requests in the {figure(past.hours)} h that were watched of the "
        f"last {MONTH_DAYS} days, at the prices of today"
    )


def _busy(past: LastMonth) -> str:
    """Return how busy one GPU was against where it pays off; empty without a capacity."""
    if not past.utilisation:
        return ""
    shares = [share for _, share in past.utilisation]
    even = past.break_even_utilisation
    pays = "" if even is None else f"; one GPU pays off from {figure(even * 100)} %"
    least, most = f"{min(shares):.1%}", f"{max(shares):.1%}"
    used = least if least == most else f"{least} to {most}"
    return f"One GPU was used to {used} a day{pays}."
