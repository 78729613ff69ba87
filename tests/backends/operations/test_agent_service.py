"""What the agent answers to whoever connects, however it behaves."""

import asyncio
import socket
from pathlib import Path

import pytest

from backends.agent.greeting import Status
from backends.operations.agent.service import Service

ORDERS = 20_000


async def test_who_asks_without_end_and_reads_nothing_is_not_answered_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = 0

    def status(_: Service) -> Status:
        nonlocal answered
        answered += 1
        return Status(1, "0", 1, 0.0, (), 0, False, "")

    monkeypatch.setattr(Service, "status", status)
    service, path = Service(), str(tmp_path / "agent.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    listener.setblocking(False)
    running = asyncio.create_task(service.run(listener))
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"order":"status"}\n' * ORDERS)
    for _ in range(3 * ORDERS):  # turns of the loop in which it could answer all
        await asyncio.sleep(0)
    assert 0 < answered < ORDERS / 2
    for _ in range(1 + ORDERS):  # the greeting first
        assert await reader.readline()
    assert answered == ORDERS
    writer.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await service.close()
