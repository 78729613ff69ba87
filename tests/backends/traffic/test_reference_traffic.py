"""Inputs that were misread in the wild, each with the right answer; skipped where they are not."""

from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.traffic.shape import profile_rps
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.reader import traffic_in


@pytest.fixture
def traffic(shared: Path) -> Path:
    folder = shared / "wild" / "traffic"
    if not folder.is_dir():
        pytest.skip("no wild/traffic in ../shared")
    return folder


@pytest.mark.parametrize("name", ["rows_hourly_even", "rows_6h_even", "rows_daily_even"])
def test_even_traffic_is_even_whatever_the_rows(traffic: Path, name: str) -> None:
    demand = traffic_in((str(traffic / f"{name}.csv"),))
    assert demand.rate_rps == 4
    assert demand.profile is not None
    assert profile_rps(demand.profile) == pytest.approx((4.0,) * 24)


@pytest.mark.parametrize(
    ("name", "n", "window_s", "into"),
    [
        ("15_milliseconds.csv", 3, 30, 90),
        ("16_excel_bom.csv", 2, 20, 95),
        ("19_array.json", 2, 20, 95),
        ("20_semicolon.csv", 2, 20, 95),
        ("tiers_traffic.csv", 1000, 7200, 58000),
    ],
)
def test_what_is_written_otherwise_is_read(
    traffic: Path, name: str, n: int, window_s: int, into: int
) -> None:
    seen = traffic_in((str(traffic / name),)).seen
    assert (seen.n, seen.input_tokens_mean) == (Decimal(n), Decimal(into))
    assert float(seen.window_s or 0) == pytest.approx(window_s, abs=1e-2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("17_year_318857.csv", ":2: at is '9999999999999'; that is in the year"),
        ("18_empty.csv", "is empty"),
    ],
)
def test_what_is_no_traffic_is_a_sentence(traffic: Path, name: str, message: str) -> None:
    with pytest.raises(UnreadableTraffic, match=message):
        traffic_in((str(traffic / name),))


def test_a_published_trace(traffic: Path) -> None:
    seen = traffic_in((str(traffic / "21_azure_code_part.csv"),)).seen
    assert seen.n == 1652
    assert seen.input_tokens_mean == pytest.approx(Decimal(2048), abs=2)
    assert seen.output_tokens_mean == pytest.approx(Decimal(28), abs=1)
    assert seen.dispersion > 100


def test_weekdays_stand_apart_from_weekends(traffic: Path) -> None:
    series = traffic_in((str(traffic / "22_weekdays_hourly.csv"),)).series
    assert series is not None
    assert max(series.requests) / series.step_s == pytest.approx(8)
