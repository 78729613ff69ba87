"""Which option wins at one point, and what that amounts to as a verdict."""

from decimal import Decimal
from enum import StrEnum

from backends.domain.decision.exclusion import ExclusionKind
from backends.domain.decision.option import Option, Point
from backends.domain.decision.options import options
from backends.domain.decision.scenario import Scenario


class VerdictKind(StrEnum):
    """What can be decided."""

    SELF_HOST_CHEAPER = "SELF_HOST_CHEAPER"
    API_CHEAPER = "API_CHEAPER"
    HYBRID_CHEAPER = "HYBRID_CHEAPER"
    RESERVED_CHEAPER = "RESERVED_CHEAPER"
    SERVERLESS_GPU_CHEAPER = "SERVERLESS_GPU_CHEAPER"
    TOO_CLOSE = "TOO_CLOSE"
    NO_CROSSOVER = "NO_CROSSOVER"
    OVER_CAPACITY = "OVER_CAPACITY"
    CAPACITY_UNKNOWN = "CAPACITY_UNKNOWN"
    SLO_EXCLUDES = "SLO_EXCLUDES"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    UNPRICED = "UNPRICED"
    STALE_PRICES = "STALE_PRICES"
    NOT_COMPARABLE = "NOT_COMPARABLE"


_CHEAPER = {
    "api": VerdictKind.API_CHEAPER,
    "on_demand": VerdictKind.SELF_HOST_CHEAPER,
    "spot": VerdictKind.SELF_HOST_CHEAPER,
    "owned": VerdictKind.SELF_HOST_CHEAPER,
    "destroyed_when_idle": VerdictKind.SELF_HOST_CHEAPER,
    "stopped_when_idle": VerdictKind.SELF_HOST_CHEAPER,
    "reserved": VerdictKind.RESERVED_CHEAPER,
    "provisioned_throughput": VerdictKind.RESERVED_CHEAPER,
    "serverless_gpu": VerdictKind.SERVERLESS_GPU_CHEAPER,
    "serverless_gpu_kept_warm": VerdictKind.SERVERLESS_GPU_CHEAPER,
    "hybrid": VerdictKind.HYBRID_CHEAPER,
    "scheduled": VerdictKind.SELF_HOST_CHEAPER,
    "scheduled_hybrid": VerdictKind.HYBRID_CHEAPER,
    "reserved_and_on_demand": VerdictKind.RESERVED_CHEAPER,
}


def cheaper(option: str) -> VerdictKind:
    """Return the verdict that an option of this name is the cheapest."""
    return _CHEAPER[option]


_A_TIE = Decimal("1e-12")
"""Costs closer than this share are the same: shares of a day such as 1/24 are rounded."""


def ranked(found: tuple[Option, ...]) -> tuple[Option, ...]:
    """Return the options that can be chosen, cheapest first, then those that cannot."""
    return tuple(sorted(found, key=_rank))


def _rank(option: Option) -> tuple[bool, bool, Decimal]:
    cost = option.usd_per_hour
    return option.exclusion is not None, cost is None, Decimal(0) if cost is None else cost


def priced(
    found: tuple[Option, ...], exclusion: ExclusionKind | None = None
) -> list[tuple[Decimal, Option]]:
    """Return cost and option of those with this exclusion, or with none, cheapest first."""
    chosen = [
        (option.usd_per_hour, option)
        for option in found
        if option.usd_per_hour is not None
        and (option.exclusion.kind if option.exclusion else None) is exclusion
    ]
    return sorted(chosen, key=lambda pair: pair[0])


def outcome(found: tuple[Option, ...]) -> VerdictKind:
    """Return what the options of one point amount to.

    An option that is excluded for its unknown capacity carries the least it can cost: where even
    that is too dear, its capacity does not matter.
    """
    usable, unknown = priced(found), priced(found, ExclusionKind.CAPACITY_UNKNOWN)
    refused = priced(found, ExclusionKind.SLO_EXCLUDES)
    if not usable:
        for kind, group in (
            (VerdictKind.CAPACITY_UNKNOWN, unknown),
            (VerdictKind.SLO_EXCLUDES, refused),
            (VerdictKind.OVER_CAPACITY, priced(found, ExclusionKind.OVER_CAPACITY)),
        ):
            if group:
                return kind
        return VerdictKind.UNPRICED
    cost, best = usable[0]
    kind = cheaper(best.name)
    if unknown and not _below(cost, unknown[0][0]):
        return VerdictKind.CAPACITY_UNKNOWN
    if any(cheaper(option.name) is not kind and _below(usd, cost) for usd, option in refused):
        return VerdictKind.SLO_EXCLUDES
    for usd, option in usable[1:]:
        if cheaper(option.name) is not kind and not _below(cost, usd):
            return VerdictKind.TOO_CLOSE
    return kind


def competing(found: tuple[Option, ...], kind: VerdictKind) -> tuple[str, str] | None:
    """Return the cheapest way of one verdict, and the cheapest of all others.

    None where only one of the two can be chosen.
    """
    names = [option.name for _, option in priced(found)]
    own = next((name for name in names if cheaper(name) is kind), None)
    other = next((name for name in names if cheaper(name) is not kind), None)
    return None if own is None or other is None else (own, other)


def lead(found: tuple[Option, ...], own: str, other: str) -> Decimal | None:
    """Return by how many US dollars an hour one way is cheaper than another.

    None where one of them cannot be chosen.
    """
    costs = {option.name: usd for usd, option in priced(found)}
    return costs[other] - costs[own] if own in costs and other in costs else None


def outcome_at(scenario: Scenario, point: Point) -> VerdictKind:
    """Return what one point of prices and load amounts to."""
    return outcome(options(scenario, point))


def _below(cost: Decimal, other: Decimal) -> bool:
    return cost < other * (1 - _A_TIE)
