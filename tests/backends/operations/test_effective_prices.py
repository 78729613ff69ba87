"""What a request and a million tokens came to, all time of the rental included."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.billing.meter import Activity, Spent
from backends.domain.traffic.totals import TokenTotals
from backends.operations.billing import Bill, bill_of, effective_usd
from tests.backends.operations.test_meter_store import host, session_of

D = Decimal


def bill(folder: Path, usd: str | None, totals: TokenTotals) -> Bill:
    made_host = host(folder, 200.0)
    made = bill_of(made_host, session_of(made_host))
    spent = Spent(3600.0, 3600.0, None if usd is None else D(usd), D(1), (), None)
    return replace(made, spent=spent, totals=totals)


@pytest.mark.parametrize(("usd", "requests"), [("6", 3000.0), ("45.12", 100.0)])
def test_all_that_was_spent_is_over_what_it_served(
    usd: str, requests: float, tmp_path: Path
) -> None:
    totals = TokenTotals(requests, requests * 80, None, requests * 220)
    found = effective_usd(bill(tmp_path, usd, totals))
    assert float(found.per_request or 0) == pytest.approx(float(usd) / requests)
    assert float(found.per_mtok or 0) == pytest.approx(float(usd) * 1e6 / requests / 300)
    assert float(found.per_output_mtok or 0) == pytest.approx(float(usd) * 1e6 / requests / 220)


@pytest.mark.parametrize(
    ("usd", "requests"),
    [(None, 10.0), ("6", None), ("6", 0.0)],
    ids=["unpriced", "uncounted", "idle"],
)
def test_without_a_price_or_a_request_there_is_none(
    usd: str | None, requests: float | None, tmp_path: Path
) -> None:
    found = effective_usd(bill(tmp_path, usd, TokenTotals(requests)))
    assert (found.per_request, found.per_mtok, found.per_output_mtok) == (None, None, None)


@pytest.mark.parametrize(("unseen_s", "known"), [(180.0, True), (181.0, False), (3600.0, False)])
def test_dollars_of_a_time_that_nobody_saw_are_over_no_requests(
    unseen_s: float, known: bool, tmp_path: Path
) -> None:
    made = bill(tmp_path, "6", TokenTotals(10.0))
    assert made.spent is not None
    parts: tuple[tuple[Activity, float, None], ...] = (
        ("serving", 3600 - unseen_s, None),
        ("unwatched", unseen_s, None),
    )
    found = effective_usd(replace(made, spent=replace(made.spent, parts=parts)))
    assert (found.per_request is not None, bool(found.reason)) == (known, not known)


@pytest.mark.parametrize(("own", "known"), [(150.0, True), (160.0, False)])
def test_dollars_that_own_tests_used_are_over_no_requests(
    own: float, known: bool, tmp_path: Path
) -> None:
    totals = TokenTotals(10.0, 1000.0, None, 2000.0, own_output_tokens=own)
    found = effective_usd(bill(tmp_path, "6", totals))
    assert (found.per_request is not None, bool(found.reason)) == (known, not known)
