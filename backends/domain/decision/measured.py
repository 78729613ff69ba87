"""What a host has measured for a decision, or would have to: values that `wording` says."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backends.domain.decision.exclusion import Exclusion
from backends.domain.serving import Bucket


@dataclass(frozen=True, slots=True)
class StartsMedian:
    """The median of a server's own complete starts.

    Attributes:
        restart: of a host that was only powered off, not of a new one.
    """

    server: str
    starts: int
    restart: bool


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """Why what was measured is no capacity of these requests."""

    reason: str


@dataclass(frozen=True, slots=True)
class HistogramTail:
    """The bucket of the server's own histogram that holds the 99th percentile.

    Attributes:
        broken: whether it is over the limit; None where the bucket holds the limit.
    """

    bucket: Bucket
    requests: float
    broken: bool | None


@dataclass(frozen=True, slots=True)
class LoadTail:
    """The 99th percentile of a step of load."""

    rps: Decimal


@dataclass(frozen=True, slots=True)
class NoTail:
    """Nothing tells the GPU's 99th percentile."""


@dataclass(frozen=True, slots=True)
class RunsTail:
    """The 99th percentile of A/B runs.

    Attributes:
        since: the day of the first; None where there are too few runs to tell it.
    """

    endpoint: str
    runs: int
    failed: int = 0
    since: date | None = None


@dataclass(frozen=True, slots=True)
class MeasuredInput:
    """One input of the scenario with what it was told by; None is missing."""

    key: str
    value: Decimal | None
    known_from: StartsMedian | NoCapacity | HistogramTail | LoadTail | NoTail | RunsTail


@dataclass(frozen=True, slots=True)
class Competitor:
    """An endpoint as the plan ranks it: whether it has a price, and why it is no choice."""

    name: str
    priced: bool
    exclusion: Exclusion | None = None
