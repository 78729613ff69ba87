"""The meter: what the rented GPUs have cost so far, and what for.

A cloud bills the host, not the server on it: from boot to destruction, through cold starts and
while vLLM is stopped, rounded up to the provider's granularity.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from backends.domain.durations import HOUR_S
from backends.domain.prices.cost import RequestPrices
from backends.domain.server import ServerState
from backends.domain.traffic.totals import TokenTotals

Activity = Literal["serving", "idle", "starting", "stopped", "unwatched"]
Origin = Literal["host_boot", "container_start", "server_start", "given"]
STOPPED_STILL_COSTS = "Stopping vLLM does not stop billing; terminate the instance."


@dataclass(frozen=True, slots=True)
class Tariff:
    """How a provider bills.

    Attributes:
        usd_per_hour: of one GPU, None where the price is not known.
        gpus: how many are rented together.
        granularity_s: time is billed in whole steps of this, such as 1, 60 or 3600 seconds; 0 is
            to the instant, for a part of a rental.
        minimum_s: the least that is billed.
    """

    usd_per_hour: Decimal | None
    gpus: int = 1
    granularity_s: int = 1
    minimum_s: int = 0


@dataclass(frozen=True, slots=True)
class MeterState:
    """The seconds of each activity since the bill began; survives restarts of the console.

    Attributes:
        origin: what the bill begins with.
        began_s: when, seconds since 1970; like `last_s`, the end of what is counted.
        set_by_s: how far the wall clock was set since, which `began_s` and `last_s` followed.
    """

    origin: Origin
    began_s: float
    last_s: float
    serving_s: float = 0.0
    idle_s: float = 0.0
    starting_s: float = 0.0
    stopped_s: float = 0.0
    unwatched_s: float = 0.0
    set_by_s: float = 0.0

    @property
    def dated_s(self) -> float:
        """When the bill began, by the wall clock of then."""
        return self.began_s - self.set_by_s

    @property
    def earliest_s(self) -> float:
        """The begin by either clock: whatever is dated since then may be of this bill."""
        return min(self.began_s, self.dated_s)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent, and on what.

    Attributes:
        billed_s: elapsed time as the provider rounds it.
        usd: None where the price is not known, as in the other amounts.
        parts: activity, its seconds and what they cost.
        rounding_usd: what the provider's rounding adds.
    """

    elapsed_s: float
    billed_s: float
    usd: Decimal | None
    usd_per_hour: Decimal | None
    parts: tuple[tuple[Activity, float, Decimal | None], ...]
    rounding_usd: Decimal | None
    note: str = ""


def begin_meter(origin: Origin, began_s: float, watched_from_s: float) -> MeterState:
    """Return a meter whose bill began before anybody watched; that time counts as unwatched."""
    before = max(0.0, watched_from_s - began_s)
    return MeterState(origin, began_s, began_s + before, unwatched_s=before)


def advance_meter(state: MeterState, to_s: float, activity: Activity) -> MeterState:
    """Return the meter with the time since its last reading spent on one activity.

    An instant before that reading adds nothing, so that no second is billed twice.
    """
    more = to_s - state.last_s
    if more <= 0:
        return state
    match activity:
        case "serving":
            return replace(state, last_s=to_s, serving_s=state.serving_s + more)
        case "idle":
            return replace(state, last_s=to_s, idle_s=state.idle_s + more)
        case "starting":
            return replace(state, last_s=to_s, starting_s=state.starting_s + more)
        case "stopped":
            return replace(state, last_s=to_s, stopped_s=state.stopped_s + more)
        case "unwatched":
            return replace(state, last_s=to_s, unwatched_s=state.unwatched_s + more)


def shifted(state: MeterState, step_s: float) -> MeterState:
    """Return the meter after the wall clock was set: it dates the bill anew and changes no second.

    Args:
        state: the meter.
        step_s: by how much the clock went ahead, negative where it was set back.
    """
    return replace(
        state,
        began_s=state.began_s + step_s,
        last_s=state.last_s + step_s,
        set_by_s=state.set_by_s + step_s,
    )


def activity_of(state: ServerState, requests_running: float | None) -> Activity:
    """Return what a server's state is for the meter; busy needs a request that is known to run."""
    match state:
        case ServerState.STARTING:
            return "starting"
        case ServerState.STOPPED | ServerState.FAILED:
            return "stopped"
        case ServerState.SLEEPING:
            return "idle"
        case _:
            if requests_running is None:
                return "unwatched"
            return "serving" if requests_running > 0 else "idle"


def activity_of_host(activities: Iterable[Activity]) -> Activity:
    """Return what the time of a host with several servers is spent on; none is a stopped one.

    One server that serves makes use of the host. One of which nothing is known may serve, so that
    the time is unwatched unless another one is known to.
    """
    found = set(activities)
    return next((each for each in _MOST_USE_FIRST if each in found), "stopped")


_MOST_USE_FIRST: tuple[Activity, ...] = ("serving", "unwatched", "starting", "idle", "stopped")


def read_meter(state: MeterState, tariff: Tariff) -> Spent:
    """Return what the state has cost under a tariff."""
    seconds: dict[Activity, float] = {
        "serving": state.serving_s,
        "idle": state.idle_s,
        "starting": state.starting_s,
        "stopped": state.stopped_s,
        "unwatched": state.unwatched_s,
    }
    elapsed = state.last_s - state.began_s
    billed = billed_seconds(elapsed, tariff)
    rate = None if tariff.usd_per_hour is None else tariff.usd_per_hour * tariff.gpus
    parts = tuple((name, spent, _cost(spent, rate)) for name, spent in seconds.items())
    total = _cost(billed, rate)
    counted = _cost(elapsed, rate)
    rounding = None if total is None or counted is None else total - counted
    note = STOPPED_STILL_COSTS if state.stopped_s > 0 else ""
    return Spent(elapsed, float(billed), total, rate, parts, rounding, note)


def billed_seconds(elapsed_s: float, tariff: Tariff) -> Decimal:
    """Return elapsed time as the provider bills it, in seconds."""
    if not tariff.granularity_s:
        return max(Decimal(tariff.minimum_s), _decimal(elapsed_s))
    step = Decimal(tariff.granularity_s)
    steps = (_decimal(elapsed_s) / step).to_integral_value(rounding=ROUND_CEILING)
    return max(Decimal(tariff.minimum_s), steps * step)


def api_equivalent_usd(totals: TokenTotals, prices: RequestPrices) -> Decimal | None:
    """Return what the same tokens would have cost at an API; None where they are not counted.

    Servers before vLLM 0.16 do not count cached input; all of it is then charged in full.
    """
    if totals.requests is None:
        return None
    into, out = totals.input_tokens, totals.output_tokens
    return prices.cost(
        None if into is None else _decimal(into),
        None if out is None else _decimal(out),
        _decimal(totals.cached_input_tokens or 0.0),
        _decimal(totals.requests),
    )


def _cost(seconds: float | Decimal, usd_per_hour: Decimal | None) -> Decimal | None:
    return None if usd_per_hour is None else usd_per_hour * _decimal(seconds) / HOUR_S


def _decimal(value: float | Decimal) -> Decimal:
    """Return a count without the digits that only a float has."""
    return value if isinstance(value, Decimal) else Decimal(repr(value))
