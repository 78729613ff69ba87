"""Worlds of traffic with a known truth, simulated in the stretches in which traffic is kept."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, pstdev

from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.bins import Bin

INPUT_TOKENS, OUTPUT_TOKENS = 1500.0, 4000.0
"""Long answers: few requests an hour make a day's verdict hard."""

INPUT_USD, OUTPUT_USD = 0.10e-6, 0.70e-6
CONTEXT_TOKENS = 32_768.0
EVEN_RPS = 0.2
"""The break-even rate."""

USD_PER_REQUEST = INPUT_TOKENS * INPUT_USD + OUTPUT_TOKENS * OUTPUT_USD
GPU_USD_PER_HOUR = EVEN_RPS * USD_PER_REQUEST * HOUR_S

BEGAN_S = 1_793_577_600.0
"""A Monday, midnight in UTC."""

Sums = tuple[float, float, float]
"""Requests, their input and their output tokens."""


@dataclass(frozen=True, slots=True)
class World:
    """A stream of requests with its truth.

    Attributes:
        factor: the mean rate over the break-even rate.
        on_off_s: mean length of each stretch with and without traffic; 0 for neither.
        regime_s: mean length of stretches with short, and with long answers; 0 for none.
        pareto: answers have a heavy tail, cut at the context limit.
        shape: the factor on the rate by time since the beginning, in seconds.
    """

    name: str
    factor: float = 1.0
    on_off_s: float = 0.0
    regime_s: float = 0.0
    pareto: bool = False
    shape: Callable[[float], float] | None = None

    @property
    def cost_variation(self) -> float:
        """Variance over squared mean of a request's price."""
        into = INPUT_TOKENS * INPUT_USD / USD_PER_REQUEST
        out = 1 - into
        spread = _PARETO_SPREAD if self.pareto else _LOGNORMAL_SPREAD
        return into**2 * _INPUT_SPREAD + out**2 * spread

    @property
    def long_run_s(self) -> float:
        """Relative variance of the mean cost, times the seconds that it is the mean of."""
        rate = EVEN_RPS * self.factor
        own = (1 + self.cost_variation) / rate
        out = OUTPUT_TOKENS * OUTPUT_USD / USD_PER_REQUEST
        return own + self.on_off_s + out**2 * _REGIME**2 * self.regime_s


_SIGMA_IN, _SIGMA_OUT = 0.8, 0.9
_INPUT_SPREAD = math.exp(_SIGMA_IN**2) - 1
_LOGNORMAL_SPREAD = math.exp(_SIGMA_OUT**2) - 1
_REGIME = 0.5
_ALPHA = 1.5


def _pareto_moments(least: float) -> tuple[float, float]:
    """Return mean and mean square of a Pareto length cut at the context limit."""
    top, a = CONTEXT_TOKENS - INPUT_TOKENS, _ALPHA
    beyond = (least / top) ** a
    mean = a * least**a * (least ** (1 - a) - top ** (1 - a)) / (a - 1) + beyond * top
    square = a * least**a * (top ** (2 - a) - least ** (2 - a)) / (2 - a) + beyond * top**2
    return mean, square


def _least_of(mean: float) -> float:
    low, high = 1.0, mean
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _pareto_moments(middle)[0] < mean else (low, middle)
    return high


_LEAST = _least_of(OUTPUT_TOKENS)
_PARETO_SPREAD = _pareto_moments(_LEAST)[1] / OUTPUT_TOKENS**2 - 1


def simulated(world: World, step_s: float, length_s: float, draw: random.Random) -> Iterator[Bin]:
    """Yield the traffic of a world in equal steps."""
    on = _alternating(world.on_off_s, step_s, draw)
    long = _alternating(world.regime_s, step_s, draw)
    for step in range(int(length_s / step_s)):
        at_s = step * step_s
        shape = world.shape(at_s + step_s / 2) if world.shape else 1.0
        busy = 2 * next(on) if world.on_off_s else 1.0
        share = next(long) if world.regime_s else 0.5
        mean = EVEN_RPS * world.factor * shape * busy * step_s
        n, into, out = _requests(world, mean, draw)
        if world.regime_s:
            out *= 1 - _REGIME + 2 * _REGIME * share
        yield Bin(BEGAN_S + at_s, step_s, n, n, into, out)


def _alternating(mean_s: float, step_s: float, draw: random.Random) -> Iterator[float]:
    """Yield the share of each step in which a switch is on that turns after random stretches."""
    if not mean_s:
        return
    on, left_s = draw.random() < 0.5, draw.expovariate(1 / mean_s)
    while True:
        rest_s, busy_s = step_s, 0.0
        while left_s < rest_s:
            busy_s += left_s if on else 0.0
            rest_s -= left_s
            on, left_s = not on, draw.expovariate(1 / mean_s)
        left_s -= rest_s
        yield (busy_s + (rest_s if on else 0.0)) / step_s


def _requests(world: World, mean: float, draw: random.Random) -> Sums:
    n = _poisson(mean, draw)
    if n == 0:
        return 0.0, 0.0, 0.0
    into, out = _sum_of(_INPUTS, n, draw), _sum_of(_OUTPUTS[world.pareto], n, draw)
    return float(n), into, out


def _sum_of(pool: list[float], n: int, draw: random.Random) -> float:
    """Return the sum of n lengths; of many a normal one with the same moments.

    Of few it is the sum of a length, of two, of four ... as the binary digits of n have it.
    """
    if n > _ONE_BY_ONE:
        mean, spread = _MOMENTS[id(pool)]
        return max(0.0, draw.gauss(n * mean, spread * n**0.5))
    total = 0.0
    for sums in _SUMS[id(pool)]:
        if n & 1:
            total += sums[int(draw.random() * _POOL)]
        n >>= 1
    return total


def _poisson(mean: float, draw: random.Random) -> int:
    if mean > 60:
        return max(0, round(draw.gauss(mean, mean**0.5)))
    limit, n, product = math.exp(-mean), 0, draw.random()
    while product > limit:
        product *= draw.random()
        n += 1
    return n


_ONE_BY_ONE = 60
_POOL = 20_000


def _pool(lengths: list[float], mean: float) -> list[float]:
    """Return lengths whose mean is exact: drawn from it, a request has the truth of its world."""
    factor = mean * len(lengths) / sum(lengths)
    return [each * factor for each in lengths]


def _lognormal(mean: float, sigma: float) -> list[float]:
    at = ((step + 0.5) / _POOL for step in range(_POOL))
    return _pool([math.exp(NormalDist().inv_cdf(each) * sigma) for each in at], mean)


def _pareto() -> list[float]:
    top = CONTEXT_TOKENS - INPUT_TOKENS
    at = ((step + 0.5) / _POOL for step in range(_POOL))
    return _pool([min(top, _LEAST * each ** (-1 / _ALPHA)) for each in at], OUTPUT_TOKENS)


_INPUTS = _lognormal(INPUT_TOKENS, _SIGMA_IN)
_OUTPUTS = {False: _lognormal(OUTPUT_TOKENS, _SIGMA_OUT), True: _pareto()}


def _sums(pool: list[float]) -> list[list[float]]:
    """Return sums of 1, 2, 4, ... lengths, as many of each, with the mean that they have."""
    draw, found = random.Random(5), [pool]
    while 1 << len(found) <= _ONE_BY_ONE:
        halves = [draw.sample(found[-1], _POOL) for _ in range(2)]
        more = [one + other for one, other in zip(*halves, strict=True)]
        found.append(_pool(more, 2 ** len(found) * fmean(pool)))
    return found


_SUMS = {id(each): _sums(each) for each in (_INPUTS, *_OUTPUTS.values())}

_MOMENTS = {id(each): (fmean(each), pstdev(each)) for each in (_INPUTS, *_OUTPUTS.values())}


def week(at_s: float) -> float:
    """Return the factor of a working week on the rate, of mean one."""
    day, hour = int(at_s // DAY_S) % 7, at_s % DAY_S / HOUR_S
    level = 1.15 if day < 5 else 0.625
    return level * (1 + 0.86 * math.cos(2 * math.pi * (hour - 14) / 24))


@dataclass(frozen=True, slots=True)
class Growing:
    """A working week that grows by a share each day, and is at the mean rate on a day."""

    per_day: float
    on_day: float

    def __call__(self, at_s: float) -> float:
        """Return the factor on the rate."""
        return week(at_s) * math.pow(1 + self.per_day, at_s / DAY_S - self.on_day)


@dataclass(frozen=True, slots=True)
class Stepped:
    """A working week whose level changes on a day."""

    before: float
    after: float
    on_day: float

    def __call__(self, at_s: float) -> float:
        """Return the factor on the rate."""
        return week(at_s) * (self.before if at_s < self.on_day * DAY_S else self.after)


SPAN = (0.8, 0.95, 1.05, 1.2)
"""The rates over break-even: 5 and 20 % from it on both sides."""


def at_distances(world: World) -> tuple[World, ...]:
    """Return a world at each distance from break-even."""
    return tuple(replace(world, factor=factor) for factor in SPAN)
