"""The list of servers: ours, what is left of ours, and those of others."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.facts import FirstTokenSeen
from backends.domain.server import Owner, Server, ServerState
from backends.domain.start import FailureKind
from backends.domain.vllm_arguments import is_server, model_argument
from backends.host import processes
from backends.host.ports import is_listening
from backends.keeper import client
from backends.keeper.launch import adopt
from backends.servers.listing import list_servers
from tests import polling
from tests.backends.keeper.conftest import FAKE, Bench, eventually, everything, free_port, until


@pytest.mark.parametrize(
    ("expected", "command"),
    [
        (True, "/usr/bin/python3 /env/bin/vllm serve m --port 1"),
        (True, "vllm serve m"),
        (True, "python -m vllm.entrypoints.openai.api_server --model m"),
        (True, "python3.12 -u -m vllm.entrypoints.cli.main serve m"),
        (False, "vllm bench serve --model m"),
        (False, "uv run vllm serve m"),
        (False, "timeout 60 vllm serve m"),
        (False, "grep vllm serve"),
        (False, "python -m vllm.entrypoints.cli.main bench"),
        (False, "vim vllm"),
        (False, "python -m"),
        (False, ""),
    ],
)
def test_a_server_is_told_from_what_only_mentions_one(expected: bool, command: str) -> None:
    assert is_server(tuple(command.split())) is expected


@pytest.mark.parametrize(
    ("expected", "command"),
    [
        ("org/m", "vllm serve org/m --port 1"),
        ("org/m", "vllm serve --port 1 --model org/m"),
        ("org/m", "python -m vllm.entrypoints.openai.api_server --model=org/m"),
        (None, "vllm serve --config c.yaml"),
        (None, "vllm serve"),
    ],
)
def test_the_model_is_read_from_the_command(expected: str | None, command: str) -> None:
    assert model_argument(tuple(command.split())) == expected


def _ours(state: Path) -> Server:
    (server,) = [one for one in list_servers(state) if one.owner is Owner.MANAGED]
    return server


async def test_a_kept_server_is_listed_with_its_keeper(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    server = await asyncio.to_thread(_ours, bench.state)
    assert server.state is ServerState.READY
    assert server.keeper_pid == bench.keeper_pid(folder)
    assert server.pid == bench.start(folder).process.pid
    assert server.ready_s is not None
    assert server.first_token_s is not None
    assert server.first_token_s >= server.ready_s
    await everything(client.stop(folder, "test"))
    assert (await asyncio.to_thread(_ours, bench.state)).state is ServerState.STOPPED


async def test_a_server_without_keeper_is_shown_as_it_is(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = processes.identity(bench.keeper_pid(folder))
    processes.send(keeper, signal.SIGKILL, lambda _: True)
    await eventually(lambda: not processes.is_alive(keeper))
    serving = await asyncio.to_thread(_ours, bench.state)
    assert (serving.state, serving.keeper_pid) == (ServerState.READY, None)
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    await eventually(lambda: len(bench.members(folder)) == 2)
    broken = await asyncio.to_thread(_ours, bench.state)
    assert broken.state is ServerState.FAILED
    left = {one.process for one in broken.survivors}
    assert left == {one.id for one in bench.members(folder)}
    for one in bench.members(folder):
        processes.send(one.id, signal.SIGKILL, lambda _: True)
    await eventually(lambda: not bench.members(folder))
    gone = await asyncio.to_thread(_ours, bench.state)
    assert gone.state is ServerState.FAILED
    assert gone.failure is not None
    assert gone.failure.kind is FailureKind.KILLED
    assert gone.survivors == ()


async def test_what_a_suspended_keeper_wrote_last_is_not_believed(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = bench.keeper_pid(folder)
    os.kill(keeper, signal.SIGSTOP)
    try:
        await eventually(lambda: f"kill -CONT {keeper}" in _ours(bench.state).note)
        still = await asyncio.to_thread(_ours, bench.state)
        assert (still.state, still.keeper_pid) == (ServerState.READY, keeper)
        os.kill(bench.start(folder).process.pid, signal.SIGKILL)
        await eventually(lambda: _ours(bench.state).state is ServerState.FAILED)
        for one in bench.members(folder):
            os.kill(one.id.pid, signal.SIGKILL)
        await eventually(lambda: not _ours(bench.state).survivors)
        gone = await asyncio.to_thread(_ours, bench.state)
        assert gone.failure is not None
        assert "while its keeper was suspended" in gone.failure.cause
    finally:
        os.kill(keeper, signal.SIGCONT)


@pytest.mark.parametrize("adopted", [False, True])
async def test_ours_is_never_listed_as_foreign_too(
    bench: Bench, tmp_path: Path, adopted: bool
) -> None:
    script = str(shutil.copy(FAKE, tmp_path / "vllm"))
    order = bench.order()
    folder = bench.launch(replace(order, argv=(sys.executable, script, *order.argv[2:])))
    await until(client.follow(folder), FirstTokenSeen)
    if adopted:
        os.kill(bench.keeper_pid(folder), signal.SIGKILL)
        await asyncio.to_thread(adopt, folder)
    pid = bench.start(folder).process.pid
    listed = await asyncio.to_thread(list_servers, bench.state)
    assert [one.owner for one in listed if one.pid == pid] == [Owner.MANAGED]
    api_equivalent = await asyncio.to_thread(list_servers, tmp_path / "other")
    assert [one.owner for one in api_equivalent if one.pid == pid] == [Owner.EXTERNAL]


async def test_a_cut_off_journal_is_no_obstacle(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"fact":"HealthCha')
    assert (await asyncio.to_thread(_ours, bench.state)).state is ServerState.READY


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server that somebody else started, ``vllm serve`` by its command line."""
    script = shutil.copy(FAKE, tmp_path / "vllm")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, script, "serve", "org/fake", "--port", str(port)],
        env={**os.environ, "FAKE_MODEL": "served"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process, port
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def test_a_foreign_server_is_listed_with_model_and_port(
    foreign: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    process, port = foreign
    await eventually(lambda: is_listening(port))
    listed = await asyncio.to_thread(list_servers, tmp_path)
    (server,) = [one for one in listed if one.pid == process.pid]
    assert (server.owner, server.state) == (Owner.EXTERNAL, ServerState.READY)
    assert (server.port, server.model) == (port, "served")
    assert server.base_url == f"http://127.0.0.1:{port}/v1"


def test_an_engine_without_its_server_is_listed_as_what_is_left(tmp_path: Path) -> None:
    engine = subprocess.Popen(
        ["VLLM::EngineCore", "600"], executable="/bin/sleep", start_new_session=True
    )
    try:
        # The kernel sets it a little after the program has begun.
        polling.until(lambda: processes.command_line(engine.pid))
        listed = [one for one in list_servers(tmp_path) if one.survivors]
        mine = [one for one in listed if one.survivors[0].process.pid == engine.pid]
        assert [one.state for one in mine] == [ServerState.FAILED]
        assert mine[0].survivors[0].name == "VLLM::EngineCore"
    finally:
        engine.kill()
        engine.wait()
