"""Servers under true keepers, and the certainty that nothing of them outlives a test."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from backends.domain.facts import ServerFact, Spawned
from backends.host import processes
from backends.host.processes import Process
from backends.host.survivors import MARKER
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.keeper.launch import launch
from backends.keeper.order import LaunchOrder
from backends.keeper.take import spawned

FAKE = Path(__file__).with_name("fake_server.py")


@dataclass
class Bench:
    """Launches fake servers and reads what became of them."""

    state: Path
    used: list[Path] = field(default_factory=list)

    def order(
        self, name: str = "fake", port: int | None = None, **fake: str | float
    ) -> LaunchOrder:
        port = port or free_port()
        return LaunchOrder(
            server=name,
            argv=(sys.executable, str(FAKE), "serve", "fake", "--port", str(port)),
            environment={f"FAKE_{key.upper()}": str(value) for key, value in fake.items()},
            host="127.0.0.1",
            port=port,
            model="fake",
            start_id=uuid4().hex,
            term_grace_s=1.0,
        )

    def launch(self, order: LaunchOrder | None = None, **fake: str | float) -> Path:
        order = order or self.order("fake", None, **fake)
        folder = server_folder(self.state, order.server)
        self.used.append(folder)
        launch(order, folder)
        return folder

    def start(self, folder: Path) -> Spawned:
        return spawned(read_journal(ServerFolder(folder).journal))

    def keeper_pid(self, folder: Path) -> int:
        keeper = keeper_id(ServerFolder(folder))
        assert keeper is not None
        return keeper.pid

    def keeper_lives(self, folder: Path) -> bool:
        keeper = keeper_id(ServerFolder(folder))
        return keeper is not None and processes.is_alive(keeper)

    def members(self, folder: Path) -> list[Process]:
        begun = self.start(folder)
        marker = f"{begun.server}:{begun.start_id}"
        return [
            one
            for one in processes.running()
            if processes.environment_value(one.id.pid, MARKER) == marker
        ]

    def strike(self, folder: Path, number: signal.Signals) -> None:
        os.kill(self.start(folder).process.pid, number)

    def clean(self) -> None:
        for folder in self.used:
            if keeper := keeper_id(ServerFolder(folder)):
                processes.send(keeper, signal.SIGKILL, lambda _: True)
            for one in self.members(folder):
                processes.send(one.id, signal.SIGKILL, lambda _: True)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Launch servers under this test's own state folder."""
    made = Bench(tmp_path / "state")
    yield made
    made.clean()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(
    facts: AsyncIterator[ServerFact], *kinds: type[ServerFact], within_s: float = 20.0
) -> list[ServerFact]:
    """Return all facts up to the first of one of these kinds."""
    seen: list[ServerFact] = []
    async with asyncio.timeout(within_s):
        async for fact in facts:
            seen.append(fact)
            if isinstance(fact, kinds):
                return seen
    raise AssertionError(f"the keeper left before {kinds}: {seen}")


async def everything(facts: AsyncIterator[ServerFact], within_s: float = 20.0) -> list[ServerFact]:
    """Return all facts until the keeper leaves."""
    async with asyncio.timeout(within_s):
        return [fact async for fact in facts]


async def eventually(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def last(facts: list[ServerFact], kind: type[ServerFact]) -> ServerFact:
    return next(fact for fact in reversed(facts) if isinstance(fact, kind))
