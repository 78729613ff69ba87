"""Open-loop load against a server with one worker, whose capacity is therefore known."""

import asyncio
import threading
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.ab.load import LoadEnded, LoadStep
from backends.domain.prices.cost import RequestPrices
from backends.prober.client import run_load
from backends.prober.load import Load, LoadNews
from backends.prober.loop import Loop
from backends.prober.protocol import LoadOrder, Target
from tests.backends.prober.scripted_server import (
    Conversation,
    Reply,
    a_good_stream,
    plain,
    serving,
)

SERVICE_S = 0.02
PRICES = {"prices": RequestPrices(Decimal(1), Decimal(1))}


def one_worker() -> Reply:
    worker = threading.Lock()

    def reply(conversation: Conversation) -> None:
        with worker:
            conversation.wait(SERVICE_S)
        a_good_stream(conversation)

    return reply


def order(url: str, target: dict[str, Any] | None = None, **more: Any) -> LoadOrder:
    settings: dict[str, Any] = {
        "ttft_limit_s": 0.15,
        "first_rps": 10,
        "growth": 3,
        "step_s": 0.6,
        "max_s": 15,
        "seed": 5,
        **more,
    }
    return LoadOrder(Target("a", "x", url, "m", **(target or {})), "Say it.", 8, **settings)


def loaded(wanted: LoadOrder) -> tuple[list[LoadStep], LoadEnded]:
    news: list[LoadNews] = []
    loop = Loop()
    load = Load(wanted, loop, news.append)
    load.begin()
    loop.run(lambda: load.over)
    loop.close()
    *steps, end = news
    assert isinstance(end, LoadEnded)
    return [step for step in steps if isinstance(step, LoadStep)], end


def test_the_capacity_of_one_worker_is_found() -> None:
    with serving(one_worker()) as server:
        steps, end = loaded(order(server.base_url))
    assert end.reason == "the limit is found"
    assert end.bounded
    assert end.best is not None
    assert 10 <= end.best.planned_rps <= 1.3 / SERVICE_S
    assert [step.planned_rps for step in steps[:2]] == [10, 30]
    broken = next(step for step in steps if step.broke)
    assert "missed a limit" in broken.broke
    assert broken.concurrency > end.best.concurrency


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"max_requests": 6}, "6 requests were sent, the limit"),
        ({"max_s": 0.4}, "0.4 s have passed, the limit"),
        ({"max_usd": "0.00005", "target": PRICES}, "0.00005 USD were spent, the limit"),
        ({"max_usd": "1"}, "a limit in dollars needs the endpoint's prices"),
    ],
)
def test_each_bound_ends_it(bounds: dict[str, Any], reason: str) -> None:
    with serving(one_worker()) as server:
        _, end = loaded(order(server.base_url, **bounds))
    assert end.reason == reason
    assert len(server.requests) <= 12


def test_too_many_open_streams_break_a_step() -> None:
    with serving(one_worker()) as server:
        wanted = order(server.base_url, max_concurrency=3, first_rps=90, max_requests=60)
        steps, _ = loaded(wanted)
    assert steps[0].broke == "more than 3 streams were open at once"


def test_an_endpoint_that_refuses_ends_it_at_once() -> None:
    with serving(plain("401 Unauthorized", b"{}")) as server:
        steps, end = loaded(order(server.base_url))
    assert steps == []
    assert end.best is None
    assert "HTTP 401" in end.reason


def test_nobody_else_is_flooded_where_an_endpoint_points_elsewhere() -> None:
    with serving(a_good_stream) as other:
        there = f"location: {other.base_url}/chat/completions\r\n"
        with serving(plain("307 Temporary Redirect", b"", more=there)) as server:
            steps, end = loaded(order(server.base_url))
            assert len(server.requests) == 1
        assert len(other.requests) == 0
    assert (steps, end.best) == ([], None)
    assert "HTTP 307" in end.reason


def test_a_bad_address_ends_it_at_once() -> None:
    assert "must look like" in loaded(order("nowhere"))[1].reason


async def test_load_in_the_process_and_cancelled() -> None:
    cancel = asyncio.Event()
    news = []
    with serving(one_worker()) as server:
        async with asyncio.timeout(15), aclosing(run_load(order(server.base_url), cancel)) as told:
            async for one in told:
                news.append(one)
                cancel.set()
    assert isinstance(news[0], LoadStep)
    last = news[-1]
    assert isinstance(last, LoadEnded)
    assert last.reason == "cancelled"
    assert last.steps[0] == news[0]


def test_the_discarded_request_is_paid_like_the_others() -> None:
    with serving(a_good_stream) as server:
        steps, end = loaded(order(server.base_url, PRICES, max_usd="0.000001"))
    assert (steps, len(server.requests)) == ([], 1)
    assert end.reason == "0.000001 USD were spent, the limit"
    assert end.cost_usd is not None
    one_usd = Decimal(end.cost_usd)
    with serving(a_good_stream) as server:
        steps, end = loaded(order(server.base_url, PRICES, max_requests=20))
    assert end.cost_usd is not None
    spent = [Decimal(step.spent_usd or 0) for step in steps]
    assert spent == sorted(spent)
    assert 2 * one_usd <= spent[0] <= Decimal(end.cost_usd)
    assert Decimal(end.cost_usd) == one_usd * (len(server.requests) - end.cut_unpriced)


async def test_a_cancel_that_comes_before_the_process_has_begun_is_obeyed() -> None:
    cancel = asyncio.Event()
    cancel.set()
    with serving(a_good_stream) as server:
        async with asyncio.timeout(15):
            (end,) = [news async for news in run_load(order(server.base_url, max_s=60), cancel)]
    assert isinstance(end, LoadEnded)
    assert (end.reason, end.steps) == ("cancelled", ())
    assert len(server.requests) <= 1


def test_requests_that_are_cut_off_at_the_end_are_said_to_cost_something() -> None:
    with serving(one_worker()) as server:
        wanted = order(server.base_url, PRICES, first_rps=90, step_s=5, max_s=1.0)
        _, end = loaded(wanted)
    assert end.cost_usd is not None
    assert end.cut_unpriced > 0
