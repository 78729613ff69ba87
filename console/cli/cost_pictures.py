"""The pictures of the cost report: the days and what they bought, and cost over load."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from backends.domain.reports.cost_pictures import DayCost, HourlyCost, days_svg, hourly_cost_svg
from backends.domain.session import Session
from backends.operations import scenario
from backends.operations.billing import Bill, day_spent
from backends.operations.context import Context
from backends.operations.decision import decide_all
from backends.settings.paths import replace_file
from console.tui.views.plan import chart_view


def write_pictures(
    report: Path, context: Context, session: Session, bill: Bill, today: date
) -> tuple[Path, ...]:
    """Write the pictures beside a report, and return where.

    Raises:
        OSError: a file cannot be written.
    """
    decision = decide_all(session, context, today)
    chart = chart_view(decision.scenario, decision.plan)
    tariff = scenario.tariff(session, context.settings)
    prices = [found.endpoint for found in bill.elsewhere if found.usd is not None]
    days = [
        DayCost(
            day.day,
            day_spent(day, tariff),
            min(
                (scenario.tokens_at(day.totals, each) or Decimal(0) for each in prices),
                default=None,
            ),
        )
        for day in bill.days
    ]
    pictures = {"days": days_svg(days)}
    if chart.self_hosted:
        cost = HourlyCost(
            chart.self_hosted,
            chart.serverless,
            chart.self_hosted_name,
            chart.serverless_name,
            chart.now_rps,
            chart.break_even_rps,
            chart.capacity_rps,
        )
        pictures["load"] = hourly_cost_svg(cost)
    written = []
    for name, picture in pictures.items():
        path = report.with_name(f"{report.stem}-{name}.svg")
        replace_file(path, picture.encode())
        written.append(path)
    return tuple(written)
