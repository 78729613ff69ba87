"""Which resource binds a server while it serves, from two or more readings of its own counters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, mode, pvariance

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.traffic.rates import grown_histogram, restarted

LEAST_REQUESTS = 20
"""Finished requests below which shares of their time say little."""

QUEUED_SHARE = 0.2
"""Of the time of requests. With one seat and random arrivals that is reached at a third of the
capacity (M/D/1: u / 2 (1 - u) of the service time), with many seats only near it."""

PREEMPTED_SHARE = 0.05
"""Preemptions per finished request: each computes everything of a request once more."""

SLOWED = 2.0
"""Inter-token latency over that of one request alone, from which on the batch is what slows."""

MOSTLY = 0.5
"""The share of the readings with requests waiting in which a cause must be seen."""

SATURATED = 3.0
"""From here on twice the batch gives at most a fifth more tokens, where latency grows linearly."""

EVEN = 0.3
"""Variance over mean of the running requests: about 1 where requests come by themselves (Poisson),
1 less the share of time in use where a fixed number of clients waits for each reply."""

LEAST_DURATIONS = 20
"""Durations of a request that a window must hold for `EVEN` to be known well enough: 20 degrees of
freedom fall below 0.3 once in a thousand times."""

STILL = 0.9
"""The share of readings with one and the same number running that no random arrivals give."""


class Resource(StrEnum):
    """What binds; ``none`` where nothing does, ``unknown`` where the readings do not say."""

    KV_CACHE = "kv_cache"
    QUEUE = "queue"
    PREFILL = "prefill"
    COMPUTE = "compute"
    CLIENT = "client"
    NONE = "none"
    UNKNOWN = "unknown"


BINDS = {
    Resource.KV_CACHE: "KV cache binds",
    Resource.QUEUE: "the queue (--max-num-seqs) binds",
    Resource.PREFILL: "prefill binds",
    Resource.COMPUTE: "compute binds",
    Resource.CLIENT: "the client binds",
    Resource.NONE: "nothing binds",
    Resource.UNKNOWN: "not known",
}
"""What is said of each."""

OF_THE_SERVER = frozenset({Resource.KV_CACHE, Resource.QUEUE, Resource.PREFILL, Resource.COMPUTE})
"""Those that a change of the server would widen."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a window of readings shows; None where the counters do not say.

    Attributes:
        requests: finished in the window.
        queued_share: of the time of finished requests, spent before they were first scheduled;
            `prefill_share` until their first token from there.
        preempted_share: preemptions per finished request.
        waiting_share: of the readings in which requests waited.
        cache_full_share: of those, in which one more like the running ones had not fit in the KV
            cache; `seats_taken_share`, in which as many ran as may at once.
        running: mean of the readings; `running_most` and `running_mode` their largest and most
            frequent, `still_share` the share of readings with the latter.
        running_dispersion: their variance over their mean.
        request_s: mean time of a request in the server.
        itl_s: mean inter-token latency; `alone_itl_s` that of one request alone.
    """

    window_s: float
    readings: int
    requests: float | None = None
    queued_share: float | None = None
    prefill_share: float | None = None
    preempted_share: float | None = None
    waiting_share: float | None = None
    cache_full_share: float | None = None
    seats_taken_share: float | None = None
    kv_cache_usage_most: float | None = None
    running: float | None = None
    running_most: float | None = None
    running_mode: float | None = None
    still_share: float | None = None
    running_dispersion: float | None = None
    request_s: float | None = None
    itl_s: float | None = None
    alone_itl_s: float | None = None

    @property
    def slowed(self) -> float | None:
        """How many times slower tokens come than for one request alone."""
        if self.itl_s is None or not self.alone_itl_s:
            return None
        return self.itl_s / self.alone_itl_s


@dataclass(frozen=True, slots=True)
class Binding:
    """What binds a server, with one sentence that says by which figures."""

    resource: Resource
    reason: str
    evidence: Evidence


def binding_of(
    readings: Sequence[MetricsScraped],
    *,
    max_num_seqs: int | None = None,
    alone_itl_s: float | None = None,
) -> Binding:
    """Return which resource binds over the readings of one server, oldest first.

    Args:
        readings: of its counters, some tens of them.
        max_num_seqs: how many requests it runs at once; None where its arguments do not say, then
            it is the most that ran.
        alone_itl_s: inter-token latency of one request alone, None to take it from the readings in
            which no more than one ran.
    """
    if len(readings) < 2:
        return Binding(
            Resource.UNKNOWN,
            "Two readings are needed at least.",
            Evidence(window_s=0.0, readings=len(readings)),
        )
    if any(restarted(old.counters, new.counters) for old, new in pairwise(readings)):
        seen = Evidence(readings[-1].at.mono_s - readings[0].at.mono_s, len(readings))
        return Binding(Resource.UNKNOWN, "The server was restarted between two readings.", seen)
    seen = evidence_of(readings, max_num_seqs=max_num_seqs, alone_itl_s=alone_itl_s)
    return Binding(*_judged(seen), seen)


def evidence_of(
    readings: Sequence[MetricsScraped], *, max_num_seqs: int | None, alone_itl_s: float | None
) -> Evidence:
    """Return what two or more readings without a restart between them show; see `binding_of`."""
    first, last = readings[0].counters, readings[-1].counters
    requests = _grown(first.requests_finished, last.requests_finished)
    preemptions = _grown(first.preemptions, last.preemptions)
    queued_s, prefill_s, decode_s = (
        None if grown is None else grown.sum
        for grown in (
            grown_histogram(first.queue_time, last.queue_time),
            grown_histogram(first.prefill_time, last.prefill_time),
            grown_histogram(first.decode_time, last.decode_time),
        )
    )
    known = [queued_s, prefill_s, decode_s]
    total_s = sum(each or 0.0 for each in known) if None not in known else 0.0
    seen = Evidence(
        window_s=readings[-1].at.mono_s - readings[0].at.mono_s,
        readings=len(readings),
        requests=requests,
        queued_share=None if queued_s is None or not total_s else queued_s / total_s,
        prefill_share=None if prefill_s is None or not total_s else prefill_s / total_s,
        preempted_share=preemptions / requests if requests and preemptions is not None else None,
        request_s=total_s / requests if requests and total_s else None,
        itl_s=_mean(grown_histogram(first.inter_token, last.inter_token)),
        alone_itl_s=alone_itl_s if alone_itl_s is not None else _alone(readings),
    )
    return _with_gauges(seen, [each.counters for each in readings], max_num_seqs)


def _with_gauges(
    seen: Evidence, counters: Sequence[Counters], max_num_seqs: int | None
) -> Evidence:
    """Return the evidence with what the gauges of all readings add to it."""
    running = [each.requests_running for each in counters if each.requests_running is not None]
    if not running:
        return seen
    most, mean, usual = max(running), fmean(running), mode(running)
    seats = most if max_num_seqs is None else max_num_seqs
    crowded = [each for each in counters if (each.requests_waiting or 0.0) >= 1]
    full = [_is_full(each.kv_cache_usage, each.requests_running) for each in crowded]
    taken = [each.requests_running == seats for each in crowded]
    used = [each.kv_cache_usage for each in counters if each.kv_cache_usage is not None]
    return replace(
        seen,
        waiting_share=len(crowded) / len(counters),
        cache_full_share=sum(full) / len(full) if full else None,
        seats_taken_share=sum(taken) / len(taken) if taken else None,
        kv_cache_usage_most=max(used, default=None),
        running=mean,
        running_most=most,
        running_mode=usual,
        still_share=running.count(usual) / len(running),
        running_dispersion=pvariance(running) / mean if mean > 0 else None,
    )


def _judged(seen: Evidence) -> tuple[Resource, str]:
    if missing := _missing(seen):
        return Resource.UNKNOWN, missing
    if (seen.preempted_share or 0.0) >= PREEMPTED_SHARE:
        per = f"{seen.preempted_share:.2g} preemptions per request"
        return Resource.KV_CACHE, f"{per}: the KV cache was full and requests were computed again."
    if (seen.queued_share or 0.0) >= QUEUED_SHARE:
        return _why_queued(seen, f"Requests spent {seen.queued_share:.0%} of their time waiting")
    slowed = seen.slowed
    if slowed is not None and slowed >= SLOWED:
        return Resource.COMPUTE, (
            f"Nothing waits, but tokens are {slowed:.1f} times slower than for one request alone,"
            f" with {seen.running or 0:.0f} running: each step computes as much as it can."
        )
    return _unbound(seen)


def _missing(seen: Evidence) -> str:
    """Return why the readings tell nothing, empty where they do."""
    if not seen.requests and not seen.running_most:
        return "No request arrived; there is nothing to judge."
    if (seen.requests or 0.0) < LEAST_REQUESTS:
        ended = f"{seen.requests or 0:.0f} requests ended in {seen.window_s:.0f} s"
        return f"{ended}; {LEAST_REQUESTS} are needed: watch for longer (--for)."
    if seen.queued_share is None or seen.running is None:
        return "Its /metrics lack the times of queue, prefill and decode, or the running requests."
    return ""


def _why_queued(seen: Evidence, queued: str) -> tuple[Resource, str]:
    if seen.cache_full_share is None:
        return Resource.UNKNOWN, f"{queued}, but no reading met one that waited."
    slowed = seen.slowed
    if slowed is not None and slowed >= SATURATED:
        return Resource.COMPUTE, (
            f"{queued}, and tokens come {slowed:.1f} times slower than for one request alone: more"
            " at once would slow all."
        )
    seats = seen.seats_taken_share or 0.0
    if seen.cache_full_share >= MOSTLY and seen.cache_full_share >= seats:
        return Resource.KV_CACHE, (
            f"{queued}; the KV cache, {seen.kv_cache_usage_most:.0%} used, had no room for one more"
            f" in {seen.cache_full_share:.0%} of the readings."
        )
    if seats >= MOSTLY:
        return Resource.QUEUE, (
            f"{queued} while {seen.running_most:.0f} ran, the most at once, and the KV cache had"
            f" room ({seen.kv_cache_usage_most or 0:.0%} used at most): --max-num-seqs binds."
        )
    return Resource.PREFILL, (
        f"{queued} while seats and KV cache were free: prompts are computed one after another, and"
        f" took {seen.prefill_share:.0%} of the time of requests."
    )


def _unbound(seen: Evidence) -> tuple[Resource, str]:
    durations = seen.window_s / seen.request_s if seen.request_s else 0.0
    dispersion, usual = seen.running_dispersion, seen.running_mode or 0.0
    even = dispersion is not None and dispersion < EVEN and durations >= LEAST_DURATIONS
    if usual >= 1 and not seen.waiting_share and (even or (seen.still_share or 0.0) >= STILL):
        return Resource.CLIENT, (
            f"{usual:.0f} requests ran nearly all the time and none ever waited: {usual:.0f}"
            " clients each wait for a reply before they send again."
        )
    return Resource.NONE, (
        f"Requests waited {seen.queued_share:.0%} of their time, and nothing else is short."
    )


def _is_full(usage: float | None, running: float | None) -> bool:
    """Return whether one more request like those that run had no room in the KV cache."""
    return bool(usage and running) and (usage or 0.0) * (1 + 1 / (running or 1.0)) > 1


def _alone(readings: Sequence[MetricsScraped]) -> float | None:
    """Return the mean inter-token latency between readings in which one request ran at most."""
    tokens = total_s = 0.0
    for old, new in pairwise(readings):
        ran = (old.counters.requests_running, new.counters.requests_running)
        grown = grown_histogram(old.counters.inter_token, new.counters.inter_token)
        if all(n is not None and n <= 1 for n in ran) and grown is not None and grown.counts:
            tokens, total_s = tokens + grown.counts[-1], total_s + grown.sum
    return total_s / tokens if tokens else None


def _mean(histogram: Histogram | None) -> float | None:
    if histogram is None or not histogram.counts or histogram.counts[-1] <= 0:
        return None
    return histogram.sum / histogram.counts[-1]


def _grown(was: float | None, now: float | None) -> float | None:
    return None if was is None or now is None else max(0.0, now - was)
