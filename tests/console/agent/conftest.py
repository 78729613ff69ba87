"""A made-up host whose record an agent keeps, as a process of its own."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from backends.agent import client
from backends.agent.client import AgentUnavailable
from backends.agent.greeting import Status
from backends.agent.messages import Snapshot
from backends.host import processes
from backends.operations.host import Host, this_host
from backends.operations.recording import by_agent
from tests.console.cli.conftest import cli, configured
from tests.console.conftest import MODEL, SERVER, MadeHost

__all__ = ["cli", "configured"]

WITHIN_S = 60.0


def wait_for(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait until a condition holds."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not come to hold"
        time.sleep(0.05)


class AgentHost:
    """The host, and what its agent tells."""

    def __init__(self, made: MadeHost) -> None:
        self.made = made
        self.host: Host = this_host()

    @property
    def status(self) -> Status | None:
        with suppress(AgentUnavailable):
            return client.status(self.host.state_folder)
        return None

    @property
    def record(self) -> Snapshot:
        """What the agent tells, once it has taken up what was kept."""
        found: list[Snapshot] = []

        def told() -> bool:
            with suppress(AgentUnavailable):
                found.extend(filter(None, [client.snapshot(self.host.state_folder)]))
            return bool(found) and found[-1].account.meter is not None

        wait_for(told)
        return found[-1]

    def reads(self) -> bool:
        status = self.status
        return status is not None and status.reads == (SERVER,)

    def requests(self) -> float | None:
        return self.record.account.ledger.of(SERVER).totals.requests

    def ask(self, count: int = 1) -> None:
        """Send the server requests, as its users do."""
        for _ in range(count):
            connection = http.client.HTTPConnection("127.0.0.1", self.made.profile.port, timeout=60)
            body = {"model": MODEL, "max_tokens": 4, "messages": [{"role": "user", "content": "?"}]}
            kind = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), kind)
            assert connection.getresponse().read()
            connection.close()

    def end_agent(self) -> None:
        with suppress(AgentUnavailable):
            client.stop(self.host.state_folder)


@pytest.fixture
def watched(configured: MadeHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentHost]:
    """Let agents keep records; the one of this host ends with the test."""
    monkeypatch.setattr(by_agent, "kept_by_agent", lambda host: not host.simulated)
    made = AgentHost(configured)
    yield made
    made.end_agent()
    for one in processes.running():
        if str(made.host.state_folder) in processes.command_line(one.id.pid):
            processes.send(one.id, signal.SIGKILL, lambda _: True)
