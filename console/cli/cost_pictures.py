"""The pictures of the cost report: the days and what they bought, and cost over load."""

from decimal import Decimal
from pathlib import Path

from backends.domain.decision.curves import cost_curves
from backends.domain.reports.cost_pictures import DayCost, HourlyCost, days_svg, hourly_cost_svg
from backends.host.files import replace_file
from backends.operations.billing import Bill, day_spent
from backends.operations.decision import Decision
from backends.operations.rental import api_equivalent


def write_pictures(report: Path, decision: Decision, bill: Bill) -> tuple[Path, ...]:
    """Write the pictures beside a report, and return where.

    Raises:
        OSError: a file cannot be written.
    """
    prices = [found.endpoint for found in bill.api_equivalent if found.usd is not None]
    days = [
        DayCost(
            day.day,
            day_spent(day, bill.rental.tariff),
            min(
                (api_equivalent(day.totals, each).usd or Decimal(0) for each in prices),
                default=None,
            ),
        )
        for day in bill.days
    ]
    pictures = {"days": days_svg(days)}
    curves = cost_curves(decision.scenario, decision.plan)
    if curves.self_hosted:
        cost = HourlyCost(
            curves.self_hosted,
            curves.serverless,
            "self-hosted",
            "serverless",
            curves.now_rps,
            curves.break_even_rps,
            curves.capacity_rps,
        )
        pictures["load"] = hourly_cost_svg(cost)
    written = []
    for name, picture in pictures.items():
        path = report.with_name(f"{report.stem}-{name}.svg")
        replace_file(path, picture.encode())
        written.append(path)
    return tuple(written)
