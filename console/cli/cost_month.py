"""The last thirty days at each way of serving: as a document, and in the report."""

from typing import Any

from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.wording import excluded_because, name_of
from backends.domain.format import UNKNOWN, usd
from backends.domain.prices.amounts import digits
from backends.domain.reports.table import markdown_table
from backends.domain.visible import markdown
from backends.operations.last_month import MONTH_DAYS, LastMonth, busy_days, month_head


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
    lines = ["## The last month at each way of serving", "", f"{month_head(past)}.", ""]
    lines += [*markdown_table(("way of serving", "cost", "ruled out"), rows), ""]
    if past.utilisation:
        days = [(str(day), f"{share:.1%}") for day, share in past.utilisation]
        lines += [markdown(busy_days(past)), "", *markdown_table(("day", "utilisation"), days), ""]
    return lines
