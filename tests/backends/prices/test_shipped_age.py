"""A release is refused over stale rows; the calendar alone turns no test red."""

from dataclasses import replace
from datetime import timedelta

from backends.prices.table import PriceTable, shipped_table
from tests.backends.prices.shipped_age import faults


def test_a_row_of_46_days_is_refused_and_one_of_45_is_not() -> None:
    row = next(row for row in shipped_table().api if row.as_of)
    assert row.as_of is not None
    table = PriceTable(api=(row,))
    assert faults(table, row.as_of + timedelta(days=45)) == []
    (fault,) = faults(table, row.as_of + timedelta(days=46))
    assert fault.startswith(f"{row.provider} {row.model}: stale, as of {row.as_of}")


def test_a_row_without_date_or_source_is_refused() -> None:
    row = next(row for row in shipped_table().gpu if row.as_of)
    assert row.as_of is not None
    assert faults(PriceTable(gpu=(replace(row, as_of=None),)), row.as_of)
    assert faults(PriceTable(gpu=(replace(row, source=""),)), row.as_of)


def test_every_row_that_ships_has_a_source_and_a_date() -> None:
    table = shipped_table()
    assert all(row.source and row.as_of for row in table.api)
    assert all(row.source and row.as_of for row in table.gpu)
