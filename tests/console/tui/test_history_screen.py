"""The history: searched, noted, charted, opened, and two of its records side by side."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.domain.server import ServerState
from backends.history.history import open_history
from backends.history.records import Note
from console.tui.app import InferctlApp
from console.tui.screens.comparison import ComparisonScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question
from console.tui.screens.record import RecordScreen
from tests.console.cli.test_history import WHO, load, start
from tests.console.conftest import MadeHost, started, state, until
from tests.console.tui.test_records import stored
from widgets.ask_line import AskLine
from widgets.history_table import HistoryTable, table_rows
from widgets.series_panel import SeriesPanel
from widgets.start_record_panel import StartRecordPanel

SIZE = (120, 35)
KEYS = {" ": "space", ":": "colon", "/": "slash", "-": "minus", ".": "full_stop"}


def fill(path: Path) -> None:
    with closing(open_history(path)) as history:
        for number in range(3):
            history.add_start(start(f"st{number}", 24.0 + number, ("--seed", str(number)), number))
        history.findings.keep(load("lo1", 4.0))
        history.findings.keep(load("lo2", 8.0))


async def opened(pilot: Pilot[str], app: InferctlApp) -> HistoryTable:
    await until(pilot, lambda: app.session.life is not None)
    await pilot.press("h")
    await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
    table = app.screen.query_one(HistoryTable)
    await until(pilot, lambda: table.row_count > 1)
    return table


async def typed(pilot: Pilot[str], text: str) -> None:
    await pilot.press(*(KEYS.get(each, each) for each in text), "enter")


def keys_of(table: HistoryTable) -> list[str]:
    return [row.key for row in table_rows(table.view)]


async def choose(pilot: Pilot[str], table: HistoryTable, record_id: str) -> None:
    table.move_cursor(row=keys_of(table).index(record_id))
    await until(pilot, lambda: table.chosen() == record_id)


async def test_what_is_typed_is_what_is_listed_and_escape_lists_all_again(
    made_host: MadeHost,
) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        assert len(keys_of(table)) == 5
        await pilot.press("slash")
        await typed(pilot, "kind:start st1")
        await until(pilot, lambda: keys_of(table) == ["st1"])
        assert table.border_title == "History · kind:start st1"
        await pilot.press("slash")
        assert app.screen.query_one(AskLine).value == "kind:start st1 "
        await pilot.press("escape")
        assert table.view.search == "kind:start st1"
        await pilot.press("escape")
        await until(pilot, lambda: len(keys_of(table)) == 5)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_k_lists_one_kind_after_another_and_keeps_the_words(made_host: MadeHost) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        await pilot.press("slash")
        await typed(pilot, "chat")
        for kind, number in (("start", 3), ("a/b", 0), ("load", 2), ("cold-start", 0)):
            await pilot.press("k")
            await until(pilot, lambda: table.view.search == f"kind:{kind} chat")  # noqa: B023
            assert len(keys_of(table)) == number
        await pilot.press("k", "k")
        await until(pilot, lambda: table.view.search == "chat")


async def test_a_note_is_written_shown_found_and_exported(made_host: MadeHost) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        await choose(pilot, table, "st1")
        await pilot.press("n")
        await until(pilot, lambda: app.screen.query_one(AskLine).has_focus)
        await typed(pilot, "new driver")
        await until(pilot, lambda: any(each.note == "new driver" for each in table.view.starts))
        assert table.chosen() == "st1"
        await pilot.press("slash")
        await typed(pilot, "driver")
        await until(pilot, lambda: keys_of(table) == ["st1"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RecordScreen) and app.screen.is_mounted)
        facts = app.screen.query_one(StartRecordPanel).view.facts
        assert facts[0].startswith("note: new driver (")
        assert f"started by {WHO}" in facts
        assert "changed since the start before: - --seed 0, + --seed 1" in facts
        await pilot.press("e")
        exports = made_host.folder / "exports"
        await until(pilot, lambda: bool(list(exports.glob("*/start.md"))))
    (folder,) = exports.iterdir()
    assert json.loads((folder / "start.json").read_text())["note"] == "new driver"
    assert "new driver" in (folder / "start.md").read_text()
    assert not (folder / "start.svg").exists()


async def test_an_empty_note_takes_it_away(made_host: MadeHost) -> None:
    fill(made_host.host().history_file)
    with closing(open_history(made_host.host().history_file)) as history:
        history.entries.add_note(Note("st1", "old", 1.0))
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        await choose(pilot, table, "st1")
        await pilot.press("n")
        await until(pilot, lambda: app.screen.query_one(AskLine).has_focus)
        assert app.screen.query_one(AskLine).value == "old"
        await pilot.press("backspace", "backspace", "backspace", "enter")
        await until(pilot, lambda: not any(each.note for each in table.view.starts))


async def test_a_start_is_compared_with_the_one_before_or_with_the_marked_one(
    made_host: MadeHost,
) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        for marked, wanted in (("", ("st1", "st2")), ("st0", ("st0", "st2"))):
            if marked:
                await choose(pilot, table, marked)
                await pilot.press("space")
                assert table.view.marked == marked
            await choose(pilot, table, "st2")
            await pilot.press("d")
            await until(
                pilot, lambda: isinstance(app.screen, ComparisonScreen) and app.screen.is_mounted
            )
            assert isinstance(app.screen, ComparisonScreen)
            found = app.screen.shown
            assert (found.first.record_id, found.second.record_id) == wanted
            weights = next(row for row in found.rows if row.title == "load weights")
            assert weights.difference == 2.0 if marked else 1.0
            await pilot.press("escape")
        await choose(pilot, table, "st2")
        await pilot.press("space")
        await choose(pilot, table, "st0")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ComparisonScreen))
        assert isinstance(app.screen, ComparisonScreen)
        assert app.screen.shown.first.record_id == "st0"  # the older one, whichever was marked
        await pilot.press("e")
        exports = made_host.folder / "exports"
        await until(pilot, lambda: bool(list(exports.glob("*/compare.json"))))


async def test_what_is_not_compared_is_said(made_host: MadeHost) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        table = await opened(pilot, app)
        await choose(pilot, table, "lo1")
        await pilot.press("space")
        await choose(pilot, table, "st1")
        await pilot.press("d")
        await until(pilot, lambda: len(app._notifications) > 0)
        assert isinstance(app.screen, HistoryScreen)
        assert "a start is compared with a start" in next(iter(app._notifications)).message


async def test_charts_show_what_is_searched_for(made_host: MadeHost) -> None:
    host = made_host.host()
    fill(host.history_file)
    stored(host)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        table = await opened(pilot, app)
        charts = app.screen.query_one(SeriesPanel)
        await until(pilot, lambda: len(charts.view.lines) >= 3)
        by_words = {each.words: each for each in charts.view.lines}
        assert [value for _, value in by_words["chat start"].points] == [44.0, 45.0, 46.0]
        assert {"chat TTFT", "serverless TTFT"} <= by_words.keys()
        await pilot.press("slash")
        await typed(pilot, "kind:start st1")
        await until(pilot, lambda: keys_of(table) == ["st1"])
        await until(pilot, lambda: "chat TTFT" not in [each.words for each in charts.view.lines])
        await pilot.press("t")
        assert not charts.display


@pytest.mark.parametrize("size", [(80, 24), (60, 16)], ids=str)
async def test_a_small_screen_shows_the_list_alone(
    size: tuple[int, int], made_host: MadeHost
) -> None:
    fill(made_host.host().history_file)
    app = made_host.app()
    async with app.run_test(size=size) as pilot:
        table = await opened(pilot, app)
        charts = app.screen.query_one(SeriesPanel)
        assert not charts.display
        await pilot.press("t")
        await until(pilot, lambda: bool(charts.view.lines) and table.size.height > 2)


@pytest.mark.process
async def test_who_started_and_who_stopped_a_server_stays_in_the_history(
    made_host: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = iter(("ana, pts/3, from 10.0.0.7", "bo, pts/1"))
    monkeypatch.setattr("backends.operations.servers.ordered_by", lambda: next(people))
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
    with closing(open_history(made_host.host().history_file)) as history:
        (kept,) = history.recent_starts()
    assert (kept.started_by, kept.stopped_by) == ("ana, pts/3, from 10.0.0.7", "bo, pts/1")
    assert kept.ended_wall_s is not None
    assert kept.ended_wall_s > kept.began_wall_s
