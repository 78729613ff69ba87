"""A traffic file reads as the traffic it records, and a bad line is named."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.traffic.demand import Demand
from backends.domain.traffic.shape import profile_rps
from backends.traffic.columns import UnreadableTraffic, mapping_from
from backends.traffic.reader import traffic_in

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()
HEAD = "at,input_tokens,output_tokens"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Demand]:
    """Read a file of some name and text."""

    def reading(name: str, text: str, mapping: str = "") -> Demand:
        path = tmp_path / name
        path.write_text(text)
        return traffic_in((str(path),), mapping_from(mapping))

    return reading


def test_a_log_of_requests(read: Callable[..., Demand]) -> None:
    rows = [f"{NOON + second},{60 + 40 * (second % 2)},220,20" for second in range(3600)]
    demand = read("requests.csv", "\n".join([f"{HEAD},cached_input_tokens", *rows]))
    seen = demand.seen
    assert (seen.n, seen.window_s) == (Decimal(3600), Decimal(3600))
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))
    assert [seen.input_tokens_sd, seen.output_tokens_sd, seen.dispersion] == [20, 0, 1]
    assert demand.cached_input_share == Decimal("0.25")
    assert demand.profile is not None
    assert profile_rps(demand.profile)[12] == pytest.approx(1.0)
    assert profile_rps(demand.profile)[13] is None


def test_hours_of_a_day_in_json_lines_with_a_quiet_night(read: Callable[..., Demand]) -> None:
    lines = [
        f'{{"at": "2026-09-21T{hour:02}:00:00Z", "requests": {3600 if hour >= 8 else 0}, '
        f'"input_tokens": {288000 if hour >= 8 else 0}, '
        f'"output_tokens": {792000 if hour >= 8 else 0}}}'
        for hour in range(24)
    ]
    demand = read("day.jsonl", "\n".join(lines))
    assert demand.profile is not None
    assert profile_rps(demand.profile) == (*[0.0] * 8, *[1.0] * 16)
    assert demand.seen.window_s == 86400
    assert [demand.seen.input_tokens_mean, demand.seen.output_tokens_mean] == [80, 220]
    assert demand.cached_input_share is None


def test_bursts_are_seen(read: Callable[..., Demand]) -> None:
    rows = [f"{NOON + 600 * burst},80,220" for burst in range(6) for _ in range(100)]
    assert read("b.csv", "\n".join([HEAD, *rows])).seen.dispersion > 50


@pytest.mark.parametrize("hours", [1, 3, 6, 12, 24, 168])
def test_rows_of_any_length_are_spread_over_their_time(
    read: Callable[..., Demand], hours: int
) -> None:
    n = 4 * 3600 * hours
    rows = [f"{NOON + 3600 * start},{n},{80 * n},{220 * n}" for start in range(0, 2 * 168, hours)]
    demand = read("rows.csv", "\n".join(["at,requests,input_tokens,output_tokens", *rows]))
    assert demand.rate_rps == 4
    assert demand.profile is not None
    assert profile_rps(demand.profile) == pytest.approx((4.0,) * 24)
    assert demand.series is not None
    assert demand.series.finest_s == 3600 * hours


def test_the_nights_that_a_file_leaves_out_stay_quiet(read: Callable[..., Demand]) -> None:
    rows = [f"{NOON + 86400 * day + 3600 * hour},3600,1,1" for day in range(5) for hour in range(6)]
    demand = read("days.csv", "\n".join(["at,requests,input_tokens,output_tokens", *rows]))
    assert demand.profile is not None
    rates = profile_rps(demand.profile)
    assert rates[12:18] == pytest.approx((1.0,) * 6)
    assert set(rates[:12] + rates[18:]) == {0.0}


def test_days_among_hours_cover_their_day(read: Callable[..., Demand]) -> None:
    days = [f"{NOON + 86400 * day},{86400},1,1" for day in (0, 1, 3, 4)]
    hours = [f"{NOON + 86400 * 2 + 3600 * hour},3600,1,1" for hour in range(24)]
    demand = read("m.csv", "\n".join(["at,requests,input_tokens,output_tokens", *days, *hours]))
    assert demand.series is not None
    assert max(demand.series.requests) == pytest.approx(demand.series.step_s)


def test_columns_are_named_where_their_names_do_not_say_it(read: Callable[..., Demand]) -> None:
    text = "wann;ein;aus\n1790000000000;80;220\n1790000010000;80;220\n"
    with pytest.raises(UnreadableTraffic, match=r"its columns are wann, ein, aus: .*--map at="):
        read("t.csv", text)
    demand = read("t.csv", text, "at=wann,input=ein,output=aus")
    assert (demand.seen.n, demand.seen.window_s) == (Decimal(2), Decimal(20))
    seconds = read("t.csv", text.replace("000;", ";"), "at=wann:s,input=ein,output=aus")
    assert seconds.seen.window_s == 20


def test_a_file_without_names_is_read_by_number(read: Callable[..., Demand]) -> None:
    text = "1790000000,80,220\n1790000010,80,220\n"
    with pytest.raises(UnreadableTraffic, match=r"has no line with names.*--map at=1,input=2"):
        read("t.csv", text)
    assert read("t.csv", text, "at=1,input=2,output=3").seen.n == 2


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("at=none", "no column is 'none'"),
        ("when=at", "--map when=: roles are at, end, requests"),
        ("at", "write ROLE=COLUMN"),
    ],
)
def test_a_mapping_that_fits_nothing_is_refused(
    read: Callable[..., Demand], mapping: str, message: str
) -> None:
    with pytest.raises(UnreadableTraffic, match=message):
        read("t.csv", f"{HEAD}\n1790000000,80,220\n", mapping)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "when,tokens\n1,2\n", "no column .* input tokens; its columns are when, tokens"),
        ("a.csv", f"{HEAD}\nnoon,1,1\n", "a.csv:2: at is 'noon'; write an instant"),
        ("a.csv", f"{HEAD}\n1790000000,-1,1\n", "a.csv:2: input_tokens is '-1'; write a number"),
        ("a.csv", f"{HEAD}\n1790000000,NaN,1\n", "a.csv:2: input_tokens is 'NaN'"),
        ("a.csv", f"{HEAD}\n1790000000,5,1\n1790000001,,1\n", "a.csv:3: input_tokens is empty"),
        ("a.csv", f"{HEAD}\n1790000000,5,1\n,5,1\n", "a.csv:3: at is empty"),
        ("a.csv", f"{HEAD}\n1,1,1\n", "1 requests at one instant"),
        ("a.csv", f"{HEAD}\n1790000000,5,1\n1790000001,5\n", "a.csv:3: it has 2 cells and the he"),
        ("a.csv", f"{HEAD}\n9999999999999,5,1\n", "a.csv:2: at is '9999999999999'; that is in the"),
        ("a.csv", f"{HEAD}\n", "has no row with tokens"),
        ("a.csv", "\n", "is empty"),
        ("a.jsonl", '{"at": 1, "input_tokens": 1, "output_tokens": 1}\n{\n', "a.jsonl:2: no JSON"),
        (
            "a.jsonl",
            '{"at": 1, "input_tokens": 1, "output_tokens": 1}\n[1]\n',
            "jsonl:2: no object",
        ),
        ("a.json", '[{"at": 1, "input_tokens": 1}, {"at"', "a.json:1: no JSON"),
        ("a.txt", "hello\nworld\n", "none of its first 2 lines names tokens"),
    ],
)
def test_a_bad_row_is_named(
    read: Callable[..., Demand], name: str, text: str, message: str
) -> None:
    with pytest.raises(UnreadableTraffic, match=message):
        read(name, text)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\x28\xb5\x2f\xfd00", "compressed by zstd"),
        (b"PK\x03\x0400", "zip archive or a spreadsheet"),
        (b"\x00\x01\x02\x03", "is not text"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (b"SQLite format 3\x00", "is a database"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, head: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(head)
    with pytest.raises(UnreadableTraffic, match=message):
        traffic_in((str(path),))


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTraffic, match="cannot be read"):
        traffic_in((str(tmp_path / "none.csv"),))
    with pytest.raises(UnreadableTraffic, match="names no file"):
        traffic_in((str(tmp_path / "*.csv"),))


@pytest.mark.parametrize(
    "odd", ["9" * 5000, "[" * 100_000, '{"a":' * 100_000], ids=["digits", "lists", "objects"]
)
@pytest.mark.parametrize("form", ['[{{"x": {0}}}]', '{{"x": {0}}}', '{{"x":\n{0}}}\n'])
def test_json_beyond_reading_is_a_sentence(tmp_path: Path, form: str, odd: str) -> None:
    file = tmp_path / "traffic.json"
    file.write_text(form.format(odd))
    with pytest.raises(UnreadableTraffic, match=r"traffic\.json"):
        traffic_in((str(file),))
