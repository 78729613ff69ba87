"""What an endpoint refused is not sent again, until its table is another."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.domain.ab.facts import RunEnded
from backends.history.thread import HistoryThread
from backends.operations.ab_run import measured_series
from backends.operations.host import Host, open_this_hosts_gpus
from backends.operations.load_test import recorded_load
from backends.operations.refused_fields import remember, with_refused
from backends.prober.protocol import LoadOrder, Target
from backends.settings.config import Settings
from tests.backends.prober.scripted_server import (
    Conversation,
    Reply,
    a_good_stream,
    order_for,
    plain,
    serving,
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    folder = tmp_path / "state"
    folder.mkdir()
    return Host(Settings(), folder, folder / "history.sqlite", open_this_hosts_gpus)


def no_temperature(conversation: Conversation) -> None:
    if "temperature" in conversation.body:
        plain("400 Bad", b'{"error":{"param":"temperature","message":"no"}}')(conversation)
    else:
        a_good_stream(conversation)


def refusals(requests: list[Conversation]) -> int:
    return sum("temperature" in each.body for each in requests)


async def measured(host: Any, order: Any, **more: Any) -> tuple[str, ...]:
    """Return the fields that the last run was without."""
    found: tuple[str, ...] = ("nothing ran",)
    async for fact in measured_series(order, host, **more):
        if isinstance(fact, RunEnded):
            assert fact.run.error is None
            found = fact.run.not_sent
    return found


async def test_a_refused_field_is_remembered_for_that_endpoint(host: Host) -> None:
    with serving(no_temperature) as server:
        order = order_for(server.base_url, runs=1)
        for _ in range(2):
            assert "temperature" in await measured(host, order)
            assert refusals(server.requests) == 1
        changed = replace(order, targets=(replace(order.targets[0], model="other"),))
        assert "temperature" in await measured(host, changed)
        assert refusals(server.requests) == 2


async def test_a_check_asks_with_all_fields_again(host: Host) -> None:
    answer: list[Reply] = [no_temperature]

    def reply(conversation: Conversation) -> None:
        answer[0](conversation)

    with serving(reply) as server:
        order = order_for(server.base_url, runs=1)
        await measured(host, order)
        answer[0] = a_good_stream
        assert "temperature" in await measured(host, order)
        assert await measured(host, order, afresh=True) == ()
        assert await measured(host, order) == ()


async def test_a_load_learns_what_a_series_need_not_find_out(host: Host) -> None:
    with serving(no_temperature) as server:
        series = order_for(server.base_url, runs=1)
        (target,) = series.targets
        order = LoadOrder(target, "hi", 8, first_rps=30, step_s=0.3, max_requests=12)
        writer = HistoryThread(host.history_file)
        async for _ in recorded_load(writer, host, order, asyncio.Event()):
            pass
        # Requests of an open loop do not wait for the answer to the first.
        refused = refusals(server.requests)
        assert refused >= 1
        await measured(host, series)
        assert refusals(server.requests) == refused
        writer.close(5.0)


@pytest.mark.parametrize("content", [b"", b"{", b'{"endpoints": 1}', b'{"endpoints": {"x": []}}'])
def test_a_file_with_a_fault_is_as_none(content: bytes, host: Host) -> None:
    target = Target("a", "x", "http://127.0.0.1:9/v1", "m", api_key="sk-secret-value")
    path = host.state_folder / "refused-fields.json"
    path.write_bytes(content)
    assert with_refused([target], host)[0].refused == ()
    remember(target, ("temperature",), host)
    assert with_refused([target], host)[0].refused == ("temperature",)
    assert "sk-secret-value" not in path.read_text()
    assert with_refused([replace(target, api_key="another")], host)[0].refused == ("temperature",)
    remember(target, (), host)
    assert json.loads(path.read_text()) == {"endpoints": {}}


def test_a_folder_that_takes_no_file_costs_nothing_else(host: Host, tmp_path: Path) -> None:
    host = replace(host, state_folder=tmp_path / "gone")
    remember(Target("a", "x", "http://127.0.0.1:9/v1", "m"), ("temperature",), host)
