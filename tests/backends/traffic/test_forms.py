"""Every form in which people keep their traffic reads as the requests and tokens it holds."""

from pathlib import Path

import pytest

from backends.traffic.columns import UnreadableTraffic
from backends.traffic.files import described
from backends.traffic.reader import traffic_in
from backends.traffic.rows import rows_of

DATA = Path(__file__).parents[2] / "data" / "traffic"

FORMS: tuple[tuple[str, float, float, float, float, float | None], ...] = (
    ("access.log", 4.0, 4.0, 121.5, 45.0, None),
    ("access_json.log", 4.0, 4.0, 12.0, 4.0, None),
    ("activity.csv", 2.0, 120.0, 100.0, 20.0, 0.1),
    ("activity.csv.gz", 2.0, 120.0, 100.0, 20.0, 0.1),
    ("activity.csv.xz", 2.0, 120.0, 100.0, 20.0, 0.1),
    ("activity_by_day.json", 15.0, 172800.0, 10.0, 25.0, None),
    ("bare_names.csv", 2.0, 18.0, 5.0, 6.0, None),
    ("batch_results.jsonl", 3.0, 3.0, 22.0, 2.0, None),
    ("benchmark_records.jsonl", 3.0, 3.0, 5.0, 7.0, None),
    ("colon_pairs.log", 2.0, 4.0, 5.0, 7.0, None),
    ("columns_and_rows.json", 3.0, 45.0, 200.0, 30.0, None),
    ("columns_and_values.json", 3.0, 45.0, 200.0, 30.0, None),
    ("compact_days.csv", 20.0, 172800.0, 10.0, 2.0, None),
    ("container_json.log", 4.0, 4.0, 12.0, 4.0, None),
    ("container_runtime.log", 3.0, 3.0, 5.0, 7.0, None),
    ("context_generated_images.csv", 2.0, 0.02, 385.0, 76.5, None),
    ("context_generated_no_zone.csv", 2.0, 8.629, 385.0, 76.5, None),
    ("context_generated_zone.csv", 2.0, 0.02, 385.0, 76.5, None),
    ("daily_activity.json", 15.0, 259200.0, 20.0, 10.0, 0.2),
    ("date_and_hour.csv", 2880.0, 172800.0, 10.0, 5.0, None),
    ("date_and_time.csv", 2.0, 18.0, 5.0, 6.0, None),
    ("day_first_semicolon.csv", 2.0, 7200.0, 5.0, 6.0, None),
    ("days_with_cache.csv", 20.0, 172800.0, 15.0, 2.0, 0.333),
    ("decimal_comma.csv", 3.0, 45.0, 200.0, 30.0, None),
    ("documents.json", 2.0, 20.0, 5.0, 4.0, None),
    ("gateway_dotted_keys.log", 4.0, 4.0, 12.0, 3.0, None),
    ("gateway_logs.jsonl", 3.0, 3.0, 5.0, 7.0, None),
    ("gateway_nested.log", 4.0, 4.0, 12.0, 4.0, None),
    ("generations.csv", 2.0, 20.0, 5.0, 6.0, None),
    ("invocations.jsonl", 4.0, 4.0, 12.0, 3.0, None),
    ("journal.json", 3.0, 3.0, 5.0, 7.0, None),
    ("json_in_a_cell.csv", 3.0, 3.0, 5.0, 7.0, None),
    ("lengths_and_blocks_ms.jsonl", 3.0, 13.578, 7131.0, 493.333, None),
    ("lengths_and_chats_s.jsonl", 2.0, 0.172, 271.0, 72.0, None),
    ("log_streams.json", 3.0, 45.0, 200.0, 30.0, None),
    ("logfmt.log", 2.0, 20.0, 5.0, 7.0, None),
    ("messages_with_cache.jsonl", 3.0, 3.0, 310.0, 50.0, 0.645),
    ("metric_series.json", 3.0, 180.0, 200.0, 30.0, None),
    ("metrics_by_name.json", 20.0, 7200.0, 100.0, 5.0, None),
    ("microseconds.csv", 2.0, 19.0, 5.0, 6.0, None),
    ("monitor_minutes.csv", 30.0, 180.0, 5.0, 7.0, None),
    ("month_first.csv", 2.0, 35998.0, 5.0, 6.0, None),
    ("months.csv", 9200.0, 7948800.0, 0.326, 0.163, None),
    ("nanoseconds.jsonl", 2.0, 19.0, 5.0, 6.0, None),
    ("page_of_logs.json", 3.0, 45.0, 200.0, 30.0, None),
    ("pipes.csv", 2.0, 200.0, 1.0, 2.0, None),
    ("points_between_groups.csv", 1600.0, 172800.0, 1000.0, 200.0, None),
    ("prefill_decode.csv", 2.0, 1.6, 100.0, 20.0, None),
    ("prompt_token_size.csv", 2.0, 1.6, 100.0, 20.0, None),
    ("range_query.json", 30.0, 600.0, 200.0, 20.0, None),
    ("remarks.csv", 2.0, 18.0, 5.0, 6.0, None),
    ("request_and_response_times.csv", 2.0, 20.0, 10.0, 20.0, None),
    ("request_response_from_start.csv", 3.0, 169.5, 658.667, 174.667, None),
    ("request_response_session.csv", 2.0, 80.0, 779.5, 124.0, None),
    ("request_units.jsonl", 3.0, 45.0, 200.0, 30.0, None),
    ("requests_logged.log", 3.0, 15.0, 4.0, 2.0, None),
    ("responses.jsonl", 3.0, 3.0, 19.0, 10.0, 0.158),
    ("seconds_decimal_comma.csv", 3.0, 45.0, 200.0, 30.0, None),
    ("spans.json", 4.0, 4.0, 12.0, 3.0, None),
    ("spend_logs.csv", 2.0, 120.0, 20.0, 10.0, None),
    ("table_with_a_total.csv", 6000.0, 259200.0, 1000.0, 200.0, None),
    ("thousands.tsv", 2.0, 1200.0, 505.0, 6.0, None),
    ("thousands_and_millions.tsv", 300.0, 10800.0, 200.0, 35.0, None),
    ("throughput.log", 4.0, 30.0, 375.0, 150.0, None),
    ("total_only.csv", 2.0, 20.0, 5.0, 6.0, None),
    ("totals_and_days.json", 20.0, 172800.0, 5.0, 1.2, None),
    ("usage_buckets.json", 10.0, 259200.0, 200.0, 100.0, 0.8),
    ("usage_by_five_minutes.json", 12.0, 1200.0, 10.0, 3.0, None),
    ("usage_export.csv", 10.0, 172800.0, 200.0, 100.0, 0.8),
    ("usage_metadata.jsonl", 3.0, 3.0, 5.0, 7.0, None),
    ("utf16.txt", 2.0, 18.0, 5.0, 6.0, None),
    ("w3c.log", 2.0, 20.0, 5.0, 7.0, None),
)
"""File, requests, seconds watched, mean input and output tokens, cached share of the input."""


@pytest.mark.parametrize("row", FORMS, ids=[row[0] for row in FORMS])
def test_a_form(row: tuple[str, float, float, float, float, float | None]) -> None:
    name, *expected = row
    demand = traffic_in((str(DATA / name),))
    seen, share = demand.seen, demand.cached_input_share
    read = (seen.n, seen.window_s, seen.input_tokens_mean, seen.output_tokens_mean, share)
    assert [None if each is None else float(each) for each in read] == pytest.approx(
        expected, abs=1e-3
    )


def test_every_file_of_the_data_is_in_the_table() -> None:
    assert [row[0] for row in FORMS] == sorted(path.name for path in DATA.iterdir())


def test_what_is_no_served_request_is_left_out_and_said() -> None:
    assert (
        "left out 1 failed and 1 without tokens" in traffic_in((str(DATA / "access.log"),)).source
    )


def test_a_row_that_adds_up_the_others_is_left_out_and_said() -> None:
    source = traffic_in((str(DATA / "table_with_a_total.csv"),)).source
    assert "left out 1 that add up the others" in source


def test_one_group_behind_a_point_stays_a_number_with_decimals(tmp_path: Path) -> None:
    file = tmp_path / "means.csv"
    file.write_text(
        "at,requests,avg_input_tokens,avg_output_tokens\n"
        "2026-10-01,10,512.125,20.500\n2026-10-02,10,512.125,20.500\n"
    )
    named = {"input": "avg_input_tokens", "output": "avg_output_tokens"}
    assert float(traffic_in((str(file),), named).seen.input_tokens_mean or 0) == 512.125


def test_what_no_row_says_is_said_to_be_assumed() -> None:
    no_zone = traffic_in((str(DATA / "context_generated_no_zone.csv"),))
    assert no_zone.source.endswith("times have no zone and are taken as UTC")
    relative = traffic_in((str(DATA / "lengths_and_blocks_ms.jsonl"),))
    assert "times count ms from a beginning of their own" in relative.source
    assert relative.series is not None
    assert relative.series.relative


def test_a_log_without_a_year_is_of_the_year_before_its_last_line() -> None:
    _, rows = rows_of(described(DATA / "throughput.log"), {})
    widths = [row.width_s for row in rows]
    assert widths == [10.0, 10.0, 10.0]


def test_a_report_by_interval_without_requests_asks_for_them(tmp_path: Path) -> None:
    report = tmp_path / "usage.json"
    report.write_text(
        '{"data": [{"starting_at": "2026-08-01T00:00:00Z", "ending_at": "2026-08-02T00:00:00Z",'
        ' "results": [{"uncached_input_tokens": 1500, "cache_creation":'
        ' {"ephemeral_1h_input_tokens": 1000}, "cache_read_input_tokens": 200,'
        ' "output_tokens": 500}]}]}'
    )
    with pytest.raises(
        UnreadableTraffic, match=r"counts tokens by interval, but no requests.*--map requests"
    ):
        traffic_in((str(report),))
