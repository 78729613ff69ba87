"""The pictures of the cost report."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from backends.domain.billing.meter import Activity, Spent
from backends.domain.reports.cost_pictures import DayCost, HourlyCost, days_svg, hourly_cost_svg

PARTS: tuple[tuple[Activity, float, Decimal | None], ...] = (
    ("serving", 7200.0, Decimal("1.5")),
    ("idle", 2400.0, Decimal("0.5")),
)
SPENT = Spent(9600.0, 9600.0, Decimal(2), Decimal("0.75"), PARTS, None)
DAY = DayCost(date(2026, 11, 29), SPENT, Decimal(1))
HOUR = HourlyCost(
    ((0.0, Decimal(2)), (4.0, Decimal(2))),
    ((0.0, Decimal(0)), (4.0, Decimal(4))),
    "mine",
    "<api>",
    now_rps=1.0,
    break_even_rps=2.0,
    capacity_rps=9.0,
)


def shapes(picture: str, kind: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(picture)
    return [each for each in root if each.tag.rpartition("}")[2] == kind]


def words(picture: str) -> list[str]:
    return [each.text or "" for each in shapes(picture, "text")]


def test_a_day_is_a_stack_of_what_it_went_on_as_tall_as_it_cost() -> None:
    blocks = [each for each in shapes(days_svg([DAY]), "rect") if float(each.get("height", 0)) > 10]
    _ground, serving, idle = blocks
    assert float(serving.get("height", 0)) == 3 * float(idle.get("height", 0))
    dashed = [each for each in shapes(days_svg([DAY]), "line") if each.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_a_day_whose_tokens_have_no_price_elsewhere_has_no_mark() -> None:
    picture = days_svg([replace(DAY, api_usd=None)])
    assert not [each for each in shapes(picture, "line") if each.get("stroke-dasharray")]


def test_no_day_is_a_picture_of_nothing() -> None:
    assert "$0.01" in words(days_svg([]))


def test_marks_beyond_the_chart_are_left_out() -> None:
    said = words(hourly_cost_svg(HOUR))
    assert {"now 1", "break-even 2", "4 req/s", "mine", "<api>"} <= set(said)
    assert not any(each.startswith("capacity") for each in said)
