"""The agent keeps the record of its host, whoever looks, and survives what kills it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from backends.agent import client
from backends.agent.client import AgentUnavailable
from backends.agent.greeting import RELEASE, Hello, greeting
from backends.agent.messages import decode
from backends.agent.place import folder_of, socket_of
from backends.domain.billing.ledger import utc_day
from backends.domain.facts import BecameReady, Spawned
from backends.host import processes, spawn, unix_socket
from backends.keeper.folder import read_journal, server_folder
from backends.operations.agent import keeping
from backends.operations.agent.service import Service
from backends.operations.context import context_of
from backends.operations.decision import decide_all
from backends.operations.host import this_host
from backends.operations.meter_store import open_meter_store
from backends.operations.snapshot import snapshot
from backends.settings.paths import config_file
from tests.console.agent.conftest import AgentHost, wait_for
from tests.console.cli.conftest import Cli
from tests.console.conftest import SERVER

pytestmark = [pytest.mark.slow, pytest.mark.process]


@pytest.fixture
def serving(watched: AgentHost, cli: Cli) -> AgentHost:
    """Start the server by the verb, which begins the agent."""
    assert cli("start", SERVER, "--wait", "--force").code == 0
    wait_for(watched.reads)
    return watched


def pid_of(host: AgentHost) -> int:
    status = host.status
    assert status is not None
    return status.pid


def test_what_no_console_saw_is_in_the_bill(serving: AgentHost, cli: Cli) -> None:
    serving.ask(5)
    wait_for(lambda: serving.requests() == 6)  # the keeper's own probe for the first token
    assert cli("stop", SERVER).code == 0
    served = {each["server"]: each["requests"] for each in cli("cost", "--json").json()["servers"]}
    assert served == {SERVER: 6}
    meter = serving.record.account.meter
    assert meter is not None
    assert meter.starting_s > 0


def test_its_death_costs_no_request_and_no_second(serving: AgentHost) -> None:
    serving.ask(2)
    wait_for(lambda: serving.requests() == 3)
    before = serving.record.account.meter
    os.kill(pid_of(serving), signal.SIGKILL)
    serving.ask(3)
    client.ensure(serving.host.state_folder)
    wait_for(lambda: serving.requests() == 6)
    after = serving.record.account.meter
    assert before is not None
    assert after is not None
    assert after.began_s == before.began_s
    parts = (after.serving_s, after.idle_s, after.starting_s, after.stopped_s, after.unwatched_s)
    assert sum(parts) == pytest.approx(after.last_s - after.began_s, abs=0.01)
    journal = read_journal(server_folder(serving.host.state_folder, SERVER) / "journal.jsonl")
    (spawned,) = [fact.at.mono_s for fact in journal if isinstance(fact, Spawned)]
    (ready,) = [fact.at.mono_s for fact in journal if isinstance(fact, BecameReady)]
    assert after.starting_s == pytest.approx(ready - spawned, abs=3.5)  # one listing late at most


def test_a_verb_reads_the_agent_and_asks_no_server(
    serving: AgentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("the agent reads the server")

    monkeypatch.setattr("backends.operations.snapshot.scrape", refused)
    monkeypatch.setattr("backends.operations.snapshot.list_servers", refused)
    serving.ask(1)
    wait_for(lambda: serving.requests() == 2)
    session = snapshot(serving.host)
    assert session.life is not None
    assert session.life.server.name == SERVER
    assert session.totals.requests == 2
    decision = decide_all(session, context_of(serving.host), utc_day(session.now.wall_s))
    assert decision.rental.spent is not None


def test_two_that_are_started_at_once_are_one(watched: AgentHost) -> None:
    state = watched.host.state_folder
    folder_of(state).mkdir(mode=0o700)
    command = spawn.command("backends.operations.agent", str(state))
    several = [subprocess.Popen(command, env=spawn.environment()) for _ in range(3)]
    wait_for(lambda: sum(each.poll() is None for each in several) == 1 and watched.status)
    (living,) = [each for each in several if each.poll() is None]
    assert pid_of(watched) == living.pid
    assert all(each.returncode == 0 for each in several if each is not living)
    watched.end_agent()
    assert living.wait(20) == 0


def test_one_that_stood_still_fills_its_gap_from_the_journals(serving: AgentHost) -> None:
    pid = pid_of(serving)
    before = serving.record.account.meter
    os.kill(pid, signal.SIGSTOP)
    try:
        serving.ask(2)
        until_s = time.monotonic() + 7
        wait_for(lambda: time.monotonic() > until_s)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: serving.requests() == 3)
    after = serving.record.account.meter
    assert before is not None
    assert after is not None
    assert after.unwatched_s - before.unwatched_s >= 6


async def test_it_stays_without_a_server_if_the_configuration_says_so(
    watched: AgentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count(1)
    monkeypatch.setattr(keeping, "LOOK_S", 0.01)
    monkeypatch.setattr(keeping, "IDLE_S", 0.0)
    monkeypatch.setattr(keeping, "holds_socket", lambda *_: next(looks) > 0)
    written = config_file().read_text()
    config_file().write_text(f"{written}\n[agent]\nalways = true\n")
    living = asyncio.create_task(keeping.keep(this_host(), Service(), 0))
    while next(looks) < 10:
        assert not living.done()
        await asyncio.sleep(0.01)
    config_file().write_text(written)
    await asyncio.wait_for(living, 60)


def test_whoever_reads_the_record_begins_one_that_runs_always(watched: AgentHost, cli: Cli) -> None:
    assert cli("cost").code == 0
    assert watched.status is None
    config_file().write_text(f"{config_file().read_text()}\n[agent]\nalways = true\n")
    assert cli("cost", "--json").json()["spent"] is not None
    assert watched.status is not None


def test_it_ends_with_its_folder(watched: AgentHost) -> None:
    client.ensure(watched.host.state_folder)
    process = processes.identity(pid_of(watched))
    socket_of(watched.host.state_folder).unlink()
    wait_for(lambda: not processes.is_alive(process))


def test_whoever_is_no_agent_is_not_believed(watched: AgentHost) -> None:
    path = socket_of(watched.host.state_folder)
    path.parent.mkdir(mode=0o700)
    with unix_socket.listen(path) as listener:
        listener.setblocking(True)
        answering = subprocess.Popen([sys.executable, "-c", ANSWER], stdin=listener.fileno())
        with pytest.raises(AgentUnavailable, match="as it should"):
            client.status(watched.host.state_folder)
        answering.wait(20)


ANSWER = """
import socket
connection, _ = socket.socket(fileno=0).accept()
connection.sendall(b'{"ready": true}\\n')
connection.recv(1)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_hung_up_on(watched: AgentHost, tmp_path: Path) -> None:
    client.ensure(watched.host.state_folder)
    path = socket_of(watched.host.state_folder)
    connection = unix_socket.connect(path)
    assert connection is not None
    with connection:
        assert isinstance(decode(connection.makefile("rb").readline()), Hello)
    for folder in (path.parent, *path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    path.chmod(0o666)
    assert received_as(65534, path) == b""


def received_as(uid: int, path: Path) -> bytes:
    """Return the first bytes that another user gets from a socket."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setuid(uid)
        stranger = socket.socket(socket.AF_UNIX)
        stranger.connect(f"/proc/self/fd/{os.open(path.parent, os.O_PATH)}/{path.name}")
        os.write(writing, b"got " + stranger.recv(9))
        os._exit(0)
    os.close(writing)
    os.wait()
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    assert said.startswith(b"got ")
    return said[4:]


def test_an_order_that_is_too_long_or_unknown_is_hung_up_on(watched: AgentHost) -> None:
    client.ensure(watched.host.state_folder)
    for order in (b"x" * 100_000, b'{"order": "sudo"}\n', b"[" * 4000 + b"\n"):
        connection = unix_socket.connect(socket_of(watched.host.state_folder))
        assert connection is not None
        with connection, connection.makefile("rwb") as lines:
            lines.readline()
            lines.write(order)
            try:
                lines.flush()
                assert lines.readline() == b""
            except ConnectionError:
                pass
    assert watched.status is not None


def test_an_agent_of_an_older_release_is_replaced(
    serving: AgentHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = pid_of(serving)
    monkeypatch.setattr(client, "RELEASE", "9.0.0")
    client.ensure(serving.host.state_folder)
    assert not processes.read(old) or processes.read(old).state == "Z"  # type: ignore[union-attr]
    assert pid_of(serving) != old
    assert RELEASE != "9.0.0"


def test_a_greeting_of_a_newer_protocol_is_said() -> None:
    with pytest.raises(AgentUnavailable, match="do not understand"):
        client.check_greeting(greeting(Hello(99, "9.9.9", 1)))


def test_what_it_holds_is_what_the_history_gets(serving: AgentHost) -> None:
    serving.ask(3)
    wait_for(lambda: serving.requests() == 4)
    serving.end_agent()
    (serving.host.state_folder / "record.json").unlink()
    store = open_meter_store(serving.host)
    assert store.ledger.of(SERVER).totals.requests == 4
