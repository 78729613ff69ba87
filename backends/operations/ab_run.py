"""Runs an A/B for a key or a verb: announced as our own traffic, refused fields remembered."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from backends.domain.ab.facts import AbFact, RunEnded
from backends.operations.host import Host
from backends.operations.refused_fields import remember, with_refused
from backends.prober.client import run_series
from backends.prober.protocol import SeriesOrder
from backends.servers.own_traffic import sending


async def measured_series(
    order: SeriesOrder, host: Host, cancelled: asyncio.Event | None = None, *, afresh: bool = False
) -> AsyncGenerator[AbFact, None]:
    """Yield the facts of one A/B, as `run_series` does.

    Args:
        order: what is sent to whom.
        host: whose endpoints they are.
        cancelled: ends it early once it is set.
        afresh: send what an endpoint refused before as well, to see whether it takes it now.

    Raises:
        ProberFailed: it died before the series began, so that there is none to show.
    """
    if not afresh:
        order = replace(order, targets=await asyncio.to_thread(with_refused, order.targets, host))
    refused = {target.name: target.refused for target in order.targets}
    by_name = {target.name: target for target in order.targets}
    addresses = [target.base_url for target in order.targets]
    async with (
        sending(host.state_folder, addresses),
        aclosing(run_series(order, cancelled)) as facts,
    ):
        async for fact in facts:
            if isinstance(fact, RunEnded) and fact.run.error is None:
                target, not_sent = fact.run.target, fact.run.not_sent
                if afresh or not_sent != refused[target]:
                    refused[target] = not_sent
                    await asyncio.to_thread(remember, by_name[target], not_sent, host)
            yield fact
