"""Prometheus text as `Counters`."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

from backends.domain.serving import Counters, EngineCounts, Histogram
from backends.metrics.names import COUNTED, HISTOGRAMS, NUMBERS, Joined, Series

_WANTED = tuple(name for series in (*NUMBERS, *HISTOGRAMS) for name in series.names)
_SAMPLE = re.compile(
    r"""(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    (?:\s*\{(?P<labels>.*)\}\s*|\s+)
    (?P<value>[-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|inf|nan))
    (?:\s+-?[0-9]+)?\s*""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(
    r"""\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,\s*|$)""",
    re.ASCII,
)
_QUOTED = 120
_ESCAPED = re.compile(r"\\(.)")
_JOIN: dict[Joined, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}


MOST_LINES = 20_000
"""A server of 64 engines has half as many; more take seconds to read, every second."""

MOST_TEXT_LINES = 200_000
"""Of all series together; more would take memory for a moment, every second."""

MOST = 1e15
"""More than any server counts: a million tokens each second for thirty years."""


class UnreadableMetrics(ValueError):
    """The text is not what Prometheus exporters write; the message names the line."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the text; its labels as the exporter wrote them, by their names."""

    name: str
    labels: Mapping[str, str]
    value: float


class CountersReader:
    """Reads the ``/metrics`` texts of one server, one after another."""

    def __init__(self) -> None:
        self._lines: list[str] | None = None
        self._counters = Counters()

    def counters_from(self, text: str) -> Counters:
        """Return the counters of one text; None for series that it lacks.

        Lines of other series are dropped before parsing, for a server exports hundreds of them;
        and one that nobody asks writes the same lines every second.

        Raises:
            UnreadableMetrics: a line of a wanted series cannot be parsed.
        """
        if text.count("\n") > MOST_TEXT_LINES:
            raise UnreadableMetrics(f"/metrics has over {MOST_TEXT_LINES:,} lines")
        lines = [line for line in text.split("\n") if line.startswith(_WANTED)]
        if len(lines) > MOST_LINES:
            reason = f"/metrics has over {MOST_LINES:,} lines on requests and tokens"
            raise UnreadableMetrics(reason)
        if lines != self._lines:
            try:
                self._counters, self._lines = _counters(lines), lines
            except (KeyError, ValueError) as error:
                reason = f"/metrics has a line that is not a sample: {error}"
                raise UnreadableMetrics(reason) from error
        return self._counters


def counters_from(text: str) -> Counters:
    """Return the counters of one ``/metrics`` text, see `CountersReader`."""
    return CountersReader().counters_from(text)


def _counters(lines: list[str]) -> Counters:
    samples: dict[str, list[Sample]] = defaultdict(list)
    for line in lines:
        sample = _sample(line)
        samples[sample.name].append(sample)
    fields: dict[str, Any] = {series.field: _number(series, samples) for series in NUMBERS}
    fields |= {series.field: _histogram(series, samples) for series in HISTOGRAMS}
    return Counters(**fields, engines=_engines(samples))


def _sample(line: str) -> Sample:
    """Return the sample of one line, by the text format 0.0.4 of Prometheus."""
    found = _SAMPLE.fullmatch(line)
    if found is None:
        raise ValueError(line[:_QUOTED])
    name, written, value = found["name"], found["labels"] or "", found["value"]
    labels, at = {}, 0
    while at < len(written):
        label = _LABEL.match(written, at)
        if label is None:
            raise ValueError(line[:_QUOTED])
        labels[label["name"]] = _unescaped(label["value"])
        at = label.end()
    sample = Sample(name, labels, float(value))
    if not (0 <= sample.value <= MOST or isnan(sample.value)):
        raise ValueError(f"{name} is {sample.value:g}, which is not a count")
    return sample


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], value)


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
