"""Lists and tables: what is chosen, and which columns fit."""

from dataclasses import replace

from textual.app import ComposeResult

from tests.widgets import list_samples
from tests.widgets.stage import Stage
from widgets.columns import Column, fitting
from widgets.gpu_table import GpuTable, GpuTableView, table_rows
from widgets.history_table import HistoryTable, HistoryView, StartRecord
from widgets.history_table import table_rows as history_rows
from widgets.welcome import ItemKind, Welcome, WelcomeView


class WelcomeStage(Stage):
    """Remembers what was chosen."""

    def __init__(self) -> None:
        super().__init__(Welcome, list_samples.WELCOME["found"])
        self.chosen: list[tuple[ItemKind, str]] = []

    def on_welcome_chosen(self, event: Welcome.Chosen) -> None:
        self.chosen.append((event.kind, event.value))


class HistoryStage(Stage):
    """Remembers what was opened."""

    def __init__(self) -> None:
        super().__init__(HistoryTable, list_samples.HISTORY["mixed"])
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield from super().compose()

    def on_history_table_opened(self, event: HistoryTable.Opened) -> None:
        self.opened.append(event.record_id)


async def test_what_was_found_can_be_chosen() -> None:
    app = WelcomeStage()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("enter", "down", "enter", "end", "enter")
        await pilot.pause()
    assert app.chosen == [("server", "8000"), ("model", "openai/gpt-oss-120b"), ("demo", "demo")]


async def test_headings_and_reasons_cannot_be_chosen() -> None:
    app = WelcomeStage()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        welcome = app.query_one(Welcome)
        enabled = [option for option in welcome.options if not option.disabled]
        assert len(enabled) == len(list_samples.WELCOME["found"].items)


async def test_the_choice_survives_a_new_view_and_a_resize() -> None:
    app = WelcomeStage()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down")
        welcome = app.query_one(Welcome)
        welcome.view = replace(welcome.view, looking=True)
        await pilot.resize_terminal(40, 12)
        await pilot.press("enter")
        await pilot.pause()
    assert app.chosen == [("model", "openai/gpt-oss-120b")]


async def test_an_empty_welcome_can_be_mounted() -> None:
    app = Stage(Welcome, WelcomeView())
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("enter", "down")
        assert app.query_one(Welcome).option_count == 0


async def test_a_record_is_opened_by_its_id() -> None:
    app = HistoryStage()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("enter", "down", "enter")
        await pilot.pause()
    assert app.opened == ["x1", "s1"]


async def test_a_new_sample_keeps_the_cursor() -> None:
    app = Stage(GpuTable, list_samples.GPUS["two"])
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("down", "down")
        table = app.query_one(GpuTable)
        gpus = table.view.sample.gpus
        table.view = GpuTableView(
            replace(table.view.sample, gpus=(replace(gpus[0], busy_percent=5.0), gpus[1]))
        )
        await pilot.pause()
        assert table.cursor_row == 2


def test_every_process_has_an_owner_in_words() -> None:
    rows = table_rows(list_samples.GPUS["two"])
    owners = [row.owner for row in rows if "└" in row.what]
    assert owners == ["● gpt-oss", "✖ not ours", "— unknown", ""]
    assert rows[3].memory == "—"
    assert rows[-1].what == "  └ — processes"


def test_history_is_newest_first_and_keeps_differing_years() -> None:
    rows = history_rows(list_samples.HISTORY["mixed"])
    assert [row.when for row in rows] == ["11-21 09:20", "11-21 09:14", "11-20 18:02"]
    view = HistoryView(
        (StartRecord("a", "2025-12-31 23:59", "x"), StartRecord("b", "2026-01-01 00:01", "x"))
    )
    assert [row.when for row in history_rows(view)] == ["2026-01-01 00:01", "2025-12-31 23:59"]


def test_the_least_wanted_column_gives_way_first() -> None:
    columns: list[Column[str]] = [
        Column("name", str, 0, least=4),
        Column("second", lambda _: "22", 1),
        Column("third", lambda _: "333", 2),
    ]
    rows = ["a long name of a row"]

    def heads(width: int) -> list[str]:
        return [column.head for column, _ in fitting(columns, rows, width)]

    assert heads(80) == ["name", "second", "third"]
    assert heads(25) == ["name", "second", "third"]
    assert heads(18) == ["name", "second"]
    assert heads(8) == ["name"]
    for width in range(4, 60):
        assert sum(size + 2 for _, size in fitting(columns, rows, width)) <= width
