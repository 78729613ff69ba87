"""A console whose agent cannot be had keeps the record itself, and says so until it can."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.agent.client import AgentUnavailable
from backends.agent.messages import Message, Snapshot
from backends.domain.billing.account import Account
from backends.history.thread import HistoryThread
from backends.operations.host import Host
from backends.operations.recording import by_agent, feed
from backends.operations.recording.feed import RecordFeed
from tests.console.stage import host_in

FROM_AGENT = Snapshot(Account(), problem="of the agent")


async def test_a_missing_agent_is_said_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def begin(_: Host) -> None:
        begun.append(True)
        if len(begun) == 1:
            raise AgentUnavailable("no room for it")

    async def follow(*_: Any) -> AsyncIterator[Message]:
        yield FROM_AGENT

    monkeypatch.setattr(by_agent, "kept_by_agent", lambda _: True)
    monkeypatch.setattr(by_agent, "begin_agent", begin)
    for name, stand_in in (("something_runs", bool), ("has_work", bool), ("follow", follow)):
        monkeypatch.setattr(feed, name, stand_in)
    monkeypatch.setattr(feed, "AGAIN_S", 0.3)
    host = host_in(tmp_path)
    records = RecordFeed(lambda: host, HistoryThread(host.history_file))
    said = {}
    messages = records.messages()
    async for message in messages:
        if isinstance(message, Snapshot):
            said[message.problem] = records.problem
        if message is FROM_AGENT:
            break
    await messages.aclose()  # type: ignore[attr-defined]
    assert said == {"": "no room for it", "of the agent": ""}
    assert len(begun) == 2
