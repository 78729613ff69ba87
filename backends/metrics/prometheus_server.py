"""A Prometheus server that already scrapes vLLM, as the source of past traffic."""

import http.client
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import isfinite, isnan
from typing import Any
from urllib.parse import urlencode

from backends.domain.durations import DAY_S, HOUR_S, MINUTE_S
from backends.domain.serving import Histogram
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.demand import (
    Demand,
    cached_share_of,
    dispersion_within,
    hour_of,
    observed_in,
    studied,
)
from backends.domain.traffic.estimate import unknown_errors
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.scales import LEAST_BLOCKS
from backends.domain.traffic.series import TrafficSeries
from backends.domain.traffic.shape import HourlyProfile, learn
from backends.domain.traffic.totals import TokenTotals
from backends.domain.values import NOT_JSON
from backends.domain.visible import visible
from backends.metrics.http_get import Unreachable, http_get
from backends.problem import Problem

STEPS_S = (300, 60, 10, 4)
"""The steps in which requests are read: five minutes, 2,016 of them in a week, and shorter ones
where Prometheus has not watched for as long as that."""

MOST_POINTS = 2_016
"""How many points of a series one query asks for, a week in steps of five minutes: a server answers
at most 11,000, and holds all that it reads for one query in its memory."""

LENGTH = "LENGTH"
"""Where the length of a query's stretch goes."""

MOST_DAYS = 7
"""How many days one query of daily sums asks for."""


ONCE = {"dedup": "true"}
"""Thanos then counts what several servers scraped of one vLLM once; Prometheus ignores it."""


class PrometheusUnavailable(Problem):
    """The Prometheus server cannot tell; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Requests by steps of equal length, at their ends; only steps that were watched in full."""

    step_s: int
    grown: tuple[tuple[float, float], ...]

    @property
    def requests_per_s(self) -> float | None:
        """The mean rate of the time that Prometheus watched; None where it watched nothing."""
        if not self.grown:
            return None
        return sum(count for _, count in self.grown) / (len(self.grown) * self.step_s)


def past_traffic(
    base_url: str,
    model: str | None,
    now_s: float,
    *,
    span_s: int = 7 * DAY_S,
    timeout_s: float = 10,
) -> Demand:
    """Return the traffic of a model on any number of replicas.

    Everything is asked in PromQL's ``increase``, which sees a counter that began again, and summed
    over all series, so over replicas and engines.

    Args:
        base_url: of the Prometheus server, such as ``http://127.0.0.1:9090``.
        model: the name under which vLLM serves it, the label ``model_name``; None for all.
        now_s: seconds since 1970; the stretch ends here.
        span_s: how long it is, in seconds.
        timeout_s: for each query.

    Raises:
        PrometheusUnavailable: it does not answer, or answers with an error.
    """
    source = _Source(base_url, model, now_s, span_s, timeout_s)
    steps = source.steps("vllm:request_success_total")
    totals = source.totals()
    series = _series(source, steps)
    prompts = source.histogram("vllm:request_prompt_tokens")
    found = Demand(
        seen=_seen(source, steps, totals, prompts),
        source=f"Prometheus at {base_url.rstrip('/')}, the last {_length(span_s)}{source.warned()}",
        cached_input_share=cached_share_of(totals),
        profile=_profile(steps),
        totals=totals,
        replicas=source.replicas(),
        series=series,
        prompts=prompts,
    )
    if series is None or not found.seen.n:
        return found
    learnt = studied(found, _bins(series))
    # The counters know the sums better than the steps that were watched in full.
    return replace(learnt, seen=replace(found.seen, errors=learnt.seen.errors))


def _bins(series: TrafficSeries) -> tuple[Bin, ...]:
    """Return the steps that were watched; nothing is known of the time between them."""
    columns = zip(
        series.places, series.requests, series.input_tokens, series.output_tokens, strict=True
    )
    return tuple(
        Bin(place * series.step_s, series.step_s, requests, requests, into, out)
        for place, requests, into, out in columns
    )


def _seen(source: "_Source", steps: Steps, totals: TokenTotals, into: Histogram | None) -> Observed:
    """Return requests and tokens; the window is what they took at the rate that was watched."""
    rate = steps.requests_per_s
    if not totals.requests or not rate:
        return Observed(n=Decimal(0))
    by_hour: dict[float, list[float]] = defaultdict(list)
    for ended_s, count in steps.grown:
        by_hour[(ended_s - steps.step_s) // HOUR_S].append(count)
    window_s = totals.requests / rate
    dispersion = dispersion_within(by_hour.values())
    out = source.histogram("vllm:request_generation_tokens")
    seen = observed_in(into, out, window_s, dispersion) or _means(totals, window_s, dispersion)
    if window_s < LEAST_BLOCKS * MINUTE_S:  # how unevenly they come is not known by then
        return replace(seen, errors=unknown_errors(totals.requests))
    return seen


def _means(totals: TokenTotals, window_s: float, dispersion: float) -> Observed:
    """Return what counters alone tell, where Prometheus keeps no histograms of the tokens."""
    requests = Decimal(repr(totals.requests or 0.0))

    def mean(tokens: float | None) -> Decimal | None:
        return None if tokens is None or not requests else Decimal(repr(tokens)) / requests

    return Observed(
        n=requests,
        input_tokens_mean=mean(totals.input_tokens),
        output_tokens_mean=mean(totals.output_tokens),
        window_s=Decimal(repr(window_s)),
        dispersion=Decimal(repr(dispersion)),
    )


def _series(source: "_Source", steps: Steps) -> TrafficSeries | None:
    """Return requests and tokens by the steps that were watched; None where none was."""
    if not steps.grown:
        return None
    step_s = steps.step_s
    tokens = {
        name: dict(source.by_step(f"vllm:{name}_total", step_s))
        for name in ("prompt_tokens", "generation_tokens", "prompt_tokens_cached")
    }
    into, out, cached = (
        tuple(found.get(at, 0.0) for at, _ in steps.grown) if found else None
        for found in tokens.values()
    )
    if into is None or out is None:
        return None
    first_s, last_s = steps.grown[0][0] - step_s, steps.grown[-1][0]
    return TrafficSeries(
        step_s=step_s,
        finest_s=step_s,
        from_s=first_s,
        to_s=last_s,
        places=tuple(round((at - step_s) // step_s) for at, _ in steps.grown),
        requests=tuple(count for _, count in steps.grown),
        input_tokens=into,
        output_tokens=out,
        cached_input_tokens=cached,
    )


def _profile(steps: Steps) -> HourlyProfile:
    profile = HourlyProfile()
    for ended_s, count in steps.grown:
        profile = learn(profile, hour_of(ended_s - steps.step_s), count, steps.step_s)
    return profile


def _chunks(first_s: float, last_s: float, step_s: int, most: int) -> Iterator[tuple[float, float]]:
    """Return the first and last point of each query, of so many steps at most."""
    start_s = first_s
    while start_s <= last_s:
        end_s = min(last_s, start_s + (most - 1) * step_s)
        yield start_s, end_s
        start_s = end_s + step_s


def _length(span_s: int) -> str:
    return f"{span_s // DAY_S} days" if span_s >= 2 * DAY_S else f"{span_s} s"


@dataclass(frozen=True, slots=True)
class _Source:
    """One stretch of one Prometheus server's history."""

    base_url: str
    model: str | None
    now_s: float
    span_s: int
    timeout_s: float
    warnings: dict[str, None] = field(default_factory=dict)

    def grown(self, series: str) -> float | None:
        """Return by how much a counter grew, over all its series."""
        found = self._grown(f"sum(increase({self._chosen(series)}[{LENGTH}]))")
        return found[""] if found else None

    def _grown(self, query: str) -> dict[str, float]:
        """Return the sum of what a query of some length gives, by its label ``le``.

        More than a day is asked day by day, and some days at a time: a server that is asked for a
        month at once refuses, or reads all of it into its memory.
        """
        found: dict[str, float] = defaultdict(float)
        if self.span_s <= DAY_S or self.span_s % DAY_S:
            for each in self._at_end(query.replace(LENGTH, f"{self.span_s}s")):
                found[each.edge] += each.total
            return found
        first_s = self.now_s - self.span_s + DAY_S
        for start_s, end_s in _chunks(first_s, self.now_s, DAY_S, MOST_DAYS):
            asked = {
                "query": query.replace(LENGTH, f"{DAY_S}s"),
                "start": start_s,
                "end": end_s,
                "step": DAY_S,
            }
            for each in self._ask("query_range", asked):
                found[each.edge] += each.total
        return found

    def totals(self) -> TokenTotals:
        """Return all requests and tokens of the stretch."""
        return TokenTotals(
            self.grown("vllm:request_success_total"),
            self.grown("vllm:prompt_tokens_total"),
            self.grown("vllm:prompt_tokens_cached_total"),
            self.grown("vllm:generation_tokens_total"),
        )

    def histogram(self, name: str) -> Histogram | None:
        """Return what a histogram counted."""
        query = f"sum by (le) (increase({self._chosen(name + '_bucket')}[{LENGTH}]))"
        buckets = {float(edge): count for edge, count in self._grown(query).items()}
        total = self.grown(f"{name}_sum")
        if not buckets or total is None:
            return None
        edges = tuple(sorted(buckets))
        return Histogram(edges, tuple(buckets[edge] for edge in edges), total)

    def steps(self, series: str) -> Steps:
        """Return by how much a counter grew in each step that was watched from its beginning.

        The first step of a stretch may have begun before it was watched. One step more than the
        span is asked, to know whether its first was.
        """
        found = Steps(STEPS_S[-1], ())
        for step_s in STEPS_S:
            if step_s * 2 <= self.span_s and not found.grown:
                found = self._steps_of(series, step_s)
        return found

    def _steps_of(self, series: str, step_s: int) -> Steps:
        values = self.by_step(series, step_s)
        watched = {at for at, _ in values}
        return Steps(step_s, tuple(pair for pair in values if pair[0] - step_s in watched))

    def by_step(self, series: str, step_s: int) -> list[tuple[float, float]]:
        """Return by how much a counter grew in each step, at its end; some steps at a time."""
        query = f"sum(increase({self._chosen(series)}[{step_s}s]))"
        first_s = self.now_s - self.span_s // step_s * step_s
        found = []
        for start_s, end_s in _chunks(first_s, self.now_s, step_s, MOST_POINTS):
            asked = {"query": query, "start": start_s, "end": end_s, "step": step_s}
            for each in self._ask("query_range", asked)[:1]:
                found += each.values
        return found

    def warned(self) -> str:
        """Return what the server warned of, such as stores of a fleet that did not answer."""
        return f"; it warned: {'; '.join(self.warnings)}" if self.warnings else ""

    def replicas(self) -> int | None:
        """Return how many servers Prometheus saw at the end."""
        servers = f"count by (instance) ({self._chosen('vllm:request_success_total')})"
        result = self._at_end(f"count({servers})")
        return int(result[0].total) if result else None

    def _chosen(self, series: str) -> str:
        return series if self.model is None else f"{series}{{model_name={json.dumps(self.model)}}}"

    def _at_end(self, query: str) -> list["_Answered"]:
        return self._ask("query", {"query": query, "time": self.now_s})

    def _ask(self, kind: str, query: Mapping[str, object]) -> list["_Answered"]:
        address = f"{self.base_url.rstrip('/')}/api/v1/{kind}?{urlencode({**query, **ONCE})}"
        try:
            status, body = http_get(address, self.timeout_s, accept="application/json")
            answer = json.loads(body)
        except Unreachable as error:
            raise PrometheusUnavailable(f"Prometheus: {error}") from error
        except NOT_JSON as error:
            raise self._no_prometheus("it answers without JSON") from error
        if not isinstance(answer, dict):
            raise self._no_prometheus("its JSON is not an object")
        if status != http.client.OK or answer.get("status") != "success":
            why = answer.get("error", f"status {status}")
            raise PrometheusUnavailable(
                f"{self.base_url} refused a query ({why}); check its version"
            )
        self.warnings.update(dict.fromkeys(map(visible, map(str, answer.get("warnings") or ()))))
        try:
            return [_answered(each) for each in answer["data"]["result"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._no_prometheus("its answer holds no result") from error

    def _no_prometheus(self, why: str) -> PrometheusUnavailable:
        return PrometheusUnavailable(
            f"{self.base_url} is no Prometheus server: {why}; check the address"
        )


@dataclass(frozen=True, slots=True)
class _Answered:
    """One series of an answer: the edge of its bucket, empty without one, and values by time."""

    edge: str
    values: list[tuple[float, float]]

    @property
    def total(self) -> float:
        return sum(value for _, value in self.values)


def _answered(series: Mapping[str, Any]) -> _Answered:
    """Return a series as Prometheus writes it.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is none, or a value is no count.
    """
    edge = series.get("metric", {}).get("le", "")
    if edge and isnan(float(edge)):
        raise ValueError(edge)
    pairs = series["values"] if "values" in series else [series["value"]]
    values = [(float(at), float(count)) for at, count in pairs]
    if not all(isfinite(at) and isfinite(count) and count >= 0 for at, count in values):
        raise ValueError(values)
    return _Answered(edge, values)
