"""Servers that nobody here can ask: no state is claimed of them, and the reason stands there."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.domain.billing.meter import activity_of
from backends.domain.server import Owner, Server, ServerState
from backends.http1 import Address
from backends.problem import NotFound
from backends.servers import listing
from backends.servers.adoption import watch_order
from backends.servers.listing import list_servers
from tests.polling import until

Started = Callable[..., Server]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Starts a ``vllm serve`` of somebody else that never listens, and returns it as listed."""
    script = tmp_path / "vllm"
    script.write_text("import time; time.sleep(600)")
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> Server:
        process = subprocess.Popen([sys.executable, str(script), "serve", "org/m", *arguments])
        processes.append(process)

        def found() -> Server | None:
            return next((one for one in list_servers(None) if one.pid == process.pid), None)

        return until(found)

    yield start
    for each in processes:
        each.kill()
        each.wait()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--headless", "--data-parallel-start-rank", "4"), "--headless makes it an engine"),
        (("--uds", "/run/vllm.sock"), "--uds makes it listen on a Unix socket"),
        (("--ssl_certfile=/c.pem",), "--ssl-certfile makes it speak TLS"),
        (("--grpc",), "--grpc makes it speak gRPC"),
    ],
    ids=["headless", "unix socket", "tls", "grpc"],
)
def test_one_that_does_not_speak_http_on_a_port_is_in_no_known_state(
    started: Started, arguments: tuple[str, ...], reason: str
) -> None:
    server = started(*arguments)
    assert (server.owner, server.state) == (Owner.EXTERNAL, ServerState.UNKNOWN)
    assert (server.model, server.port, server.base_url) == ("org/m", None, None)
    assert server.address_reason.startswith(reason)
    with pytest.raises(NotFound, match="cannot be watched from here: " + reason):
        watch_order(server)


def test_one_that_does_not_listen_yet_is_starting_as_before(started: Started) -> None:
    assert started("--port", "1").state is ServerState.STARTING


def test_of_its_time_nothing_is_claimed() -> None:
    assert activity_of(ServerState.UNKNOWN, None) == "unwatched"


@pytest.mark.parametrize(
    ("before", "level", "state"),
    [
        (ServerState.SLEEPING, 1, ServerState.SLEEPING),
        (ServerState.SLEEPING, 0, ServerState.READY),
        (ServerState.READY, None, ServerState.READY),
    ],
)
def test_one_that_sleeps_and_lost_its_keeper_is_not_called_ready(
    before: ServerState, level: int | None, state: ServerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "health", lambda _: "")
    monkeypatch.setattr(listing, "sleep_level", lambda _: level)
    told = Server("s", Owner.MANAGED, before, pid=1)
    assert listing._asked(Address("127.0.0.1", 1), told) is state
