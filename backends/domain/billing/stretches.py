"""What a host's time was spent on while nobody watched, as far as its servers' journals tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.domain.billing.meter import Activity, activity_of_host
from backends.domain.facts import BecameReady, Exited, ServerFact, Spawned, Stopped

Change = tuple[float, Activity]
"""Since when, seconds since 1970, a server does what."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time spent on one activity, from and to in seconds since 1970."""

    from_s: float
    to_s: float
    activity: Activity


def changes(facts: Iterable[ServerFact]) -> list[Change]:
    """Return what a server did when; a ready one may have served or not, which no journal tells."""
    found: list[Change] = []
    for fact in facts:
        match fact:
            case Spawned():
                found.append((fact.at.wall_s, "starting"))
            case BecameReady():
                found.append((fact.at.wall_s, "unwatched"))
            case Exited() | Stopped():
                found.append((fact.at.wall_s, "stopped"))
            case _:
                pass
    return found


def stretches_between(
    servers: Sequence[Sequence[Change]], from_s: float, to_s: float
) -> tuple[Stretch, ...]:
    """Return what a host did between two instants; together they tile the time.

    Before any server is known of, the time is unwatched: who knows what the host was used for.
    """
    if to_s <= from_s:
        return ()
    instants = sorted({at for each in servers for at, _ in each if from_s < at < to_s})
    edges = [from_s, *instants, to_s]
    return tuple(Stretch(begin, end, _at(servers, begin)) for begin, end in pairwise(edges))


def _at(servers: Sequence[Sequence[Change]], instant_s: float) -> Activity:
    known = []
    for each in servers:
        before = [change for change in each if change[0] <= instant_s]
        if before:
            known.append(max(before, key=lambda change: change[0])[1])
    return activity_of_host(known) if known else "unwatched"
