"""Rows added up by steps of time, whatever their order and their number."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, log
from statistics import median

STEPS_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Lengths of a step; each hour is made of whole ones."""

MOST_STEPS = 50_000
"""The longest span in steps: 14 hours by the second, 34 days by the minute."""

MOST_INTERVALS = 100_000
"""More different instants than this are not taken for those of equal intervals."""

Sums = list[float]
"""Requests, tokens in, out and cached; squares of in and out, and in times out of each request."""


@dataclass(slots=True)
class Row:
    """One row of a file.

    Attributes:
        at_s: when it came, or its interval began, in seconds since 1970.
        width_s: the length of its interval; None for a request at an instant, 0 for an interval
            whose length the file does not say.
        requests: how many it stands for.
        into: input tokens of all of them; `out` and `cached` likewise.
        conversation: whose turn it is; None where the file does not say.
        blocks: the hashes of its prompt's blocks.
    """

    at_s: float
    width_s: float | None
    requests: float
    into: float
    out: float
    cached: float | None = None
    conversation: str | None = None
    blocks: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """What is added up over all rows, in memory that does not grow with them.

    Intervals of unknown length are kept by their instant until all are known, because the length
    follows from all of them; the rest goes to steps, which grow with the span.

    Attributes:
        instants_n: requests at instants, which say nothing of the time behind the last of them.
        widest_s: the longest interval of a row: nothing finer is known of its requests.
        narrowest_s: the shortest one; 0 where a request came at an instant.
        limits: prompt lengths from which prices change, in order.
        kinds: requests, tokens in and out of the rows whose prompts exceed so many of the limits.
        sums: of all rows.
    """

    limits: tuple[float, ...] = ()
    kinds: dict[int, Sums] = field(default_factory=dict)
    sums: Sums = field(default_factory=lambda: [0] * 7)
    instants_n: float = 0
    cached_known: bool = False
    first_s: float = float("inf")
    last_s: float = float("-inf")
    widest_s: float = 0.0
    narrowest_s: float = float("inf")
    step_s: float = STEPS_S[0]
    steps: dict[int, Sums] = field(default_factory=dict)
    intervals: dict[float, Sums] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Add one row; inside it the requests are taken as alike, for nothing tells otherwise."""
        n, cached = row.requests, row.cached
        if cached is not None:
            self.cached_known = True
        sums = [n, row.into, row.out, cached or 0, 0, 0, 0]
        if n:
            sums[4:] = row.into * row.into / n, row.out * row.out / n, row.into * row.out / n
        if n and self.limits:
            self.add_kind(bisect_left(self.limits, row.into / n), (n, row.into, row.out))
        self.add_sums(row.at_s, row.width_s, sums)

    def add_kind(self, kind: int, sums: Iterable[float]) -> None:
        """Add requests, tokens in and out of rows whose prompts exceed so many of the limits."""
        _plus(self.kinds.setdefault(kind, [0.0] * 3), sums)

    def add_sums(self, at_s: float, width_s: float | None, sums: Sums) -> None:
        """Add the sums of rows of one instant or interval."""
        _plus(self.sums, sums)
        if width_s == 0:
            self.first_s, self.last_s = min(self.first_s, at_s), max(self.last_s, at_s)
            _plus(self.intervals.setdefault(at_s, [0] * 7), sums)
        else:
            self._place(at_s, width_s, sums)

    def add_steps(
        self, step_s: float, first_s: float, last_s: float, steps: Mapping[int, Sums]
    ) -> None:
        """Add requests at instants that were added up already, in steps no longer than needed."""
        self.first_s, self.last_s = min(self.first_s, first_s), max(self.last_s, last_s)
        self.narrowest_s = 0.0
        self._fit()
        totals = [sum(each) for each in zip(*steps.values(), strict=True)]
        _plus(self.sums, totals)
        self.instants_n += totals[0]
        for number, sums in steps.items():
            place = floor(number * step_s / self.step_s)
            if place in self.steps:
                _plus(self.steps[place], sums)
            else:
                self.steps[place] = sums

    def finish(self) -> None:
        """Spread the intervals of unknown length over their time, once all of them are known."""
        rows, self.intervals = self.intervals, {}
        lengths = interval_lengths({at_s: sums[0] for at_s, sums in rows.items()})
        for at_s, sums in rows.items():
            self._place(at_s, lengths.get(at_s), sums)
        for wider_s in STEPS_S:
            if self.step_s < wider_s <= self.narrowest_s:
                self._coarser()

    def _place(self, at_s: float, width_s: float | None, sums: Sums) -> None:
        self.first_s = min(self.first_s, at_s)
        self.last_s = max(self.last_s, at_s + (width_s or 0.0))
        if width_s is None:
            self.instants_n += sums[0]
        self._to_steps(at_s, width_s or 0.0, sums)

    @property
    def to_s(self) -> float:
        """When the watching ended: the last request at an instant has a gap behind it, too."""
        gaps = self.instants_n - 1
        if gaps <= 0 or self.widest_s > 0:
            return self.last_s
        return self.last_s + (self.last_s - self.first_s) / gaps

    def _to_steps(self, at_s: float, width_s: float, sums: Sums) -> None:
        self.widest_s = max(self.widest_s, width_s)
        self.narrowest_s = min(self.narrowest_s, width_s)
        self._fit()
        place, until_s = floor(at_s / self.step_s), at_s + width_s
        if until_s <= (place + 1) * self.step_s:
            _plus(self.steps.setdefault(place, [0] * 7), sums)
            return
        while place * self.step_s < until_s:
            ends_s = min(until_s, (place + 1) * self.step_s)
            share = (ends_s - max(at_s, place * self.step_s)) / width_s
            _plus(self.steps.setdefault(place, [0] * 7), [each * share for each in sums])
            place += 1

    def _fit(self) -> None:
        """Make the steps as long as the span needs."""
        while (self.last_s - self.first_s) > self.step_s * MOST_STEPS and self.step_s < STEPS_S[-1]:
            self._coarser()

    def _coarser(self) -> None:
        wider_s = STEPS_S[STEPS_S.index(self.step_s) + 1]
        ratio, old = round(wider_s / self.step_s), self.steps
        self.step_s, self.steps = wider_s, {}
        for place, sums in old.items():
            _plus(self.steps.setdefault(place // ratio, [0] * 7), sums)


def step_of(span_s: float) -> float:
    """Return the length of a step for a span of time, in seconds."""
    return next((step for step in STEPS_S if span_s / step <= MOST_STEPS), STEPS_S[-1])


def interval_lengths(requests: Mapping[float, float]) -> dict[float, float]:
    """Return the length of each interval, by the instant at which it begins.

    An interval lasts until the next one, but no longer than the commonest distance of two, for
    those without traffic are often left out. One before a longer distance covers all of it where
    only so its requests fit the usual rate: a file may hold intervals of several lengths. Rows
    without a commonest distance are no intervals, and have no length.

    Args:
        requests: those of each interval.
    """
    starts = sorted(requests)
    gaps = [later - sooner for sooner, later in pairwise(starts)]
    if not gaps or len(starts) > MOST_INTERVALS:
        return {}
    usual_s, times = min(Counter(gaps).items(), key=lambda pair: (-pair[1], pair[0]))
    if times * 2 < len(gaps):
        return {}
    rates = [requests[at] / gap for at, gap in zip(starts, gaps, strict=False) if gap == usual_s]
    rate_rps = median(rates)
    lengths = {
        at_s: min((usual_s, gap), key=lambda length: _misfit(requests[at_s], length, rate_rps))
        if gap > usual_s
        else gap
        for at_s, gap in zip(starts, gaps, strict=False)
    }
    last_s = starts[-1]
    known = sorted({usual_s, *lengths.values()}, key=lambda length: abs(length - usual_s))
    lengths[last_s] = min(known, key=lambda length: _misfit(requests[last_s], length, rate_rps))
    return lengths


def _misfit(requests: float, length_s: float, rate_rps: float) -> float:
    """Return by which factor, as its logarithm, the rate of an interval differs from another."""
    if requests <= 0 or rate_rps <= 0:
        return 0.0
    return abs(log(requests / length_s / rate_rps))


def _plus(sums: Sums, more: Iterable[float]) -> None:
    for place, value in enumerate(more):
        sums[place] += value
