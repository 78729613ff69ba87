"""Prometheus text as `Counters`."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import isnan
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from backends.domain.serving import Counters, EngineCounts, Histogram
from backends.metrics.names import COUNTED, HISTOGRAMS, NUMBERS, Joined, Series

_WANTED = tuple(name for series in (*NUMBERS, *HISTOGRAMS) for name in series.names)
_JOIN: dict[Joined, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}


MOST_LINES = 20_000
"""A server of 64 engines has half as many; more take seconds to read, every second."""

MOST = 1e15
"""More than any server counts: a million tokens each second for thirty years."""


class UnreadableMetrics(ValueError):
    """The text is not what Prometheus exporters write; the message names the line."""


def counters_from(text: str) -> Counters:
    """Return the counters of one ``/metrics`` text; None for series that it lacks.

    Lines of other series are dropped before parsing: a server exports hundreds of them, and this is
    read every second or two.

    Raises:
        UnreadableMetrics: a line of a wanted series cannot be parsed.
    """
    wanted = [line for line in text.splitlines() if line.startswith(_WANTED)]
    if len(wanted) > MOST_LINES:
        raise UnreadableMetrics(f"/metrics has over {MOST_LINES:,} lines on requests and tokens")
    return _counters("\n".join(wanted))


@lru_cache(maxsize=1)  # a server that nobody asks says the same every second
def _counters(wanted: str) -> Counters:
    samples: dict[str, list[Sample]] = defaultdict(list)
    for sample in _samples(wanted):
        samples[sample.name].append(sample)
    fields: dict[str, Any] = {series.field: _number(series, samples) for series in NUMBERS}
    fields |= {series.field: _histogram(series, samples) for series in HISTOGRAMS}
    return Counters(**fields, engines=_engines(samples))


def _samples(text: str) -> Iterable[Sample]:
    # Without their TYPE lines all series parse as plain samples: a histogram whose name ends in
    # _total, or a _created gauge, then cannot be taken for a counter.
    try:
        families = text_string_to_metric_families(text + "\n")
        samples = [sample for family in families for sample in family.samples]
    except ValueError as error:
        raise UnreadableMetrics(f"/metrics has a line that is no sample: {error}") from error
    for sample in samples:
        # A whole number may be larger than any float; only what is not a number is not itself.
        is_nan = sample.value != sample.value
        if not (0 <= sample.value <= MOST or is_nan):
            said = f"/metrics: {sample.name} is {str(sample.value)[:20]}, which is no count"
            raise UnreadableMetrics(said)
    return samples


def _number(series: Series, samples: dict[str, list[Sample]]) -> float | None:
    for name in series.names:
        known = [sample for sample in samples[name] if not isnan(sample.value)]
        if known:
            values = [sample.value for sample in known if _counts(series, sample)]
            if values:
                return float(_JOIN[series.joined](values))
            return 0.0 if series.none_is_zero else None
    return None


def _counts(series: Series, sample: Sample) -> bool:
    label, begin = series.where or ("", "")
    return sample.labels.get(label, "").startswith(begin)


def _engines(samples: dict[str, list[Sample]]) -> tuple[EngineCounts, ...]:
    """Return the counts of each engine under each name of a model, in the order of their names."""
    counts: dict[str, dict[str, float]] = defaultdict(dict)
    for series in COUNTED:
        name = next((name for name in series.names if samples[name]), "")
        for sample in samples[name]:
            if not isnan(sample.value):
                labels = (sample.labels.get("model_name", ""), sample.labels.get("engine", ""))
                engine = counts["/".join(label for label in labels if label)]
                engine[series.field] = engine.get(series.field, 0.0) + sample.value
    return tuple(EngineCounts(engine, **found) for engine, found in sorted(counts.items()))


def _histogram(series: Series, samples: dict[str, list[Sample]]) -> Histogram | None:
    for name in series.names:
        counts: dict[float, float] = defaultdict(float)
        for sample in samples[f"{name}_bucket"]:
            counts[_edge(sample)] += sample.value
        if counts:
            edges = tuple(sorted(counts))
            total = sum(sample.value for sample in samples[f"{name}_sum"])
            found = Histogram(edges, tuple(counts[edge] for edge in edges), total)
            return None if any(map(isnan, (*edges, *found.counts, total))) else found
    return None


def _edge(bucket: Sample) -> float:
    try:
        return float(bucket.labels["le"])
    except (KeyError, ValueError) as error:
        raise UnreadableMetrics(f"/metrics has a bucket without its edge: {bucket.name}") from error
