"""Serverless GPUs played event by event, which know nothing of the formulas.

A replica is cold, starting, or up. A request that meets it cold starts it; requests that meet it
starting wait; each is served in the same time, and the replica goes when it has been idle for the
timeout. Every second between the order and the end is billed.
"""

import heapq
import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import pytest

from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.option import Option
from backends.domain.decision.options import options
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.decision.wording import excluded_because

Event = tuple[float, int, Literal["arrives", "ready", "done", "expires"], int]


def why(option: Option) -> str:
    return excluded_because(option.exclusion, NO_REMEDIES)


@dataclass
class Replica:
    """One replica, by what happens to it."""

    up: bool = False
    ordered_s: float | None = None
    waiting: int = 0
    busy: int = 0
    idle_since_s: float = 0.0


class Case(NamedTuple):
    """Random traffic in requests per second, and a service in seconds on some replicas."""

    rate: float
    service: float
    timeout: float
    cold: float
    replicas: int = 1


@dataclass
class Played:
    billed_s: float
    cold_starts: int
    delayed: int
    requests: int
    seconds: float


def play(case: Case, n: int) -> Played:
    """Play n requests that come at random and go to one of the replicas at random."""
    rate, service, timeout, cold, replicas = case
    rng = random.Random(11)
    fleet = [Replica() for _ in range(replicas)]
    agenda: list[Event] = []
    clock, billed, order = 0.0, 0.0, 0
    seen: Counter[str] = Counter()
    for _ in range(n):
        clock += rng.expovariate(rate)
        order += 1
        heapq.heappush(agenda, (clock, order, "arrives", rng.randrange(replicas)))
    end_s = clock
    while agenda:
        clock, _, what, place = heapq.heappop(agenda)
        replica = fleet[place]
        order += 1
        match what:
            case "arrives" if replica.up:
                replica.busy += 1
                heapq.heappush(agenda, (clock + service, order, "done", place))
            case "arrives":
                seen["delayed"] += 1
                replica.waiting += 1
                if replica.ordered_s is None:
                    seen["cold"] += 1
                    replica.ordered_s = clock
                    heapq.heappush(agenda, (clock + cold, order, "ready", place))
            case "ready":
                replica.up, replica.busy, replica.waiting = True, replica.waiting, 0
                for _ in range(replica.busy):
                    order += 1
                    heapq.heappush(agenda, (clock + service, order, "done", place))
            case "done":
                replica.busy -= 1
                replica.idle_since_s = clock
                if not replica.busy:
                    heapq.heappush(agenda, (clock + timeout, order, "expires", place))
            case "expires" if replica.up and not replica.busy:
                # An expiry of an earlier pause finds a pause that began later.
                if (
                    clock - replica.idle_since_s >= timeout * 0.999_999
                    and replica.ordered_s is not None
                ):
                    billed += clock - replica.ordered_s
                    fleet[place] = Replica()
    return Played(billed, seen["cold"], seen["delayed"], n, end_s)


@pytest.mark.parametrize(
    "case",
    [
        Case(1 / 600, 5.0, 60.0, 60.0),
        Case(1 / 60, 5.0, 30.0, 60.0),
        Case(0.2, 3.0, 5.0, 8.0),
        Case(0.6, 4.0, 5.0, 20.0, replicas=3),
    ],
)
def test_the_cost_of_scaling_to_zero_is_what_happens(case: Case) -> None:
    played = play(case, 40_000)
    data: dict[str, Any] = {
        "gpu_usd_per_hour": 2,
        "serverless_usd_per_second": "0.001",
        "rate_rps": case.rate,
        "service_s": case.service,
        "idle_timeout_s": case.timeout,
        "cold_start_s": case.cold,
        "capacity_rps": case.rate / case.replicas * 1.0001,
        "ttft_slo_s": "0.5",
    }
    scenario = scenario_from(data)
    load = load_of(scenario)
    assert load is not None
    by_name = {each.name: each for each in options(scenario, centre(scenario, load))}
    option = by_name["serverless_gpu"]
    assert option.usd_per_hour is not None
    assert float(option.usd_per_hour) == pytest.approx(
        played.billed_s / played.seconds * 3.6, rel=0.02
    )
    told = int(why(option).partition(": ")[2].partition(" %")[0])
    assert told == pytest.approx(100 * played.delayed / played.requests, abs=1.5)


def test_a_played_replica_obeys_its_own_rules() -> None:
    """Longer timeouts start less often and cost more, in the play itself."""
    runs = [play(Case(1 / 60, 5.0, timeout, 20.0), 5_000) for timeout in (0.0, 30.0, 300.0)]
    for shorter, longer in pairwise(runs):
        assert longer.cold_starts < shorter.cold_starts
        assert longer.billed_s > shorter.billed_s
