"""What a killed keeper left, in the console: kept again while it serves, ended by a key else."""

import os
import signal

from backends.domain.server import ServerState
from backends.host import processes
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.servers.listing import list_servers, server_pids
from console.tui.app import InferctlApp
from console.tui.screens.question import Question
from tests.console.conftest import SERVER, MadeHost, started, until
from tests.console.tui.test_ab import footer

SIZE = (120, 35)


def _kill_keeper(made_host: MadeHost) -> int:
    keeper = keeper_id(ServerFolder(server_folder(made_host.host().state_folder, SERVER)))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    return keeper.pid


def _server_pid(app: InferctlApp) -> int:
    assert app.session.life is not None
    pid = app.session.life.server.pid
    assert pid is not None
    return pid


async def test_a_server_that_lost_its_keeper_is_kept_again(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        killed = _kill_keeper(made_host)
        await until(
            pilot,
            lambda: any(
                each.name == SERVER and each.keeper_pid not in (None, killed)
                for each in app.session.servers
            ),
        )
        assert app.session.life is not None
        assert app.session.life.server.state is ServerState.READY


async def test_what_serves_nobody_is_named_and_ended_by_the_key(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        assert "x" not in footer(app)
        pids = server_pids(made_host.host().state_folder)[SERVER]
        first = _server_pid(app)
        _kill_keeper(made_host)
        os.kill(first, signal.SIGKILL)
        await until(pilot, lambda: "x" in footer(app))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Question))
        asked = str(app.screen.query("Static").first().render())
        left = {pid for pid in pids if processes.read(pid)} - {first}
        assert left
        assert all(f"pid {pid} `VLLM::" in asked for pid in left)
        assert "yours, left behind by" in asked
        await pilot.press("down", "enter")
        await until(pilot, lambda: not any(processes.read(pid) for pid in left))
        await until(pilot, lambda: "x" not in footer(app))
    told = [each for each in list_servers(made_host.host().state_folder) if each.name == SERVER]
    assert not told[0].survivors
