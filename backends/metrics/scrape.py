"""Reading a server's ``/metrics``, once or again and again."""

import asyncio
import http.client
from collections.abc import AsyncGenerator, Awaitable, Callable

from backends.domain.facts import MetricsScraped, SourceFailed
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.metrics.exposition import CountersReader, UnreadableMetrics
from backends.metrics.http_get import Unreachable, http_get
from backends.problem import Problem

SOURCE = "metrics"


class MetricsUnavailable(Problem):
    """The server's counters cannot be read; the message is one sentence with the remedy."""


def scrape(base_url: str, timeout_s: float = 2.0, reader: CountersReader | None = None) -> Counters:
    """Return the counters of the server at an address such as ``http://127.0.0.1:8000``.

    A trailing ``/v1`` is dropped: vLLM exports its metrics beside it, without a key.

    Args:
        base_url: the address.
        timeout_s: how long it may take.
        reader: of this server, where it is read again and again.

    Raises:
        MetricsUnavailable: nothing answers in time, or what answers is not such a server.
    """
    root = base_url.rstrip("/").removesuffix("/v1")
    try:
        status, text = http_get(f"{root}/metrics", timeout_s, accept="text/plain")
        if status == http.client.OK:
            return (reader or CountersReader()).counters_from(text)
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
    sent: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[MetricsScraped | SourceFailed, None]:
    """Yield a reading every so often; a failure once, until a reading succeeds or it changes.

    Each reading is stamped when its answer is complete, and the next follows `every_s` after it.

    Args:
        base_url: the server's address.
        every_s: the pause between two readings.
        now: the clock.
        sleep: what pauses.
        sent: tells whether inferctl itself has sent the server requests since the reading before;
            asked in a thread, so that it may read files.
    """
    failed, reader = "", CountersReader()

    def reading() -> MetricsScraped:
        counters = scrape(base_url, reader=reader)
        return MetricsScraped(now(), counters, own=sent())

    while True:
        try:
            fact = await asyncio.to_thread(reading)
        except MetricsUnavailable as error:
            if str(error) != failed:
                failed = str(error)
                yield SourceFailed(now(), SOURCE, failed)
        else:
            failed = ""
            yield fact
        await sleep(every_s)
