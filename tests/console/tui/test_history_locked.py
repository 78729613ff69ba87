"""Another process holds the history: the console goes on, and what it measured is there later."""

import asyncio
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from backends.history.history import open_history
from backends.operations import meter_store
from console.tui.actions.records import HISTORY
from console.tui.screens.history import HistoryScreen
from tests.console.conftest import MadeHost, started, until
from tests.console.stage import ROOT
from tests.console.tui.test_ab import ended

HELD_S = 10.0

LONGEST_GAP_S = 0.5
"""The tests share their cores; a loop that waits for a lock stands still for seconds."""

HOLDER = """
import fcntl, sqlite3, sys
lock = open(sys.argv[1] + ".lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
sqlite3.connect(sys.argv[1], isolation_level=None).execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""

OPENS = {"sqlite3.connect", "fcntl.flock"}

opened_on: list[int] = []


def _audit(event: str, _: object) -> None:
    if event in OPENS:
        opened_on.append(threading.get_ident())


@pytest.fixture
def opened() -> list[int]:
    """Give the threads on which a database was opened or a lock waited for, as it happens."""
    if not hasattr(sys, "_inferctl_audited"):
        sys.addaudithook(_audit)  # which cannot be taken away again
        sys._inferctl_audited = True  # type: ignore[attr-defined]
    opened_on.clear()
    return opened_on


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.communicate()


async def heartbeat(gaps_s: list[float]) -> None:
    before_s = time.monotonic()
    while True:
        await asyncio.sleep(0.01)
        now_s = time.monotonic()
        gaps_s.append(now_s - before_s)
        before_s = now_s


async def test_a_lock_of_ten_seconds_stops_no_key_and_loses_no_run(
    made_host: MadeHost, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_store, "WRITE_EVERY_S", 0.5)
    app, gaps_s = made_host.app(), list[float]()
    async with app.run_test(size=(120, 35)) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: app.session.meter is not None)
        with held_by_another(app.host.history_file):
            until_s = time.monotonic() + HELD_S
            beat = asyncio.create_task(heartbeat(gaps_s))
            await pilot.press("a")
            await until(pilot, lambda: ended(app) and HISTORY in app.session.failed_sources)
            await until(pilot, lambda: time.monotonic() > until_s)
            beat.cancel()
            assert app.history.unwritten or app.history.spools
        await until(pilot, lambda: HISTORY not in app.session.failed_sources)
        await until(pilot, lambda: not app.history.unwritten and not app.history.spools)
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
    assert max(gaps_s) < LONGEST_GAP_S
    assert opened
    assert threading.get_ident() not in opened
    with closing(open_history(app.host.history_file)) as history:
        (series,) = history.recent_series()
        assert series.report["complete"]
        assert len(history.runs_of(series.series_id)) == 2
        assert history.load_meter(meter_store.METER)["last_s"] > 0
        assert history.tests_usd(0.0, math.inf) == app.context.tests_usd > 0


async def test_a_console_that_opens_on_a_locked_history_takes_it_up_later(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    open_history(app.host.history_file).close()
    with ExitStack() as held:
        held.enter_context(held_by_another(app.host.history_file))
        async with app.run_test(size=(120, 35)) as pilot:
            await until(pilot, lambda: app.session.servers_seen)
            assert app.session.meter is None
            held.close()
            await until(pilot, lambda: app.session.meter is not None)
