"""Reading a server's ``/metrics``, once or again and again."""

import asyncio
import http.client
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import urlsplit

from backends.domain.facts import MetricsScraped, SourceFailed
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.metrics.exposition import UnreadableMetrics, counters_from

SOURCE = "metrics"
MOST_BYTES = 16 * 2**20


class MetricsUnavailable(Exception):
    """The server's counters cannot be read; the message is one sentence with the remedy."""


def scrape(base_url: str, timeout_s: float = 2.0) -> Counters:
    """Return the counters of the server at an address such as ``http://127.0.0.1:8000``.

    A trailing ``/v1`` is dropped: vLLM exports its metrics beside it, without a key.

    Raises:
        MetricsUnavailable: nothing answers in time, or what answers is not such a server.
    """
    try:
        return counters_from(_get(base_url, timeout_s))
    except UnreadableMetrics as error:
        raise MetricsUnavailable(
            f"{base_url} answers /metrics with something else ({error}); check the address"
        ) from error
    except TimeoutError as error:
        raise MetricsUnavailable(
            f"{base_url} did not answer /metrics within {timeout_s:g} s; it may be overloaded"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise MetricsUnavailable(
            f"{base_url} does not answer /metrics ({error}); check that the server runs"
        ) from error


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


def _get(base_url: str, timeout_s: float) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise MetricsUnavailable(f"{base_url} is no address; write it as http://127.0.0.1:8000")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout_s)
    try:
        path = parts.path.rstrip("/").removesuffix("/v1")
        connection.request("GET", f"{path}/metrics", headers={"Accept": "text/plain"})
        response = connection.getresponse()
        body = response.read(MOST_BYTES)
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise MetricsUnavailable(
            f"{base_url} answers /metrics with status {response.status}; check the address"
        )
    return body.decode("utf-8", "replace")
