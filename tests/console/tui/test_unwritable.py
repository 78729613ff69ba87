"""A disk that is full or broken costs what would have been written down, never the console."""

from contextlib import suppress
from pathlib import Path

import pytest

from backends.operations import meter_store
from backends.servers.own_traffic import TrafficNotRecorded, sending
from console.tui.actions.records import HISTORY
from tests.console.conftest import MadeHost, started, until
from tests.console.tui.test_ab import ended
from widgets.status_strip import StatusStrip

SIZE = (120, 35)


def lose_the_history(made_host: MadeHost) -> None:
    """Put a folder in its place, which not even root can write to."""
    place = made_host.folder / "history.sqlite"
    while not place.is_dir():  # a console that writes may put a new one there in between
        for file in made_host.folder.glob("history.sqlite*"):
            file.unlink(missing_ok=True)
        with suppress(FileExistsError):
            place.mkdir()


async def test_the_console_opens_without_a_history_and_says_why(made_host: MadeHost) -> None:
    lose_the_history(made_host)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        strip = app.screen.query_one(StatusStrip)
        await until(pilot, lambda: any("cannot be used" in each for each in strip.view.problems))
        await pilot.press("h")
        await until(pilot, lambda: any("history" in str(each) for each in app._notifications))


async def test_a_history_that_is_lost_meanwhile_costs_no_ab_and_may_come_back(
    made_host: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter_store, "WRITE_EVERY_S", 0.0)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: app.session.meter is not None)
        lose_the_history(made_host)
        await pilot.press("a")
        await until(pilot, lambda: ended(app) and HISTORY in app.session.failed_sources)
        assert app.session.ab is not None
        assert [run.error for run in app.session.ab.series.runs] == [None, None]
        (made_host.folder / "history.sqlite").rmdir()
        await until(pilot, lambda: HISTORY not in app.session.failed_sources)


async def test_no_ab_is_begun_that_would_pass_for_traffic(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        (made_host.folder / "sending").write_text("no folder")
        await pilot.press("a")
        await until(pilot, lambda: any("pass for traffic" in str(n) for n in app._notifications))
        assert app.session.ab is None


async def test_who_cannot_tell_of_a_test_is_told_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "sending").write_text("no folder")
    with pytest.raises(TrafficNotRecorded, match="free some space, or set XDG_STATE_HOME"):
        async with sending(tmp_path, []):
            raise AssertionError("begun")
