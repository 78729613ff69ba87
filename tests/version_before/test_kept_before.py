"""A server that a keeper of the version before keeps is seen, adopted and stopped by this one."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from backends.domain.server import ServerState
from backends.host import processes
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.operations.host import this_host
from backends.prober.cold_probe_runs import cold_probe_folder, worker_pid
from backends.settings.paths import state_folder
from console.tui.app import InferctlApp
from tests.console.cli.conftest import Cli, configure
from tests.console.conftest import free_port, until
from tests.version_before.earlier import EarlierVersion
from tests.version_before.record import endpoint

CONFIG = """
[server.chat]
model = "org/model"
vllm = "{vllm}"
port = {port}
[server.chat.environment]
INFERCTL_SIMULATED_SPEED = "100"

[endpoint.api]
base_url = "http://127.0.0.1:{api}/v1"
model = "org/model"
"""


@pytest.fixture
def kept(earlier: EarlierVersion, cli: Cli) -> Iterator[dict[str, Any]]:
    """Start a server with the version before, and give what its `start` said of it."""
    configure(CONFIG.format(vllm=earlier.simulated_vllm(), port=free_port(), api=9))
    started = earlier.run("start", "chat", "--wait", "--json")
    assert started.returncode == 0, started.stderr
    (server,) = json.loads(started.stdout)["servers"]
    yield server
    cli("stop", "chat")


def only(cli: Cli, *verb: str) -> dict[str, Any]:
    ran = cli(*verb, "--json")
    assert ran.code == 0, ran.err
    (server,) = ran.json()["servers"]
    return dict(server)


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that nobody has taken the exit status of does not."""
    return pid in {one.id.pid for one in processes.running()}


def test_it_is_listed_and_stopped_by_its_own_keeper(cli: Cli, kept: dict[str, Any]) -> None:
    seen = only(cli, "status")
    assert (seen["owner"], seen["state"]) == ("managed", "ready")
    assert (seen["pid"], seen["keeper_pid"]) == (kept["pid"], kept["keeper_pid"])
    assert "keeper" not in cli("status").err
    assert len(cli("logs", "chat", "-n", "5", "--json").json()["lines"]) == 5
    assert only(cli, "stop", "chat")["state"] == "stopped"
    assert not is_running(kept["pid"])


def test_it_gets_a_keeper_of_this_version_where_its_own_was_killed(
    cli: Cli, kept: dict[str, Any]
) -> None:
    keeper = keeper_id(ServerFolder(server_folder(state_folder(), "chat")))
    assert keeper is not None
    assert processes.send(keeper, signal.SIGKILL, lambda _: True)
    assert "inferctl adopt" in cli("status").err
    adopted = only(cli, "adopt", "--port", str(kept["port"]))
    assert adopted["pid"] == kept["pid"]
    assert adopted["keeper_pid"] not in {None, kept["keeper_pid"]}
    assert only(cli, "stop", "chat")["state"] == "stopped"
    assert not is_running(kept["pid"])


@pytest.mark.usefixtures("kept")
async def test_the_console_follows_it() -> None:
    app = InferctlApp(this_host(), "chat")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.life is not None)
        life = app.session.life
        assert life is not None
        await until(pilot, lambda: state_of(app) is ServerState.READY)


def state_of(app: InferctlApp) -> ServerState | None:
    return app.session.life.server.state if app.session.life else None


def test_a_cold_start_probe_that_still_runs_is_seen_and_ended(
    earlier: EarlierVersion, cli: Cli
) -> None:
    with endpoint(earlier) as api:
        configure(CONFIG.format(vllm="vllm", port=free_port(), api=api))
        begun = earlier.run("coldhunt", "api", "--gaps", "0.2s,60s", "--yes")
        assert begun.returncode == 0, begun.stderr
        pid = worker_pid(cold_probe_folder(state_folder(), "api"))
        assert pid is not None
        assert cli("coldprobe", "api", "--status", "--json").json()["pid"] == pid
        ended = cli("coldprobe", "api", "--stop")
        assert ended.code == 0, ended.err
        assert worker_pid(cold_probe_folder(state_folder(), "api")) is None
    folder = cold_probe_folder(state_folder(), "api")
    assert folder.path.parent.name == "cold_probes"
    assert folder.read_order() is not None
