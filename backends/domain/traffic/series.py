"""Recorded traffic by equal steps of time: what its shape and its bursts are measured on."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class TrafficSeries:
    """Requests and their tokens in the steps in which there were any, in order of time.

    The other steps from `from_s` to `to_s` were watched and saw none.

    Attributes:
        step_s: the length of a step in seconds.
        finest_s: of a shorter time nothing is known: a step, or the longest interval of a row,
            over which its requests are spread evenly. Bursts within it are not seen.
        from_s: when the watching began, in seconds since 1970; `to_s` is when it ended.
        places: the steps, each counted from 1970: step n begins at n times `step_s`.
        requests: of each step; so are all that follow.
        input_squares: each request's input tokens squared, summed; `output_squares` likewise.
        products: input times output tokens of each request, summed. The three are None where the
            source counts tokens in all.
        relative: the instants count from a beginning of their own: weekdays mean nothing.
    """

    step_s: float
    finest_s: float
    from_s: float
    to_s: float
    places: tuple[int, ...]
    requests: tuple[float, ...]
    input_tokens: tuple[float, ...]
    output_tokens: tuple[float, ...]
    cached_input_tokens: tuple[float, ...] | None
    input_squares: tuple[float, ...] | None = None
    output_squares: tuple[float, ...] | None = None
    products: tuple[float, ...] | None = None
    relative: bool = False


def stretches(series: TrafficSeries) -> Iterator[tuple[float, float, float, float, float, float]]:
    """Return the stretches of which something is known, those without a request included.

    Each as when it began, in seconds since 1970, how long it was watched, in seconds, its requests,
    how many of them had their tokens counted, and these tokens in and out. A stretch is no shorter
    than `finest_s`: shorter ones would look as even as their rows were spread.
    """
    width_s = max(series.step_s, series.finest_s)
    # Rows of intervals begin with the first of them; steps with the clock.
    origin_s = series.from_s if series.finest_s > series.step_s else 0.0
    first = floor((series.from_s - origin_s) / width_s)
    last = max(first, ceil((series.to_s - origin_s) / width_s) - 1)
    found: dict[int, list[float]] = {}
    columns = zip(
        series.places, series.requests, series.input_tokens, series.output_tokens, strict=True
    )
    for step, *counts in columns:
        middle_s = (step + 0.5) * series.step_s
        place = min(last, max(first, floor((middle_s - origin_s) / width_s)))
        sums = found.setdefault(place, [0.0, 0.0, 0.0])
        for number, count in enumerate(counts):
            sums[number] += count
    for place in range(first, last + 1):
        began_s = max(series.from_s, origin_s + place * width_s)
        ended_s = min(series.to_s, origin_s + (place + 1) * width_s)
        requests, into, out = found.get(place, (0.0, 0.0, 0.0))
        yield began_s, ended_s - began_s, requests, requests, into, out
