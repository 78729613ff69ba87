"""Draining over simulated servers that stream, ordered by the verbs of several clients at once."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.facts import FirstTokenSeen, StopOrdered, Stopped, StopProgressed
from backends.keeper import client
from backends.keeper.order import LaunchOrder
from tests.backends.keeper.conftest import Bench, everything, until
from tests.backends.keeper.matrix.census import Census
from tests.backends.keeper.matrix.consoles import inferctl
from tests.backends.keeper.matrix.held import write_start
from tests.backends.keeper.matrix.scene import NAME, scene

SPEED = 4.0


def _order(bench: Bench, folder: Path, *arguments: str) -> LaunchOrder:
    write_start(folder / "start.toml", "ready", engine_exists=True)
    order = bench.order()
    return replace(
        order,
        argv=(
            *(sys.executable, "-m", "backends.simulated.vllm", "serve", "fake"),
            *("--port", str(order.port), *arguments),
        ),
        environment={
            "INFERCTL_SIMULATED_START": str(folder / "start.toml"),
            "INFERCTL_SIMULATED_SPEED": str(SPEED),
        },
        term_grace_s=5.0,
    )


@asynccontextmanager
async def _stream(port: int, tokens: int) -> AsyncIterator[asyncio.Task[bytes]]:
    """Begin a completion of so many tokens, 152 of which take a second."""
    body = json.dumps({"prompt": "on", "max_tokens": tokens, "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    first = await reader.readuntil(b"data:")

    async def rest() -> bytes:
        return first + await reader.readuntil(b"[DONE]")

    task = asyncio.create_task(rest())
    try:
        yield task
    finally:
        task.cancel()
        writer.close()


async def test_a_drain_lets_a_stream_finish_and_says_how_many_run(
    bench: Bench, tmp_path: Path
) -> None:
    order = _order(bench, tmp_path)
    folder = await asyncio.to_thread(bench.launch, order)
    await until(client.follow(folder), FirstTokenSeen)
    async with _stream(order.port, 200) as stream:
        facts = await everything(client.stop(folder, "test", drain_s=20), within_s=30)
        assert (await stream).endswith(b"[DONE]")
    steps = [fact.step for fact in facts if isinstance(fact, StopProgressed)]
    assert steps[0] == "requests running: 1, 20 s left; new ones are accepted"
    assert steps[1] == "no request is running"
    assert isinstance(facts[-1], Stopped)


@pytest.mark.slow
async def test_a_server_that_drains_itself_refuses_what_is_new(
    bench: Bench, tmp_path: Path
) -> None:
    order = _order(bench, tmp_path, "--shutdown-timeout", "16")
    folder = await asyncio.to_thread(bench.launch, order)
    await until(client.follow(folder), FirstTokenSeen)
    async with _stream(order.port, 200) as stream:
        stop = client.stop(folder, "test", drain_s=20)
        facts = await until(stop, StopProgressed)
        reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
        head = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n"
        writer.write(head + b'{"prompt": "x"}')
        assert b" 500 " in await reader.readline()
        writer.close()
        facts += await everything(stop, within_s=30)
        assert (await stream).endswith(b"[DONE]")
    steps = [fact.step for fact in facts if isinstance(fact, StopProgressed)]
    assert steps[0].endswith("which lets requests finish")
    assert steps[1].endswith("new ones are refused")
    assert not any("SIGKILL" in step for step in steps)
    assert isinstance(facts[-1], Stopped)


@pytest.mark.slow
async def test_of_two_verbs_beside_a_waiting_one_one_order_wins_and_all_see_it(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    async with scene(home, "ready", "api_server", speed=SPEED, census=Census()) as at:
        follower = asyncio.create_task(everything(client.follow(at.folder), within_s=40))
        told = await asyncio.gather(
            inferctl("stop", NAME, environment=at.environment),
            inferctl("stop", NAME, "--drain", "5", environment=at.environment),
        )
        followed = await follower
        (order,) = [fact for fact in at.facts() if isinstance(fact, StopOrdered)]
    assert [code for code, _, _ in told] == [0, 0]
    assert all(f"stop ordered by {order.by}" in said for _, _, said in told)
    assert all(f"{NAME} is stopped" in said for _, _, said in told)
    assert isinstance(followed[-1], Stopped)
