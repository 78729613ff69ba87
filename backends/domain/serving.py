"""The values of a server's own counters, one scrape and the rates between two."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Histogram:
    """A cumulative histogram: upper edges, the last infinite, counts up to each, and the sum."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]
    sum: float


@dataclass(frozen=True, slots=True)
class EngineCounts:
    """What one engine has counted since it began; None where the version has no such series.

    Attributes:
        engine: its labels, such as ``m/0``; empty for a server that names none.
    """

    engine: str
    prompt_tokens: float | None = None
    cached_prompt_tokens: float | None = None
    generation_tokens: float | None = None
    requests_finished: float | None = None


@dataclass(frozen=True, slots=True)
class RequestErrors:
    """What went wrong with requests since the server began; None where it is not known.

    Attributes:
        http_5xx: answers with a status of 500 or above.
        failed: requests that the engine ended with an error.
        aborted: requests that were given up, mostly because the client hung up.
        preemptions: how often a running request lost its KV cache and had to be computed again.
    """

    http_5xx: float | None = None
    failed: float | None = None
    aborted: float | None = None
    preemptions: float | None = None


def request_errors_words(errors: RequestErrors | None) -> str:
    """Return what went wrong as ``3 answered 5xx, 12 aborted``, empty where nothing did."""
    if errors is None:
        return ""
    counts = (
        (errors.http_5xx, "answered 5xx"),
        (errors.failed, "failed"),
        (errors.aborted, "aborted"),
        (errors.preemptions, "preempted"),
    )
    return ", ".join(f"{count:,.0f} {what}" for count, what in counts if count)


@dataclass(frozen=True, slots=True)
class Counters:
    """One scrape of ``/metrics``, summed over engines; None where the version has no such series.

    Attributes:
        engines: the same counts of each engine, because one alone may begin anew.
        process_start_s: when the API server started, seconds since 1970; a change means a reset.
        request_input_tokens: of finished requests, in tokens, like `request_output_tokens`.
        queue_time: of finished requests, from arrival until they were first scheduled, in seconds.
        prefill_time: from there to their first token; `decode_time` from there to their last.
        http_5xx: as in `RequestErrors`, like the three that follow it.
    """

    process_start_s: float | None = None
    requests_running: float | None = None
    requests_waiting: float | None = None
    kv_cache_usage: float | None = None
    prompt_tokens: float | None = None
    cached_prompt_tokens: float | None = None
    generation_tokens: float | None = None
    requests_finished: float | None = None
    http_5xx: float | None = None
    requests_failed: float | None = None
    requests_aborted: float | None = None
    preemptions: float | None = None
    prefix_cache_queries: float | None = None
    prefix_cache_hits: float | None = None
    ttft: Histogram | None = None
    inter_token: Histogram | None = None
    request_input_tokens: Histogram | None = None
    request_output_tokens: Histogram | None = None
    queue_time: Histogram | None = None
    prefill_time: Histogram | None = None
    decode_time: Histogram | None = None
    engines: tuple[EngineCounts, ...] = ()

    @property
    def request_errors(self) -> RequestErrors:
        """What went wrong with requests."""
        return RequestErrors(
            self.http_5xx, self.requests_failed, self.requests_aborted, self.preemptions
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """Between which edges a percentile lies: above `low_s`, and at most `high_s`, in seconds.

    Attributes:
        high_s: None beyond the histogram's last finite edge.
    """

    low_s: float
    high_s: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """What a histogram knows of a window: an exact mean, and the bucket of each percentile.

    Attributes:
        n: observations in the window; None without a histogram.
        mean_s: None where nothing was observed, like the percentiles.
    """

    n: float | None = None
    mean_s: float | None = None
    p50: Bucket | None = None
    p90: Bucket | None = None
    p99: Bucket | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What a ready server does, over the window between two scrapes.

    Attributes:
        window_s: seconds between the two scrapes; None when there was only one, and so no rate.
        ttft: of requests that got their first token in the window.
        inter_token: of the tokens after the first.
        errors: since the server began, not of the window.
        reason: why there are no rates; empty where there are.
    """

    window_s: float | None
    requests_running: float | None
    requests_waiting: float | None
    requests_per_s: float | None
    input_tokens_per_s: float | None
    output_tokens_per_s: float | None
    kv_cache_usage: float | None
    prefix_cache_hit_share: float | None
    ttft: Latency
    inter_token: Latency
    errors: RequestErrors = RequestErrors()
    reason: str = ""
