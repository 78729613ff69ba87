"""A history of a million runs that another process holds: no iteration of the loop feels it."""

import asyncio
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from backends.history.history import open_history
from backends.operations import meter_store
from console.tui.actions.records import HISTORY
from console.tui.screens.costs import CostScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.main import MainScreen
from tests.backends.history.many_runs import fill
from tests.console.conftest import MadeHost, started, state, until
from tests.console.tui.loop_pace import paced
from tests.console.tui.test_ab import ended
from tests.console.tui.test_history_locked import HELD_S, held_by_another
from widgets.history_table import HistoryTable

LONGEST_S = 0.05
"""Of everything but Textual's own layout and painting; `loop_pace` says why that is left out."""

LARGEST_BYTES = 1_000_000_000
"""A million runs of 220 tokens, and a year's starts beside them."""

OPENS_WITHIN_S = 5.0
"""On a machine that others use as well; nothing on screen stands still meanwhile."""

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "history.sqlite"
    fill(path)
    return path


async def test_a_lock_of_ten_seconds_and_a_million_runs_hold_up_no_iteration(
    made_host: MadeHost, million: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_store, "WRITE_EVERY_S", 0.5)
    files = [*million.parent.glob(f"{million.name}*")]
    assert sum(file.stat().st_size for file in files) <= LARGEST_BYTES
    app = made_host.app(history_file=million)
    opened_s = []
    async with app.run_test(size=(120, 35)) as pilot:
        with paced() as pace:
            await until(pilot, lambda: state(app) is not None and app.session.meter is not None)
            await started(pilot, app)
            for _ in range(2):
                for key, screen in (("h", HistoryScreen), ("c", CostScreen)):
                    asked_s = time.monotonic()
                    await pilot.press(key)
                    await until(pilot, lambda: isinstance(app.screen, screen))  # noqa: B023
                    opened_s.append(time.monotonic() - asked_s)
                    if screen is HistoryScreen:
                        table = app.screen.query_one(HistoryTable)
                        await until(pilot, lambda: table.row_count > 50)  # noqa: B023
                    await pilot.press("escape")
                    await until(pilot, lambda: isinstance(app.screen, MainScreen))
            with ExitStack() as held:
                await asyncio.to_thread(held.enter_context, held_by_another(million))
                free_at_s = time.monotonic() + HELD_S
                await pilot.press("a", "h", "c")
                await until(pilot, lambda: ended(app) and HISTORY in app.session.failed_sources)
                await until(pilot, lambda: time.monotonic() > free_at_s)
                assert app.history.unwritten
                await asyncio.to_thread(held.close)
            await until(pilot, lambda: not app.history.unwritten)
    assert app.session.ab is not None
    with closing(open_history(million)) as history:
        assert len(history.runs_of(app.session.ab.series.began.series_id)) == 2
    print(f"{pace.count} iterations, the longest {pace.longest}; opened in {opened_s}")
    assert pace.longest.ours_s < LONGEST_S, sorted(pace.slow, key=lambda each: -each.ours_s)[:8]
    assert max(opened_s) < OPENS_WITHIN_S
