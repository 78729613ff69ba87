"""One way to serve the traffic, and whether the GPUs it needs can carry it."""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.decision.scenario import Scenario
from backends.domain.format import figure
from backends.domain.traffic.shape import Load

CAPACITY_UNKNOWN = "CAPACITY_UNKNOWN"
OVER_CAPACITY = "OVER_CAPACITY"
SLO_EXCLUDES = "SLO_EXCLUDES"
UNPRICED = "UNPRICED"
MEASURE = "inferctl load ENDPOINT"


@dataclass(frozen=True, slots=True)
class Option:
    """One way to serve the traffic.

    Attributes:
        usd_per_hour: mean over the whole day; None where a price or a figure is missing. For an
            option whose capacity is unknown it is the least that it can cost.
        replicas: GPUs, or provisioned units; None where they are not the user's to count.
        excluded_because: why it cannot be chosen, one sentence that begins with its kind; empty
            for an option that can.
    """

    name: str
    usd_per_hour: Decimal | None
    replicas: int | None = None
    excluded_because: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of what is uncertain: the price of a request, of a GPU, and the load."""

    usd_per_request: Decimal | None
    load: Load
    gpu_factor: Decimal = Decimal(1)


def over_the_limit(scenario: Scenario) -> str:
    """Return the GPU's p99 TTFT in words where it is over the limit, else nothing."""
    limit, seen, above = (
        scenario.ttft_slo_s,
        scenario.gpu_ttft_p99_s,
        scenario.gpu_ttft_p99_above_s,
    )
    if limit is None:
        return ""
    if seen is not None:
        return f"{seen} s" if seen > limit else ""
    return f"above {figure(above)} s" if above is not None and above >= limit else ""


def replicas_for(scenario: Scenario, load: Load) -> tuple[int, str]:
    """Return how many GPUs hold the peak, and why they cannot, if so."""
    if slow := over_the_limit(scenario):
        limit = figure(scenario.ttft_slo_s or Decimal(0))
        return 1, f"{SLO_EXCLUDES}: the GPU's p99 TTFT is {slow}, the limit is {limit} s"
    if scenario.capacity_rps is None:
        return 1, (
            f"{CAPACITY_UNKNOWN}: whether one GPU carries {figure(load.peak_rps)} req/s is "
            f"not measured; run: {MEASURE}"
        )
    count = load.replicas(scenario.capacity_rps)
    if scenario.max_replicas is not None and count > scenario.max_replicas:
        return count, (
            f"{OVER_CAPACITY}: the peak of {figure(load.peak_rps)} req/s needs {count} GPUs, "
            f"there are {scenario.max_replicas}"
        )
    return count, ""
