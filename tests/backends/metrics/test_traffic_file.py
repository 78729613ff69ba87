"""A traffic file reads as the traffic it records, and a bad line is named."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.traffic.shape import profile_rps
from backends.metrics.traffic_file import UnreadableTraffic, traffic_in

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_log_of_requests(tmp_path: Path) -> None:
    rows = [f"{NOON + second},{60 + 40 * (second % 2)},220,20" for second in range(3600)]
    head = "at,input_tokens,output_tokens,cached_input_tokens"
    demand = traffic_in(written(tmp_path, "requests.csv", "\n".join([head, *rows])))
    seen = demand.seen
    assert (seen.n, seen.window_s) == (Decimal(3600), Decimal(3600))
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))
    assert (seen.input_tokens_sd, seen.output_tokens_sd, seen.dispersion) == (
        Decimal(20),
        Decimal(0),
        Decimal(1),
    )
    assert demand.cached_input_share == Decimal("0.25")
    assert demand.profile is not None
    assert profile_rps(demand.profile)[12] == pytest.approx(1.0)
    assert profile_rps(demand.profile)[13] is None


def test_hours_of_a_day_in_json_lines_with_a_quiet_night(tmp_path: Path) -> None:
    lines = [
        f'{{"at": "2026-09-21T{hour:02}:00:00Z", "requests": {3600 if hour >= 8 else 0}, '
        f'"input_tokens": {288000 if hour >= 8 else 0}, '
        f'"output_tokens": {792000 if hour >= 8 else 0}}}'
        for hour in range(24)
    ]
    demand = traffic_in(written(tmp_path, "day.jsonl", "\n".join(lines)))
    assert demand.profile is not None
    assert profile_rps(demand.profile) == (*[0.0] * 8, *[1.0] * 16)
    assert demand.seen.window_s == 86400
    assert (demand.seen.input_tokens_mean, demand.seen.output_tokens_mean) == (
        Decimal(80),
        Decimal(220),
    )
    assert demand.cached_input_share is None


def test_bursts_are_seen(tmp_path: Path) -> None:
    rows = [f"{NOON + 600 * burst},80,220" for burst in range(6) for _ in range(100)]
    demand = traffic_in(
        written(tmp_path, "b.csv", "\n".join(["at,input_tokens,output_tokens", *rows]))
    )
    assert demand.seen.dispersion > 50


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "when,tokens\n1,2\n", "a.csv:2: no traffic; name the columns"),
        ("a.csv", "at,input_tokens,output_tokens\nnoon,1,1\n", "a.csv:2: at is 'noon'"),
        ("a.csv", "at,input_tokens,output_tokens\n2026-09-21T12:00:00,1,1\n", "write an instant"),
        ("a.csv", "at,input_tokens,output_tokens\n1,-1,1\n", "input_tokens is '-1'"),
        ("a.csv", "at,input_tokens,output_tokens\n1,,1\n", "input_tokens is empty"),
        ("a.csv", "at,input_tokens,output_tokens\n1,1,1\n", "1 requests at one instant"),
        ("a.jsonl", "{\n", "a.jsonl:1: no JSON"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: no traffic"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UnreadableTraffic, match=message.replace("[", "\\[")):
        traffic_in(written(tmp_path, name, text))


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTraffic, match="cannot be read"):
        traffic_in(tmp_path / "none.csv")
