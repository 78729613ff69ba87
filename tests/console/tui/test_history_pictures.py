"""What the history, a start of it and a comparison look like: fixed records by sizes."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.app import App
from textual.screen import Screen

from backends.domain.comparison import Side, compare_starts
from backends.domain.session import Session
from backends.domain.start import (
    Failure,
    FailureKind,
    Outcome,
    Phase,
    PhaseName,
    Start,
    StartMemory,
)
from backends.history.entries import Found
from backends.history.records import Note, Point, StartRecord
from backends.operations.recorded_start import RecordedStart
from console.tui.screens.comparison import ComparisonScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.record import RecordScreen
from console.tui.views.history import history_view
from console.tui.views.history_charts import charts_view
from tests.console.conftest import REPOSITORY
from widgets.history_table import HistoryView
from widgets.series_panel import SeriesView

Compare = Callable[..., bool]
SIZES = ((80, 24), (120, 35), (160, 45))
NOW_S = 1_796_000_000.0
OLD = ("--max-model-len", "131072", "--gpu-memory-utilization", "0.9")
NEW = ("--max-model-len", "61312", "--load-format", "fastsafetensors")
TOOK_S = (
    (PhaseName.LAUNCH, 1.2),
    (PhaseName.CONFIGURE, 4.1),
    (PhaseName.SPAWN_ENGINE, 3.9),
    (PhaseName.LOAD_WEIGHTS, 24.0),
    (PhaseName.COMPILE, 6.3),
    (PhaseName.CAPTURE_GRAPHS, 11.0),
    (PhaseName.START_API, 2.1),
)
FAILURE = Failure(
    FailureKind.KV_CACHE_TOO_SMALL,
    68,
    "line",
    "The KV cache has no room for 131072 tokens",
    "Set --max-model-len 61312, or raise",
)


def start(number: int, weights_s: float, args: tuple[str, ...]) -> StartRecord:
    """Return a start of which only the weights, and a little of the compilation, differ."""
    at_s, phases = 0.0, []
    for name, usual_s in TOOK_S:
        duration_s = weights_s if name is PhaseName.LOAD_WEIGHTS else usual_s + number % 3 / 10
        phases.append(Phase(name, at_s, duration_s))
        at_s += duration_s
    found = Start(
        f"st{number}",
        "0.32.0",
        "openai/gpt-oss-120b",
        Outcome.READY,
        at_s + 1.3,
        at_s + 0.7,
        at_s + 1.3,
        tuple(phases),
        0.7,
        memory=StartMemory(weights_gib=68.1, kv_cache_gib=100.2),
    )
    if number == 2:
        found = replace(found, outcome=Outcome.FAILED, failure=FAILURE, ready_s=None)
    by = "root, pts/3, from 10.0.0.7" if number % 2 else "ana, pts/1"
    began_s = NOW_S - (12 - number) * 86_400
    return StartRecord(
        "gpt-oss", found.model or "", args, began_s, found, None, by, "", began_s + 9e3
    )


STARTS = tuple(start(n, 24.0 + n / 10, OLD) for n in range(6)) + tuple(
    start(n, 13.0 + n / 10, NEW) for n in range(6, 12)
)
NOTES = {"st8": Note("st8", "first start on the new NVMe", NOW_S, "root, pts/3")}


class Fixed:
    """A history that says the same of whatever is asked."""

    async def listed(self, text: str) -> HistoryView:
        return history_view(Found(starts=STARTS[::-1], notes=NOTES), (), text)

    async def charts(self, text: str) -> SeriesView:
        starts = [Point("gpt-oss", each.began_wall_s, each.start.total_s or 0) for each in STARTS]
        ttft = [Point("serverless", NOW_S - n * 2e5, 0.55 + n / 100) for n in range(5, 0, -1)]
        usd = [Point("$ per day", NOW_S - n * 86_400, 30.0 + n) for n in range(11, 0, -1)]
        return charts_view(starts, ttft, usd, NOW_S)


def history() -> Screen[None]:
    view = history_view(Found(starts=STARTS[::-1], notes=NOTES))
    return HistoryScreen(replace(view, marked="st5"), Fixed())  # type: ignore[arg-type]


def comparison(first: int, second: int) -> Screen[None]:
    records = STARTS[first], STARTS[second]
    one, two = (
        Side(each.start.start_id, each.server, each.began_wall_s, each.args) for each in records
    )
    like = [
        [each.start for each in STARTS if each.args == record.args and each.start.ready_s]
        for record in records
    ]
    found = compare_starts((one, two), (records[0].start, records[1].start), (like[0], like[1]))
    return ComparisonScreen(found)


def record(number: int) -> Screen[None]:
    changes = ("- --max-model-len 131072", "+ --max-model-len 61312")
    note = NOTES.get(f"st{number}")
    return RecordScreen(RecordedStart(STARTS[number], changes), lambda _: None, note)


SCENES: dict[str, Callable[[], Screen[None]]] = {
    "history": history,
    "several": lambda: comparison(4, 8),
    "failed": lambda: comparison(2, 8),
    "start": lambda: record(8),
    "failed-start": lambda: record(2),
}


class Picture(App[None]):
    """One screen with nothing behind it."""

    CSS_PATH = str(REPOSITORY / "console" / "tui" / "inferctl.tcss")
    session = Session

    def __init__(self, screen: Callable[[], Screen[None]]) -> None:
        super().__init__()
        self._made = screen

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        self.push_screen(self._made())


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
def test_dark(scene: str, size: tuple[int, int], snap_compare: Compare) -> None:
    """Bars to the left are shorter; colour only where several starts say that it is no chance."""
    assert snap_compare(Picture(SCENES[scene]), terminal_size=size)
