"""Recorded traffic by equal steps of time: what its shape and its bursts are measured on."""

from dataclasses import dataclass


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
