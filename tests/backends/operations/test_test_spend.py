"""What inferctl's own tests have cost: every kind of test, every request of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.ab.cold import ColdProbe, ColdProbePlan
from backends.domain.ab.load import LoadEnded
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.history import database
from backends.history.history import History, open_history
from backends.history.records import FindingRecord, SeriesRecord
from backends.history.schema import MIGRATIONS
from backends.wire import plain
from tests.console.sessions import run

FROM_S, TO_S = 1000.0, 2000.0


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with closing(open_history(tmp_path / "history.db")) as opened:
        yield opened


def load(began_s: float, cost_usd: str | None) -> FindingRecord:
    ended = LoadEnded("the limit is found", None, bounded=False, steps=(), cost_usd=cost_usd)
    told = LoadReport(f"load {began_s}", "api", "m", began_s, 8, "", 1.0, None, ended)
    return FindingRecord("load", told.load_id, began_s, "api", plain(told))


def run_cold_probe(began_s: float, *probes: ColdProbe) -> FindingRecord:
    told = ColdProbeReport(
        f"cold-start probe {began_s}", "api", "m", began_s, ColdProbePlan((60.0,), 2), probes
    )
    return FindingRecord("coldprobe", told.probe_id, began_s, "api", plain(told))


def probe(ended_s: float, cost_usd: str | None) -> ColdProbe:
    return ColdProbe(60.0, 60.0, ended_s, 0.2, None, 8, cost_usd)


def spent(history: History) -> Decimal:
    return history.tests_usd(FROM_S, TO_S)


def test_without_any_test_nothing_was_spent(history: History) -> None:
    assert spent(history) == 0


def test_the_warm_up_of_a_series_is_paid_like_its_runs(history: History) -> None:
    targets = {"a": {"warm_up": None}, "b": {"warm_up": {"cost_usd": "0.0003"}}}
    history.add_series(
        SeriesRecord("s", 1500.0, (("a", "x"), ("b", "y")), "", {"targets": targets})
    )
    history.add_run("s", run("a", 0, 0.2))
    history.add_run("s", run("b", 0, 0.2, cost_usd="0.002"))
    assert spent(history) == Decimal("0.0023")


def test_a_load_counts_where_it_began_within_the_period(history: History) -> None:
    for began_s in (FROM_S - 1, FROM_S, TO_S - 1, TO_S):
        history.findings.keep(load(began_s, "0.5"))
    history.findings.keep(load(1500.0, None))
    assert spent(history) == 1


def test_of_a_hunt_those_requests_count_that_ended_within_the_period(history: History) -> None:
    inside = (probe(1001.0, "0.01"), probe(1500.0, None), probe(1999.0, "0.02"))
    history.findings.keep(
        run_cold_probe(100.0, probe(200.0, "0.04"), *inside, probe(2000.0, "0.08"))
    )
    assert spent(history) == Decimal("0.03")


def fill(history: History) -> None:
    targets = {"a": {"warm_up": {"cost_usd": "0.0000001"}}, "b": {"warm_up": None}, "c": {}}
    history.add_series(SeriesRecord("s", 1500.0, (("a", "x"),), "", {"targets": targets}))
    history.add_run("s", run("a", 0, 0.2, cost_usd="0.1"))
    history.add_run("s", run("a", 0, 0.2, cost_usd="0.2"))
    history.add_run("s", run("b", 1, 0.2))
    history.findings.keep(load(1500.0, "3"))
    history.findings.keep(load(1500.0, "4"))
    history.findings.keep(run_cold_probe(100.0, probe(1001.0, "0.01"), probe(5000.0, "0.02")))


def test_an_older_history_tells_its_costs_and_a_broken_record_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.db"
    with monkeypatch.context() as older:
        older.setattr(database, "MIGRATIONS", MIGRATIONS[:2])
        open_history(path).close()
    with sqlite3.connect(path) as connection:
        warm_ups = '{"lanes": {"a": {"warm_up": {"cost_usd": "0.0000001"}}, "b": {}}}'
        connection.execute("INSERT INTO series VALUES ('s', 1500.0, '[]', '', ?)", (warm_ups,))
        connection.execute("INSERT INTO series VALUES ('t', 1500.0, '[]', '', 'nor this')")
        for lane, paid in (("a", '{"cost_usd": "0.2"}'), ("b", "{}"), ("c", "{not JSON")):
            connection.execute("INSERT INTO runs VALUES ('s', ?, 0, ?, x'')", (lane, paid))
        load = '{"ended": {"cost_usd": "4"}}'
        probes = """{"probes": [{"ended_at": 1001.0, "cost_usd": "0.01"},
            {"ended_at": 5000.0, "cost_usd": "0.02"}]}"""
        connection.execute("INSERT INTO findings VALUES ('load', 'l', 1500.0, 'x', ?)", (load,))
        connection.execute("INSERT INTO findings VALUES ('coldhunt', 'h', 100, 'x', ?)", (probes,))
    connection.close()
    with closing(open_history(path)) as history:
        assert spent(history) == Decimal("4.2100001")


def test_what_is_replaced_is_paid_once(history: History) -> None:
    fill(history)
    assert spent(history) == Decimal("4.2100001")


def test_the_sum_reads_no_record(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(open_history(path)) as history:
        fill(history)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET run = 'unreadable'")
        query = "EXPLAIN QUERY PLAN SELECT cost_usd FROM test_costs WHERE wall_s >= 0"
        ((*_, plan),) = connection.execute(query).fetchall()
    connection.close()
    assert "COVERING INDEX test_costs_by_time" in plan
    with closing(open_history(path)) as history:
        assert spent(history) == Decimal("4.2100001")
