"""The stop key on a unit of systemd, by recorded answers of systemctl over true processes."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Static

from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.host.container import Place
from backends.operations import servers
from backends.operations.host import Host
from backends.servers import runtimes
from backends.servers.listing import list_servers
from backends.settings.config import Settings
from console.tui.app import InferctlApp
from console.tui.screens.question import Question
from tests.backends.operations import test_units as units
from tests.console.stage import until
from tests.polling import until as wait_until

host = units.host


@pytest.fixture(autouse=True)
def _in_its_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "place_of", lambda _: Place(RuntimeKind.SYSTEMD, units.UNIT))


def listed(host: Host, name: str) -> Server | None:
    return next((one for one in list_servers(host.state_folder) if one.name == name), None)


@pytest.mark.parametrize("described", [True, False], ids=["of a profile", "of others"])
async def test_the_stop_key_has_systemd_stop_a_unit_and_says_before_what_starts_it_again(
    host: Host, tmp_path: Path, described: bool
) -> None:
    profile = units.profile_of(host)
    servers.start(host, profile)
    wait_until(lambda: (one := listed(host, "ours")) and one.state is ServerState.READY)
    app = InferctlApp(host if described else replace(host, settings=Settings()), "ours")
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: app.check_action("server", ("stop",)))
        assert app.session.life is not None
        assert app.session.life.server.owner is Owner.EXTERNAL
        assert bool(app.check_action("server", ("restart",))) is described
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        sentence = str(app.screen.query_one(Static).content)
        assert "systemd starts it again when it ends by itself (always)" in sentence
        assert f"sudo systemctl stop {units.UNIT}" in sentence
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.session.life and app.session.life.server.pid is None)
        assert bool(app.check_action("server", ("start",))) is described
    asked = (tmp_path / "systemd" / "asked").read_text().splitlines()
    assert f"stop {units.UNIT}" in asked
