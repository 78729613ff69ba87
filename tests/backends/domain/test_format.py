"""Numbers, amounts and dates as people read them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain import format as fmt
from backends.domain.format import GIB


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "—"),
        (0, "0.0 s"),
        (0.02, "<0.1 s"),
        (61.2, "61.2 s"),
        (99.96, "100 s"),
        (599.4, "599 s"),
        (725, "12:05"),
        (3665, "1:01:05"),
        (90061, "1d 01:01"),
        (86399, "23:59:59"),
        (86400, "1d 00:00"),
    ],
)
def test_seconds(value: float | None, told: str) -> None:
    assert fmt.seconds(value) == told


@pytest.mark.parametrize(
    ("value_s", "told"),
    [
        (None, "—"),
        (0.0083, "8.30 ms"),
        (0.0312, "31 ms"),
        (0.9996, "1.00 s"),
        (1.24, "1.24 s"),
        (120, "120 s"),
    ],
)
def test_latency(value_s: float | None, told: str) -> None:
    assert fmt.latency(value_s) == told


@pytest.mark.parametrize(
    ("call", "value", "told"),
    [
        (fmt.gib, int(0.42 * GIB), "0.42"),
        (fmt.gib, int(14.9 * GIB), "14.9"),
        (fmt.gib, 141 * GIB, "141"),
        (fmt.count, 812, "812"),
        (fmt.count, 9_999.6, "10k"),
        (fmt.count, 81_234, "81.2k"),
        (fmt.count, 8_100_000, "8.1M"),
        (fmt.rate, 0.31, "0.31"),
        (fmt.rate, 88.24, "88.2"),
        (fmt.rate, 1204.4, "1,204"),
        (fmt.percent, 0.004, "0.4 %"),
        (fmt.percent, 0.62, "62 %"),
        (fmt.percent, 0.0, "0 %"),
        (fmt.short_usd, Decimal("0.00001"), "<$0.0001"),
        (fmt.short_usd, Decimal("0.0042"), "$0.0042"),
        (fmt.short_usd, Decimal(0), "$0.00"),
        (fmt.short_usd, Decimal("1.885"), "$1.88"),
        (fmt.short_usd, Decimal("1203.6"), "$1,204"),
        (fmt.short_usd, Decimal("999.99"), "$999.99"),
        (fmt.short_usd, Decimal(1000), "$1,000"),
        (fmt.about, 23.4, "23 s"),
        (fmt.about, -3.0, "0 s"),
    ],
)
def test_numbers(call: object, value: object, told: str) -> None:
    assert callable(call)
    assert call(value) == told
    assert call(None) == "—"


def test_what_was_spent_has_one_rule_of_decimals_for_the_whole_and_its_parts() -> None:
    below, above = Decimal("2.03"), Decimal("21.5")
    assert fmt.spent_usd(below) == "$2.0300"
    assert fmt.spent_usd(Decimal("0.0317"), whole=below) == "$0.0317"
    assert fmt.spent_usd(Decimal("0.00001"), whole=below) == "<$0.0001"
    assert fmt.spent_usd(above) == "$21.50"
    assert fmt.spent_usd(Decimal("0.0317"), whole=above) == "$0.03"
    assert fmt.spent_usd(Decimal("0.0007"), whole=above) == "<$0.01"
    assert fmt.spent_usd(Decimal(0), whole=above) == "$0.00"
    assert fmt.spent_usd(None, whole=above) == "—"


def test_a_running_meter_is_seen_to_run_below_ten_dollars() -> None:
    a_second_usd = Decimal("1.88") / 3600
    at = [fmt.spent_usd(Decimal("9.5") + second * a_second_usd) for second in range(3)]
    assert len(set(at)) == 3


def test_latencies_share_unit_and_digits() -> None:
    assert fmt.latencies(0.128, 0.101, 0.152) == (("128", "101", "152"), "ms")
    assert fmt.latencies(0.003, -0.012, 0.018, signed=True) == (("+3", "−12", "+18"), "ms")
    assert fmt.latencies(0.9, 1.4) == (("0.90", "1.40"), "s")
    assert fmt.latencies(0.0002, 0.0009) == (("0.200", "0.900"), "ms")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1.88", "$1.88"),
        ("0", "$0.00"),
        ("0.0318555", "$0.0319"),
        ("0.345", "$0.345"),
        ("0.7", "$0.70"),
        ("0.000162", "$0.000162"),
        ("0.9999", "$1.00"),
        ("2514.24", "$2,514.24"),
        ("-0.5", "-$0.50"),
        ("5", "$5.00"),
    ],
)
def test_amounts_for_people(amount: str, text: str) -> None:
    assert fmt.usd(Decimal(amount)) == text


def test_unknown_is_never_zero() -> None:
    assert fmt.usd(None, "h") == "—"


def test_a_rate_names_its_unit() -> None:
    assert fmt.usd(Decimal("1.88"), "h") == "$1.88/h"


@given(st.decimals(min_value="1e-9", max_value="1e9", allow_nan=False, places=12))
def test_no_amount_is_shown_as_nothing(amount: Decimal) -> None:
    if amount > 0:
        shown = Decimal(fmt.usd(amount).removeprefix("$").replace(",", ""))
        assert abs(shown - amount) <= max(amount * Decimal("0.006"), Decimal("0.005"))
        assert shown > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [("3.2235", "3.22"), ("18.0077", "18"), ("0.6158", "0.616"), ("1234.5", "1,234"), ("0", "0")],
)
def test_figures_have_three_digits(value: str, text: str) -> None:
    assert fmt.figure(Decimal(value)) == text


def test_a_rate_that_was_measured_has_three_digits_too() -> None:
    assert fmt.figure(11.249) == "11.2"
    assert fmt.figure(float("inf")) == "∞"


def test_plain_columns_keep_one_unit() -> None:
    assert (fmt.plain_s(725.31), fmt.plain_ms(1.24)) == ("725.3 s", "1240.0 ms")
    assert {fmt.plain_s(None), fmt.plain_ms(None)} == {fmt.UNKNOWN}


def test_a_moment_has_its_date_and_time_of_day() -> None:
    assert fmt.utc_minute(1_764_460_800.0) == "2025-11-30 00:00"
    assert fmt.local_minute(0.0)[:3] in {"197", "196"}


@pytest.mark.parametrize(
    ("low_s", "high_s", "text"),
    [
        (0.25, 0.5, "250 to 500 ms"),
        (0.75, 1.0, "750 ms to 1 s"),
        (0.0, 0.01, "<= 10 ms"),
        (80.0, None, "> 80 s"),
    ],
)
def test_the_edges_of_a_bucket(low_s: float, high_s: float | None, text: str) -> None:
    assert fmt.between(low_s, high_s) == text


def test_what_is_unknown_is_a_dash_and_what_is_short_no_zero() -> None:
    assert fmt.seconds(None) == "—"
    assert fmt.seconds(0.03) == "<0.1 s"


@pytest.mark.parametrize(
    ("value_s", "said"),
    [
        (119.0, "119 s"),
        (120.0, "2 min"),
        (3600.0, "1 h"),
        (172_800.0, "2 days"),
    ],
)
def test_a_length_of_time_has_the_largest_unit_that_it_fills(value_s: float, said: str) -> None:
    assert fmt.lasting(value_s) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("3.15", "3.304", ("3.15", "3.3")),
        ("3.5001", "3.5009", ("3.5", "3.501")),
        ("3.5", "3.5", ("3.5", "3.5")),
    ],
)
def test_two_ends_have_the_digits_that_tell_them_apart(
    low: str, high: str, said: tuple[str, str]
) -> None:
    assert fmt.ends(Decimal(low), Decimal(high)) == said


@pytest.mark.parametrize(
    ("call", "value", "told"),
    [
        (fmt.seconds, 0.0499, "<0.1 s"),
        (fmt.seconds, 0.05, "0.1 s"),
        (fmt.seconds, 99.94, "99.9 s"),
        (fmt.seconds, 99.95, "100 s"),
        (fmt.seconds, 599.5, "10:00"),
        (fmt.clock, 59.0, "0:59"),
        (fmt.clock, 3599.4, "59:59"),
        (fmt.clock, 3600.0, "1:00:00"),
        (fmt.clock, 2 * 86400 + 3600 + 120, "2d 01:02"),
        (fmt.latency, 0.00999, "9.99 ms"),
        (fmt.latency, 0.009994999999999999, "10 ms"),  # times 1000 this is 9.995
        (fmt.latency, 0.9994, "999 ms"),
        (fmt.latency, 0.9995, "1.00 s"),
        (fmt.latency, 99.99, "99.99 s"),
        (fmt.latency, 99.995, "100 s"),
        (fmt.gib, 0.994 * GIB, "0.99"),
        (fmt.gib, 0.995 * GIB, "1.0"),
        (fmt.gib, 99.94 * GIB, "99.9"),
        (fmt.gib, 99.95 * GIB, "100"),
        (fmt.count, 9_999.4, "9,999"),
        (fmt.count, 9_999.5, "10k"),
        (fmt.count, 99_949, "99.9k"),
        (fmt.count, 99_950, "100k"),
        (fmt.count, 999_499, "999k"),
        (fmt.count, 999_500, "1M"),
        (fmt.count, 999_499_999, "999M"),
        (fmt.count, 999_500_000, "1G"),
        (fmt.rate, 0.994, "0.99"),
        (fmt.rate, 0.995, "1.0"),
        (fmt.rate, 99.94, "99.9"),
        (fmt.rate, 99.95, "100"),
        (fmt.percent, 0.099, "9.9 %"),
        (fmt.percent, 0.09949999999999999, "10 %"),  # times 100 this is 9.95
        (fmt.spent_usd, Decimal("9.99994"), "$9.9999"),
        (fmt.spent_usd, Decimal(10), "$10.00"),
        (fmt.short_usd, Decimal("0.0994"), "$0.0994"),
        (fmt.short_usd, Decimal("0.0995"), "$0.10"),
        (fmt.about, 599.4, "599 s"),
        (fmt.about, 599.5, "10:00"),
    ],
)
def test_each_form_of_a_number_begins_where_the_one_before_would_round_to_another_digit(
    call: Callable[[float | Decimal | None], str], value: float | Decimal, told: str
) -> None:
    assert call(value) == told
    assert call(None) == "—"


@pytest.mark.parametrize("half", ["0.00005", "0.00004"])
def test_the_half_of_the_last_digit_of_an_amount_is_not_shown_as_nothing(half: str) -> None:
    assert fmt.spent_usd(Decimal(half)) == "<$0.0001"
    assert fmt.spent_usd(Decimal(half) * 100, whole=Decimal(10)) == "<$0.01"
    assert fmt.short_usd(Decimal(half)) == "<$0.0001"
    assert fmt.short_usd(-Decimal(half)) == "-<$0.0001"


def test_an_amount_just_above_the_half_of_its_last_digit_is_shown() -> None:
    assert fmt.spent_usd(Decimal("0.000051")) == "$0.0001"
    assert fmt.spent_usd(Decimal("0.0051"), whole=Decimal(10)) == "$0.01"
    assert fmt.short_usd(Decimal("0.000051")) == "$0.0001"


@pytest.mark.parametrize(
    ("value_s", "said"),
    [
        (119.0, "119 s"),
        (120.0, "2 min"),
        (7199.0, "120 min"),
        (7200.0, "2 h"),
        (172_799.0, "48 h"),
        (172_800.0, "2 days"),
    ],
)
def test_a_duration_in_a_sentence_is_of_two_units_at_least(value_s: float, said: str) -> None:
    assert fmt.spoken(value_s) == said


@pytest.mark.parametrize(
    ("value_s", "said"),
    [
        (59.0, "59s"),
        (60.0, "1m"),
        (90.0, "90s"),
        (120.0, "2m"),
        (3540.0, "59m"),
        (3600.0, "1h"),
        (5430.0, "1.51h"),
    ],
)
def test_a_span_is_said_as_an_option_takes_it(value_s: float, said: str) -> None:
    assert fmt.pause(value_s) == said


@pytest.mark.parametrize(
    ("values_s", "said"),
    [
        ((0.9994,), (("999",), "ms")),
        ((0.9995,), (("1.00",), "s")),
        ((0.00994,), (("9.9",), "ms")),
        ((0.009949999999999999,), (("10",), "ms")),  # times 1000 this is 9.95
        ((0.00096,), (("1.0",), "ms")),
        ((0.00095,), (("0.9",), "ms")),
        ((0.00094,), (("0.940",), "ms")),
        ((-2.0, 0.5), (("−2.00", "0.50"), "s")),
    ],
)
def test_latencies_in_one_unit_have_the_digits_of_the_largest(
    values_s: tuple[float, ...], said: tuple[tuple[str, ...], str]
) -> None:
    assert fmt.latencies(*values_s) == said


def test_ends_that_differ_in_the_seventh_digit_are_two_and_in_the_eighth_one() -> None:
    assert fmt.ends(Decimal("3.500001"), Decimal("3.500002")) == ("3.500001", "3.500002")
    assert fmt.ends(Decimal("3.5000001"), Decimal("3.5000002")) == ("3.5", "3.5")


def test_a_bucket_below_a_second_is_in_milliseconds_and_one_that_begins_at_one_in_seconds() -> None:
    assert fmt.between(0.999, 1.0) == "999 ms to 1 s"
    assert fmt.between(1.0, 2.5) == "1 to 2.5 s"


def test_a_reading_without_decimals_has_its_unit() -> None:
    assert fmt.whole(96.6, "%") == "97 %"
    assert fmt.whole(None, "W") == "—"
