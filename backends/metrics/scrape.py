"""Reading a server's ``/metrics``, once or again and again."""

import asyncio
import http.client
from collections.abc import AsyncGenerator, Awaitable, Callable

from backends.domain.facts import MetricsScraped, SourceFailed
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.metrics.exposition import UnreadableMetrics, counters_from
from backends.metrics.http_get import Unreachable, http_get
from backends.problem import Problem

SOURCE = "metrics"


class MetricsUnavailable(Problem):
    """The server's counters cannot be read; the message is one sentence with the remedy."""


def scrape(base_url: str, timeout_s: float = 2.0) -> Counters:
    """Return the counters of the server at an address such as ``http://127.0.0.1:8000``.

    A trailing ``/v1`` is dropped: vLLM exports its metrics beside it, without a key.

    Raises:
        MetricsUnavailable: nothing answers in time, or what answers is not such a server.
    """
    root = base_url.rstrip("/").removesuffix("/v1")
    try:
        status, text = http_get(f"{root}/metrics", timeout_s, accept="text/plain")
        if status == http.client.OK:
            return counters_from(text)
    except Unreachable as error:
        raise MetricsUnavailable(f"/metrics: {error}") from error
    except UnreadableMetrics as error:
        raise MetricsUnavailable(
            f"{base_url} answers /metrics with something else ({error}); check the address"
        ) from error
    raise MetricsUnavailable(f"{base_url} answers /metrics with status {status}; check the address")


async def watch_metrics(
    base_url: str,
    *,
    every_s: float,
    now: Callable[[], Stamp],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    timeout_s: float = 2.0,
) -> AsyncGenerator[MetricsScraped | SourceFailed, None]:
    """Yield a reading every so often; a failure once, until a reading succeeds or it changes.

    Each reading is stamped when its answer is complete, and the next follows `every_s` after it.
    """
    failed = ""
    while True:
        try:
            counters = await asyncio.to_thread(scrape, base_url, timeout_s)
        except MetricsUnavailable as error:
            if str(error) != failed:
                failed = str(error)
                yield SourceFailed(now(), SOURCE, failed)
        else:
            failed = ""
            yield MetricsScraped(now(), counters)
        await sleep(every_s)
