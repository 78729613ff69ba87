import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as testing
from hypothesis import strategies as st

from backends.domain.ab.run import Connect, Run
from backends.domain.start import Failure, FailureKind, Outcome, Phase, PhaseName, Start
from backends.history.database import open_database
from backends.history.history import History, open_history
from backends.history.records import FindingRecord, SeriesRecord, StartRecord
from backends.history.rows import run_of, run_row, start_row

START = Start(
    "s1",
    vllm_version="0.32.0",
    outcome=Outcome.READY,
    total_s=61.5,
    ready_s=60.0,
    first_token_s=61.5,
    phases=(Phase(PhaseName.LOAD_WEIGHTS, 4.0, 24.0, detail=(("shards", "15"),)),),
)
RECORD = StartRecord("big", "org/big", ("--seed", "1"), 1_790_000_000.0, START, Decimal("0.0319"))
RUN = Run(
    "a",
    0,
    ttft_s=0.0312345,
    itl_s=(0.0123, 0.004567),
    e2e_s=1.0,
    connect=Connect(None, 0.01, 0.02, reused=False),
    cost_usd="0.00042",
    flags=("no_usage",),
)
SERIES = SeriesRecord("x1", 1_790_000_000.0, (("a", "big"), ("b", "cloud")), "ab" * 32, {"n": 2})


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    opened = open_history(tmp_path / "state" / "history.sqlite")
    yield opened
    opened.close()


def started(start_id: str, began_wall_s: float, **changes: object) -> StartRecord:
    record = replace(RECORD, start=replace(START, start_id=start_id), began_wall_s=began_wall_s)
    return replace(record, **changes)  # type: ignore[arg-type]


def test_a_start_comes_back_as_it_was(history: History) -> None:
    history.add_start(RECORD)
    assert history.recent_starts() == (RECORD,)


@pytest.mark.parametrize("first", [0, 1], ids=["the fuller one first", "the fuller one last"])
@pytest.mark.parametrize(
    "lesser",
    [
        replace(RECORD, start=Start("s1")),
        replace(RECORD, start=replace(START, first_token_s=None)),
        replace(RECORD, start=replace(START, phases=())),
        replace(RECORD, cost_usd=None),
    ],
    ids=["only begun", "without first token", "without phases", "without cost"],
)
def test_a_start_that_two_consoles_saw_is_one_row(
    history: History, lesser: StartRecord, first: int
) -> None:
    for record in ((RECORD, lesser), (lesser, RECORD))[first]:
        history.add_start(record)
    assert history.recent_starts() == (RECORD,)


def test_starts_like_another_are_of_the_same_model_and_arguments(history: History) -> None:
    history.add_start(started("old", 1.0))
    history.add_start(started("new", 2.0))
    history.add_start(started("other args", 3.0, args=("--seed", "2")))
    history.add_start(started("other model", 4.0, model="org/small"))

    def ids(*args: object) -> list[str]:
        return [record.start.start_id for record in history.starts_like(*args)]  # type: ignore[arg-type]

    assert ids("org/big", ("--seed", "1")) == ["new", "old"]
    assert ids("org/big", ("--seed", "1"), 1) == ["new"]
    assert ids("org/big") == ["other args", "new", "old"]
    assert ids("unknown") == []


def test_recent_starts_can_be_of_one_server(history: History) -> None:
    history.add_start(started("a", 1.0))
    history.add_start(started("b", 2.0, server="small"))
    assert [record.start.start_id for record in history.recent_starts(server="big")] == ["a"]
    assert [record.start.start_id for record in history.recent_starts(1)] == ["b"]


def test_a_series_comes_back_with_its_runs(history: History) -> None:
    history.add_series(replace(SERIES, report={}))
    history.add_series(SERIES)
    for run in (replace(RUN, target="b"), RUN, replace(RUN, index=1, itl_s=(), error="refused")):
        history.add_run("x1", run)
    history.add_run("x1", RUN)
    assert history.recent_series() == (SERIES,)
    runs = history.runs_of("x1")
    assert [(run.target, run.index) for run in runs] == [("a", 0), ("a", 1), ("b", 0)]
    assert runs[0] == RUN
    assert runs[1].error == "refused"


def test_the_text_of_a_model_is_not_kept(history: History, tmp_path: Path) -> None:
    history.add_run("x1", replace(RUN, text="Dear patient"))
    assert history.runs_of("x1") == (RUN,)
    for file in (tmp_path / "state").iterdir():
        assert b"Dear patient" not in file.read_bytes()


SECONDS = st.none() | st.integers(0, 4_000_000_000).map(lambda us: us / 1e6)
ANY_TEXT = st.text(st.characters())  # with lone surrogates, which a hostile endpoint may send
RUNS = st.builds(
    Run,
    target=st.sampled_from(["a", "b", "c", "d"]),
    index=st.integers(0, 10**6),
    ttft_s=SECONDS,
    itl_s=st.lists(st.integers(0, 4_000_000_000).map(lambda us: us / 1e6)).map(tuple),
    e2e_s=SECONDS,
    output_tokens=st.none() | st.integers(0, 10**9),
    finish_reason=st.none() | ANY_TEXT,
    flags=st.lists(ANY_TEXT).map(tuple),
    error=st.none() | ANY_TEXT,
)


@testing(deadline=None)
@given(RUNS)
@example(Run("a", 0, error="cut \ud800 short"))
def test_any_run_is_kept_to_the_microsecond(run: Run) -> None:
    columns = ("series_id", "target", "place", "run", "itl_us", "itl_coding")
    row = dict(zip(columns, run_row("x", run), strict=True))
    kept = run_of(row)  # type: ignore[arg-type]
    strings = {"finish_reason": None, "flags": (), "error": None}
    assert replace(kept, **strings) == replace(run, **strings)  # type: ignore[arg-type]
    assert len(kept.flags) == len(run.flags)


def test_a_record_of_a_newer_inferctl_is_left_out_and_counted(
    history: History, tmp_path: Path
) -> None:
    history.add_start(RECORD)
    history.add_start(replace(RECORD, start=replace(RECORD.start, start_id="newer")))
    other = sqlite3.connect(tmp_path / "state" / "history.sqlite")
    other.execute(
        "UPDATE starts SET start = replace(start, 'load_weights', 'teleport') "
        "WHERE start_id = 'newer'"
    )
    other.commit()
    other.close()
    assert [each.start for each in history.recent_starts()] == [RECORD.start]
    assert history.unreadable == 1


def test_a_meter_goes_on_where_it_stood(history: History) -> None:
    assert history.load_meter("big") is None
    state = {"output_tokens": 12.0, "usd": Decimal("0.10"), "open": [[1.0, 2.0]]}
    history.save_meter("big", 1.0, state)
    history.save_meter("big", 2.0, {**state, "output_tokens": 13.0})
    assert history.load_meter("big") == {
        "output_tokens": 13.0,
        "usd": "0.10",
        "open": [[1.0, 2.0]],
    }


def test_everything_is_exported_oldest_first(history: History) -> None:
    history.add_start(started("late", 2.0))
    history.add_start(started("early", 1.0))
    history.add_series(SERIES)
    history.add_run("x1", RUN)
    history.save_meter("big", 1.0, {"output_tokens": 5})
    starts = list(history.export("starts"))
    assert [start["start"]["start_id"] for start in starts] == ["early", "late"]
    assert starts[0]["cost_usd"] == "0.0319"
    assert [series["series_id"] for series in history.export("series")] == ["x1"]
    assert [list(run["itl_s"]) for run in history.export("runs")] == [[0.0123, 0.004567]]
    assert [meter["state"] for meter in history.export("meters")] == [{"output_tokens": 5}]


KEY = "hf_abcdefghijklmnopqrstuv"


def test_no_secret_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    history = open_history(path)
    failure = Failure(FailureKind.GATED_MODEL, 1, f"GET with Bearer {KEY}", "c", f"--api-key {KEY}")
    settings = (("api_key", KEY), ("dtype", "bfloat16"))
    history.add_start(
        replace(
            RECORD,
            args=("--api-key", KEY, f"--hf-token={KEY}", "--seed", "1"),
            start=replace(START, failure=failure, settings=settings),
        )
    )
    history.add_series(replace(SERIES, targets=(("a", f"https://user:{KEY}@host/v1#m"),)))
    history.add_run("x1", replace(RUN, error=f"401 for {KEY}"))
    history.save_meter("big", 1.0, {"api_key": KEY})
    document = {"Authorization": KEY, "log": f"non-default args: {{'api_key': ['{KEY}']}}"}
    history.findings.keep(FindingRecord("load", "l1", 1.0, "big", document))
    kept = history.recent_starts()[0]
    assert kept.args == ("--api-key", "***", "--hf-token=***", "--seed", "1")
    assert kept.start.settings == (("api_key", "***"), ("dtype", "bfloat16"))
    history.close()
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_starts_are_alike_whatever_their_key(history: History) -> None:
    history.add_start(replace(RECORD, args=("--api-key", "first")))
    assert len(history.starts_like("org/big", ("--api-key", "second"))) == 1


def test_no_query_of_the_console_reads_a_whole_table(tmp_path: Path) -> None:
    """A year is 10,000 starts and 1,000,000 runs, too many to scan when the console opens."""
    path = tmp_path / "history.sqlite"
    database = open_database(path)
    many_starts = (start_row(started(str(n), float(n), model=f"m{n % 7}")) for n in range(500))
    for row in many_starts:
        database.rows(f"INSERT INTO starts VALUES ({', '.join('?' * len(row))})", row)
    for place in range(2000):
        row = run_row(f"x{place % 100}", replace(RUN, index=place))
        database.rows("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
    history = History(database)
    statements: list[str] = []
    database._connection.set_trace_callback(statements.append)
    history.recent_starts()
    history.recent_starts(server="big")
    history.starts_like("m1")
    history.starts_like("m1", ("--seed", "1"))
    history.recent_series()
    history.runs_of("x1")
    history.load_meter("big")
    database._connection.set_trace_callback(None)
    assert len(statements) == 7
    for statement in statements:
        plan = " ".join(row["detail"] for row in database.rows(f"EXPLAIN QUERY PLAN {statement}"))
        assert re.search(r"USING (COVERING )?INDEX", plan), (statement, plan)
        assert "TEMP B-TREE" not in plan, (statement, plan)


def test_recent_series_come_newest_first(history: History) -> None:
    for name, began_s in (("old", 1.0), ("new", 3.0), ("between", 2.0)):
        history.add_series(replace(SERIES, series_id=name, began_wall_s=began_s))
    assert [each.series_id for each in history.recent_series()] == ["new", "between", "old"]
    assert [each.series_id for each in history.recent_series(1)] == ["new"]


def test_recent_findings_come_newest_first_and_are_of_their_kind(history: History) -> None:
    for name, began_s in (("old", 1.0), ("new", 3.0), ("between", 2.0)):
        history.findings.keep(FindingRecord("load", name, began_s, "big", {}))
    history.findings.keep(FindingRecord("coldprobe", "other", 4.0, "big", {}))
    found = [each.finding_id for each in history.findings.recent("load")]
    assert found == ["new", "between", "old"]
    assert [each.finding_id for each in history.findings.recent("load", 1)] == ["new"]
