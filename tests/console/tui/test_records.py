"""What the history keeps of A/B, load and cold-start probe, and what can be done with it."""

import asyncio
import json
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backends.domain.ab.cold import ColdProbe, ColdProbePlan
from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.run import TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.facts import Fact, Ticked
from backends.domain.prices.cost import RequestPrices
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport, load_finding
from backends.domain.session import Session, advance
from backends.history.first_tokens import first_tokens
from backends.history.history import open_history
from backends.history.records import FindingRecord
from backends.history.series import CUT_OFF, recent_series, stored_series
from backends.history.thread import HistoryThread
from backends.operations import ab, records
from backends.operations.capacity import known_capacities
from backends.operations.context import capacities_known, context_of
from backends.operations.host import Host
from backends.operations.load_test import recorded_load
from backends.prober.protocol import LoadOrder
from backends.wire import plain
from console.tui.actions.history import listed
from console.tui.screens.history import HistoryScreen
from console.tui.screens.load import LoadScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question
from console.tui.screens.record import RecordScreen
from tests.backends.domain.journals import at
from tests.console.conftest import SERVER, MadeHost, started, until
from tests.console.sessions import run
from tests.console.stage import host_in
from widgets.ab_panel import AbPanel
from widgets.load_curve import LoadCurve
from widgets.load_strip import LoadStrip

SIZE = (120, 35)
BEGAN = SeriesBegan(
    at(320), "s1", (("a", "chat"), ("b", "serverless")), 20, ("org/model", "org/model"), "ab"
)
PROBES = (
    *(ColdProbe(0.0, 0.1, 1000.0, 0.4, None, 20) for _ in range(6)),
    *(ColdProbe(60.0, 60.0, 1000.0, 9.0, None, 20) for _ in range(3)),
)
PRICES = RequestPrices(Decimal("0.1"), Decimal("0.7"))
HUNT = ColdProbeReport(
    "h1", "serverless", "org/model", 1000.0, ColdProbePlan((60.0,)), PROBES, PRICES
)


TARGETS: tuple[tuple[TargetName, float], ...] = (("a", 0.2), ("b", 0.5))


def told(host: Host, *facts: Fact) -> None:
    """Let the recorder see facts as the console does."""
    session, context, writer = Session(at(300)), context_of(host), HistoryThread(host.history_file)
    for fact in facts:
        session = advance(session, fact)
        context = records.record_run(writer, session, context, fact)
    assert writer.close(10.0) == 0


def runs(scale: float, count: int = 20) -> list[Fact]:
    return [
        RunEnded(at(321 + index), run(target, index, scale * ttft_s + index / 1000))
        for index in range(count)
        for target, ttft_s in TARGETS
    ]


def test_every_run_is_kept_as_it_ends_whatever_becomes_of_the_console(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    told(host, BEGAN, RunBegan(at(321), "a", 0), *runs(1, 3))
    series = stored_series(host.history_file, "s1")
    assert series is not None
    assert len(series.runs) == 6
    assert series.reason == CUT_OFF
    assert series.began.models == ("org/model", "org/model")
    with closing(open_history(host.history_file)) as history:
        (record,) = recent_series(history)
    assert [target["summary"]["n"] for target in record.report["targets"].values()] == [3, 3]


def test_a_series_comes_back_as_it_was(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    told(host, BEGAN, *runs(1), SeriesEnded(at(400), "s1"))
    series = stored_series(host.history_file, "s1")
    assert series is not None
    assert (series.reason, len(series.runs)) == ("", 40)
    assert replace(series.began, at=BEGAN.at) == BEGAN
    assert series.target("a")[0].ttft_s == pytest.approx(0.2)


def stored(host: Host) -> None:
    told(host, BEGAN, *runs(2), SeriesEnded(at(400), "s1"))
    with closing(open_history(host.history_file)) as history:
        history.findings.keep(FindingRecord("coldprobe", "h1", 1000.0, "serverless", plain(HUNT)))


async def test_a_recorded_series_stands_beside_the_live_one_with_its_date(
    made_host: MadeHost,
) -> None:
    stored(made_host.host())
    app = made_host.app()
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.session.life is not None)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen))
        alone = app.screen.query_one(AbPanel).view
        assert [target.when[:4] for target in alone.past] == ["2026", "2026"]
        assert alone.comparisons[0].difference is not None
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        panel = app.screen.query_one(AbPanel)
        await until(pilot, lambda: len(panel.view.past) == 2)
        for fact in (replace(BEGAN, series_id="s2"), *runs(1, 12), Ticked(at(500))):
            app.happened(fact)
        await until(pilot, lambda: panel.view.done == 24)
        view = panel.view
    assert [each.this for each in view.comparisons] == ["A", "B"]
    for each in view.comparisons:
        assert each.difference is not None
        assert each.difference.verdict == "b_faster"
        assert each.difference.shift == pytest.approx(-0.2 if each.this == "A" else -0.5, abs=0.02)
        assert "′ of 20" in each.other
    assert [each.past for each in view.runs] == [False, False, True, True]


async def test_series_that_asked_otherwise_are_not_compared(made_host: MadeHost) -> None:
    stored(made_host.host())
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.session.life is not None)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
        await pilot.press("b")
        panel = app.screen_stack[1].query_one(AbPanel)
        for fact in (replace(BEGAN, prompt_sha256="other"), *runs(1, 12)):
            app.happened(fact)
        await until(pilot, lambda: panel.view.done == 24)
        assert {each.why_not for each in panel.view.comparisons} == {"the prompt differed then"}


async def test_a_hunt_is_opened_and_exported_and_does_not_stand_beside(made_host: MadeHost) -> None:
    stored(made_host.host())
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.session.life is not None)
        await pilot.press("h", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen))
        assert isinstance(app.screen, RecordScreen)
        assert isinstance(app.screen.record, ColdProbeReport)
        assert "b" not in {each.binding.key for each in app.screen.active_bindings.values()}
        await pilot.press("e")
        exports = made_host.folder / "exports"
        await until(pilot, lambda: bool(list(exports.glob("*/coldprobe.svg"))))
    (folder,) = exports.iterdir()
    assert json.loads((folder / "coldprobe.json").read_text())["ever_cold"]
    ElementTree.fromstring((folder / "coldprobe.svg").read_text())


async def test_a_load_runs_on_screen_and_the_verdict_knows_it_at_once(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        (target,) = ab.targets([SERVER], app.host.settings)
        order = LoadOrder(
            target, "Say it.", 8, first_rps=20, step_s=0.6, max_s=4, max_requests=200, growth=2
        )
        app.actions.load.begin(order)
        await until(pilot, lambda: isinstance(app.screen, LoadScreen) and app.screen.is_mounted)
        curve = app.screen.query_one(LoadCurve)
        await until(pilot, lambda: len(curve.view.points) >= 2)
        assert curve.view.now_rps is not None
        await until(pilot, lambda: curve.view.finding != "")
        assert f"{SERVER} carries" in curve.view.finding
        await until(pilot, lambda: bool(app.context.capacities))
        await pilot.press("escape")
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen))
        assert isinstance(app.screen, RecordScreen)
        assert isinstance(app.screen.record, LoadReport)
    (kept,) = known_capacities(made_host.folder)
    assert (kept.output_tokens, kept.input_tokens is not None) == (8, True)


async def test_a_load_goes_on_while_it_is_hidden_and_x_ends_it(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        (target,) = ab.targets([SERVER], app.host.settings)
        app.actions.load.begin(
            LoadOrder(target, "Say it.", 8, first_rps=20, step_s=0.5, growth=1.1)
        )
        await until(pilot, lambda: isinstance(app.screen, LoadScreen) and app.screen.is_mounted)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        strip = app.screen.query_one(LoadStrip)
        await until(pilot, lambda: (strip.view.rates or 0) >= 2)
        assert strip.display
        assert (strip.view.endpoint, strip.view.now_rps is None) == (SERVER, False)
        assert "kept its limits" in strip.view.said
        samples = app.session.scraped
        await until(pilot, lambda: app.session.scraped != samples)
        await pilot.press("x")
        await until(pilot, lambda: strip.view.now_rps is None)
        assert f"{SERVER} carries at least" in strip.view.said
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LoadScreen) and app.screen.is_mounted)
        assert "cancelled" in app.screen.query_one(LoadCurve).view.ended
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and not strip.display)
    with closing(open_history(made_host.folder / "history.sqlite")) as history:
        (record,) = history.findings.recent("load")
    assert len(record.document["ended"]["steps"]) >= 2
    assert record.document["ended"]["reason"] == "cancelled"


async def test_a_load_that_is_cancelled_counts_all_that_it_has_cost(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        (target,) = ab.targets(["serverless"], app.host.settings)
        app.actions.load.begin(LoadOrder(target, "Say it.", 8, first_rps=20, step_s=0.5))
        await until(pilot, lambda: app.context.load is not None and bool(app.context.load.last))
        await pilot.press("x")
        await until(pilot, lambda: app.context.load is not None and app.context.load.rps is None)
        assert app.context.load is not None
        report = app.context.load.report
    assert report is not None
    first = report.ended.steps[0]
    assert report.ended.reason == "cancelled"
    assert Decimal(report.ended.cost_usd or 0) >= Decimal(first.spent_usd or 0) > 0
    assert app.context.tests_usd >= Decimal(report.ended.cost_usd or 0)


async def test_the_key_begins_a_load_of_the_chosen_endpoint(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.is_mounted)
        await pilot.press("down", "enter")
        await until(
            pilot,
            lambda: (
                isinstance(app.screen, Question)
                and "load on serverless" in str(app.screen.query("Static").first().render())
            ),
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        assert app.context.load is None


async def test_what_a_load_without_a_step_has_cost_is_kept(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        (target,) = ab.targets(["serverless"], app.host.settings)
        order = LoadOrder(target, "Say it.", 8, first_rps=20, max_requests=5)
        news = [one async for one in recorded_load(app.history, app.host, order, asyncio.Event())]
    report = news[-1].report
    assert report.ended.steps == ()
    assert Decimal(report.ended.cost_usd or 0) > 0
    assert load_finding(report).startswith("nothing was measured of serverless")
    with closing(open_history(made_host.folder / "history.sqlite")) as history:
        assert history.tests_usd(0.0, math.inf) == Decimal(report.ended.cost_usd or 0)


async def test_a_load_is_asked_about_and_nothing_is_sent_before(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        commands = {each.title: each for each in app.get_system_commands(app.screen)}
        commands["Load serverless"].callback()
        await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.is_mounted)
        sentence = str(app.screen.query("Static").first().render())
        assert "costs at most $" in sentence
        assert "5000 requests" in sentence
        await pilot.press("enter")  # what loads nothing comes first
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
    with closing(open_history(made_host.folder / "history.sqlite")) as history:
        assert history.findings.recent("load") == ()


def test_a_capacity_that_another_program_measured_is_read(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    context = context_of(host)
    assert capacities_known(host, context.capacities_ns) == {}
    (host.state_folder / "capacity.json").write_text('{"capacities": []}')
    assert capacities_known(host, context.capacities_ns)["capacities_ns"] > 0


def test_a_series_of_the_past_is_told_in_full(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    told(host, BEGAN, *runs(1), SeriesEnded(at(400), "s1"))
    series = stored_series(host.history_file, "s1")
    assert isinstance(series, AbSeries)
    assert all(one.text == "" for one in series.runs)


async def test_one_unreadable_record_hides_no_other(made_host: MadeHost) -> None:
    host = made_host.host()
    stored(host)
    with closing(sqlite3.connect(host.history_file)) as connection, connection:
        connection.execute("INSERT INTO series VALUES ('broken', 1e9, '[]', '', '{not JSON', 1)")
        connection.execute("INSERT INTO runs VALUES ('s1', 'b', 99, '{not JSON', x'', 0)")
        connection.execute("INSERT INTO findings VALUES ('load', 'newer', 1e9, 'api', '{}')")
        connection.execute("INSERT INTO findings VALUES ('load', 'broken', 1e9, 'api', '[[')")
        row = ", ".join(["'broken'"] * 4 + ["NULL", "1e9", "'ready'", "1", "NULL", "1", "'[]'"])
        connection.execute(f"INSERT INTO starts VALUES ({row}, 'neither', '', '', NULL)")
    with closing(open_history(host.history_file)) as history:
        assert [each.series_id for each in history.recent_series()] == ["s1"]
        assert len(history.runs_of("s1")) == 40
        assert history.recent_starts() == ()
        assert len(history.findings.recent("coldprobe")) == 1
        assert [each.finding_id for each in history.findings.recent("load")] == ["newer"]
        assert history.unreadable == 4
    view = listed(host, "")
    assert (view.starts, len(view.series), len(view.findings)) == ((), 1, 1)
    assert sum(found.runs for found in first_tokens(host.history_file, 0.0)) == 40
