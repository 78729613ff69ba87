"""The engine adds up what the plain reader does, row for row."""

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.traffic.demand import Demand
from backends.traffic import engine
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.engine import tallied_by_engine
from backends.traffic.files import described
from backends.traffic.reader import traffic_in
from backends.traffic.tally import Tally
from tests.backends.traffic.test_forms import DATA, FORMS
from tests.backends.traffic.test_properties import same

duckdb = pytest.importorskip("duckdb")

BY_ENGINE = (
    "activity.csv",
    "activity.csv.gz",
    "batch_results.jsonl",
    "context_generated_no_zone.csv",
    "gateway_nested.log",
    "lengths_and_blocks_ms.jsonl",
    "messages_with_cache.jsonl",
    "request_response_session.csv",
    "spend_logs.csv",
    "total_only.csv",
    "usage_export.csv",
)
"""Files among the forms that the engine must not leave to the plain reader."""


def both(monkeypatch: pytest.MonkeyPatch, path: Path) -> tuple[Demand, Demand]:
    plain = traffic_in((str(path),))
    monkeypatch.setattr(engine, "WORTH_IT_BYTES", 0)
    return plain, traffic_in((str(path),))


@pytest.mark.parametrize("name", [row[0] for row in FORMS])
def test_both_read_a_form_alike(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plain, fast = both(monkeypatch, DATA / name)
    same(plain, fast)
    assert plain.source == fast.source
    assert plain.cached_input_share == fast.cached_input_share


@pytest.mark.parametrize("name", BY_ENGINE)
def test_the_engine_reads_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(engine, "WORTH_IT_BYTES", 0)
    assert tallied_by_engine(described(DATA / name), {}, Tally()) is not None


@pytest.mark.parametrize("span_s", [900, 40_000, 3_000_000])
def test_both_read_many_rows_alike(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, span_s: int
) -> None:
    chance = random.Random(span_s)
    rows = [
        f"{1_790_000_000 + chance.randrange(span_s * 4) / 4},{chance.randrange(9000)},"
        f"{chance.choice([0, 5, 900])}"
        for _ in range(5000)
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["at,input_tokens,output_tokens", *rows]))
    same(*both(monkeypatch, path))
    table = tmp_path / "rows.parquet"
    duckdb.connect().execute(f"copy (select * from '{path}') to '{table}'")
    same(traffic_in((str(path),)), traffic_in((str(table),)))


def test_a_bad_row_is_named_by_the_plain_reader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine, "WORTH_IT_BYTES", 0)
    path = tmp_path / "rows.csv"
    good = "\n".join(f"{1_790_000_000 + second},5,6" for second in range(1000))
    for bad in (
        "1790002000,-1,6",
        "1790002000,x,6",
        "1790002000,inf,6",
        "noon,5,6",
        "1790002000,,6",
    ):
        path.write_text(f"at,input_tokens,output_tokens\n{good}\n{bad}\n")
        with pytest.raises(UnreadableTraffic, match=r"rows\.csv:1002: "):
            traffic_in((str(path),))


def test_parquet_without_the_engine_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1....PAR1")
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(UnreadableTraffic, match=r"is Parquet; install inferctl\[traffic\]"):
        traffic_in((str(path),))


def test_broken_parquet_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1....PAR1")
    with pytest.raises(UnreadableTraffic, match="cannot be read"):
        traffic_in((str(path),))


def test_parquet_with_times_and_nested_usage(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    duckdb.connect().execute(
        "copy (select timestamp '2026-11-01 00:00:00' + interval (i) second as created_at, "
        "{'prompt_tokens': 80, 'completion_tokens': 220} as usage from range(100) t(i)) "
        f"to '{path}'"
    )
    seen = traffic_in((str(path),)).seen
    assert seen == replace(
        seen, n=Decimal(100), window_s=Decimal(100), input_tokens_mean=Decimal(80)
    )


def test_of_a_parquet_file_with_a_pattern_for_a_name_only_itself_is_read(tmp_path: Path) -> None:
    for name, rows in (("t1.parquet", 50), ("t[1].parquet", 7), ("t*.parquet", 9)):
        made = tmp_path / "made"
        duckdb.connect().execute(
            "copy (select 1790000000 + i * 60 as timestamp, 100 as input_tokens, "
            f"10 as output_tokens from range({rows}) t(i)) to '{made}' (format parquet)"
        )
        made.rename(tmp_path / name)
    assert traffic_in((str(tmp_path / "t[1].parquet"),)).seen.n == 7
    assert traffic_in((str(tmp_path / "t*.parquet"),)).seen.n == 9
