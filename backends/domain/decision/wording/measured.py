"""What a plan rests on that this host has measured: traffic, endpoints, starts, tails."""

from collections.abc import Sequence
from decimal import Decimal

from backends.domain.ab.statistics import RUNS_FOR_P99
from backends.domain.decision.measured import (
    Competitor,
    HistogramTail,
    LoadTail,
    MeasuredInput,
    NoCapacity,
    NoTail,
    RunsTail,
    StartsMedian,
)
from backends.domain.decision.wording.exclusions import detail
from backends.domain.durations import HOUR_S
from backends.domain.format import figure, lasting
from backends.domain.prices.amounts import STALE_AFTER_DAYS
from backends.domain.serving import Bucket
from backends.domain.traffic.bursts import SHORT_S
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.shape import HOURS, hours_known

UNPRICED_REMEDY = "Set gpu_usd_per_hour in the server's profile."


def traffic_sentences(traffic: Demand) -> tuple[str, ...]:
    """Return which traffic a plan is made on, and how its hours count."""
    found = [f"Traffic: {traffic.source}."]
    if traffic.replicas is not None and traffic.replicas > 1:
        found.append(f"It was served by {traffic.replicas} replicas; the rate is theirs together.")
    if traffic.week_rps:
        found.append(
            "The rate follows the hours (UTC) of a working day and of a weekend; older weeks "
            "count less."
        )
        if traffic.trend_per_day is not None:
            by = figure(abs(traffic.trend_per_day) * 100)
            way = "grows" if traffic.trend_per_day > 0 else "falls"
            found.append(f"It {way} by {by} % a day, and is taken for the middle of next week.")
    elif traffic.profile is not None and not traffic.profile.bins:
        known = hours_known(traffic.profile)
        watched = sum(traffic.profile.seconds) / HOUR_S
        found.append(
            f"The rate follows the hours of the day (UTC), learnt over {watched:.0f} watched hours."
            if known == HOURS
            else "The rate is taken as even over the day."
        )
    else:
        found.append("The rate is taken as even over the day.")
    if traffic.kinds_ends or (traffic.prompts is not None and len(traffic.kinds) > 1):
        found.append(_of_tiers(traffic))
    if traffic.series is not None and traffic.series.finest_s > SHORT_S:
        found.append(
            f"Nothing shorter than {lasting(traffic.series.finest_s)} is known of it: bursts "
            "within that time are not seen, and may take more GPUs than are counted."
        )
    return tuple(found)


def _of_tiers(traffic: Demand) -> str:
    """Return what tells how many prompts reach a tier of a price, and what stays open."""
    alike = "answers are taken as alike for all of them"
    if traffic.prompts is None:
        said = "Of the lengths of prompts only the mean is known"
    else:
        said = f"The tier of each prompt follows from the histogram of their lengths; {alike}"
    if not traffic.kinds_ends:
        return f"{said}."
    return f"{said}, and how many reach a tier is open: the verdict holds for all, or is too close."


def endpoint_sentences(endpoints: Sequence[Competitor]) -> tuple[str, ...]:
    """Return which of the endpoints a plan is made on, and which are no choice."""
    found = [
        f"{each.name} is excluded: {detail(each.exclusion.detail)}."
        for each in endpoints
        if each.exclusion
    ]
    priced = [each for each in endpoints if each.priced]
    priced = [each for each in priced if not each.exclusion] or priced
    if len(priced) > 1:
        dearer = ", ".join(each.name for each in priced[1:])
        found.append(
            f"The API is {priced[0].name}, for these requests the cheapest of "
            f"{len(priced)} endpoints; dearer: {dearer}."
        )
    elif priced:
        found.append(f"The API is {priced[0].name}.")
    return tuple(found)


def measured_sentence(found: MeasuredInput) -> str:  # noqa: PLR0911 - one for each source
    """Return what an input was told by, or what it takes where nothing tells it."""
    value, limit_open = found.value, "whether the limit is kept is open"
    match found.known_from:
        case StartsMedian() as starts:
            return _start(starts, value or Decimal(0))
        case NoCapacity() as none:
            return f"The capacity is {none.reason}."
        case HistogramTail() as tail:
            n = f"{tail.requests:.0f} requests in the server's own histogram"
            said = f"The GPU's p99 TTFT {_within(tail.bucket)}, of {n}"
            if tail.broken:
                return f"{said}."
            return f"{said}: {limit_open if tail.broken is None else 'the limit is kept'}."
        case LoadTail() as load:
            return f"The GPU's p99 TTFT is what inferctl load measured at {figure(load.rps)} req/s."
        case NoTail():
            return (
                f"The GPU's p99 TTFT is not known: neither {RUNS_FOR_P99} requests within its "
                "capacity nor a step of inferctl load with as many tell it."
            )
        case RunsTail(since=None) as runs:
            return (
                f"The p99 TTFT of {runs.endpoint} takes {RUNS_FOR_P99} A/B runs of the last "
                f"{STALE_AFTER_DAYS} days, there are {runs.runs}."
            )
        case RunsTail() as runs:
            failed = f"; {runs.failed} more failed" if runs.failed else ""
            of = f"of {runs.runs} A/B runs since {runs.since}"
            return f"The p99 TTFT of {runs.endpoint} is {of}{failed}."


def _start(starts: StartsMedian, median_s: Decimal) -> str:
    count = "one start" if starts.starts == 1 else f"{starts.starts} starts"
    of = f"the median of {count} of {starts.server} on this host, from launch to first token"
    took = f"takes {figure(median_s)} s: {of}"
    if starts.restart:
        said = f"A restart {took}; booting the host comes on top."
        return f"{said} Say more with restart_s in [plan]."
    said = f"A cold start {took}; renting a new host comes on top."
    return f"{said} Say more with cold_start_s in [plan]."


def _within(bucket: Bucket) -> str:
    if bucket.high_s is None:
        return f"is above {bucket.low_s:g} s"
    if bucket.low_s <= 0:
        return f"is at most {bucket.high_s:g} s"
    return f"is between {bucket.low_s:g} and {bucket.high_s:g} s"
