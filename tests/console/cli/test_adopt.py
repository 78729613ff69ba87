"""``inferctl adopt``: a vLLM of somebody else is remembered, one of ours gets a new keeper."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.domain.facts import BecameReady
from backends.host import processes
from backends.keeper.client import follow, stop
from backends.keeper.folder import server_folder
from backends.operations import servers
from backends.servers.adopted import remembered
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from backends.settings.paths import state_folder
from console.__main__ import main
from tests.console.stage import ROOT, free_port, host_in, serving, somebody_elses_vllm
from tests.polling import until

NOT_FOUND = 3


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Let the servers of others into the lists: these tests are about them."""


async def adopt(port: int, *flags: str) -> int:
    return await asyncio.to_thread(main, ["adopt", "--port", str(port), *flags])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (server,) = json.loads(capsys.readouterr().out)["servers"]
    assert isinstance(server, dict)
    return server


async def test_somebody_elses_vllm_is_told_and_remembered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with somebody_elses_vllm(tmp_path, "--max-model-len", "2048") as (pid, port):
        await serving(state_folder(), pid)
        assert await adopt(port, "--json") == 0
        server = told(capsys)
        assert (server["name"], server["owner"]) == (f"vllm-{port}", "external")
        assert (server["pid"], server["model"]) == (pid, "org/theirs")
        assert server["arguments"][-2:] == ["--max-model-len", "2048"]
        assert 0 < server["uptime_s"] < 60
        assert (server["gpu_memory_bytes"] is None) == bool(server["gpu_memory_reason"])
        assert server["metrics"]["requests_running"] == 0
        assert server["reason"].startswith("of user ")
        assert [one.pid for one in remembered(state_folder())] == [pid]
        assert await adopt(port) == 0
        lines = capsys.readouterr()
        assert "external" in lines.out
        assert f"http://127.0.0.1:{port}/v1#org/theirs" in lines.err
    assert remembered(state_folder()) == ()


@pytest.mark.parametrize("flags", [("--api-key", "sesame-1234"), ("--api-key=sesame-1234",)])
async def test_a_key_in_somebody_elses_arguments_is_not_passed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
) -> None:
    with somebody_elses_vllm(tmp_path, *flags) as (pid, port):
        await serving(state_folder(), pid)
        assert await adopt(port) == 0
        assert await adopt(port, "--json") == 0
        lines = capsys.readouterr()
        assert "sesame" not in lines.out + lines.err
        assert "--api-key" in lines.out
        kept = (state_folder() / "watched.json").read_text()
        assert "sesame" not in kept


async def test_where_nothing_listens_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert await adopt(port) == NOT_FOUND
    assert f"nothing listens on port {port}" in capsys.readouterr().err


async def test_what_is_no_vllm_is_named_and_not_adopted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        assert await adopt(port) == NOT_FOUND
        error = capsys.readouterr().err
        assert f"pid {os.getpid()}" in error
        assert "not a vLLM" in error
    assert remembered(state_folder()) == ()


def test_a_vllm_that_does_not_listen_yet_is_watched_from_now_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    script = tmp_path / "vllm"
    script.write_text("import time\n\ntime.sleep(600)\n")
    with subprocess.Popen([sys.executable, script, "serve", "m", "--port", str(port)]) as waiting:
        try:
            assert main(["adopt", "--pid", str(waiting.pid), "--json"]) == 0
            server = told(capsys)
            assert (server["state"], server["phase"]) == ("starting", "launch")
            assert server["keeper_pid"] is not None
        finally:
            waiting.kill()


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Profile]:
    """A ready simulated server of ours; the keeper's folder is that of this user."""
    vllm = tmp_path / "vllm"
    vllm.write_text(
        f"#!{sys.executable}\nimport sys\n\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from backends.simulated.vllm import main\n\nmain()\n"
    )
    vllm.chmod(0o755)
    speed = ("INFERCTL_SIMULATED_SPEED", "200")
    profile = Profile("ours", "org/ours", str(vllm), port=free_port(), environment=(speed,))
    host = replace(host_in(tmp_path), state_folder=state_folder())
    await asyncio.to_thread(servers.start, host, profile)
    async for fact in follow(server_folder(state_folder(), "ours")):
        if isinstance(fact, BecameReady):
            break
    yield profile
    async for _ in stop(server_folder(state_folder(), "ours"), by="the end of the test"):
        pass


def keeper_of_ours() -> int | None:
    (server,) = [one for one in list_servers(state_folder()) if one.name == "ours"]
    return server.keeper_pid


async def test_one_of_ours_is_kept_already(
    ours: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = await asyncio.to_thread(keeper_of_ours)
    assert await adopt(ours.port, "--json") == 0
    lines = capsys.readouterr()
    assert json.loads(lines.out)["servers"][0]["keeper_pid"] == keeper
    assert "already" in lines.err
    assert remembered(state_folder()) == ()


def _has_ended(pid: int) -> bool:
    found = processes.read(pid)
    return found is None or found.state in processes.ENDED_STATES


async def test_one_of_ours_whose_keeper_was_killed_gets_a_new_one(
    ours: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = await asyncio.to_thread(keeper_of_ours)
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: _has_ended(keeper))
    assert await adopt(ours.port, "--json") == 0
    server = told(capsys)
    assert server["keeper_pid"] not in {None, keeper}
    assert server["owner"] == "managed"
    assert processes.read(server["keeper_pid"]) is not None
