"""Every screen and every export, fed with facts in which others wrote every text.

Facts and screens are those that the program itself lists, and every text of a fact or record is
filled in by its type: what is added later is looked at without anybody naming it.
"""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from textual.notifications import Notification
from textual.pilot import Pilot

from backends.domain.facts import Spawned
from backends.domain.server import Server
from backends.operations.host import Host
from backends.settings.config import Settings
from console.tui.actions.show import ScreenName
from console.tui.app import InferctlApp
from tests.console.cli.hostile import hostile, obeyed
from tests.console.conftest import until
from tests.console.hostile_host import SERVER, Cards, facts, fill_state


def drawn(app: InferctlApp) -> str:
    """Return every character that the screen on top sends to the terminal."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def told(app: InferctlApp) -> list[Notification]:
    return list(app._notifications)


def host_in(folder: Path) -> Host:
    return Host(Settings(), folder, folder / "history.sqlite", Cards)


KEYS = ("", "down", "enter", "1", "2", "3", "f", "t", "m")
"""What is pressed on each screen, so that its rows, records and columns are drawn too."""


async def test_no_screen_draws_and_no_export_writes_what_others_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.servers.listing.external_servers", lambda *_: [hostile(Server)])
    fill_state(tmp_path)
    app = InferctlApp(host_in(tmp_path), SERVER)
    seen: set[str] = set()
    async with app.run_test(size=(160, 60)) as pilot:
        await until(pilot, lambda: app.session.servers_seen)
        for fact in sorted(facts(), key=lambda fact: not isinstance(fact, Spawned)):
            app.happened(replace(fact, server=SERVER) if isinstance(fact, Spawned) else fact)
            await pilot.pause()
            seen.add(drawn(app))
        for name in get_args(ScreenName):
            app.action_show(name)
            await pilot.pause()
            for key in KEYS:
                await _press(pilot, key)
                seen.add(drawn(app))
                seen.add(app.export_screenshot())
            app.action_export()
            await until(pilot, lambda: any("written to" in each.message for each in told(app)))
            while len(app.screen_stack) > 2:
                app.pop_screen()
        seen.update(each.message for each in told(app))
    for text in seen:
        assert obeyed(text) == set()
    assert sum("FORGED" in text for text in seen) > 10
    written = [path for path in (tmp_path / "exports").rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert obeyed(path.read_text(encoding="utf-8")) == set()


async def _press(pilot: Pilot[str], key: str) -> None:
    if key:
        await pilot.press(key)
    await pilot.pause()
