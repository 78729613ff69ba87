"""What another source than the server's own counters says of past traffic."""

from collections.abc import Sequence
from dataclasses import replace

from backends.domain.traffic.bins import Bin
from backends.domain.traffic.demand import Demand, studied
from backends.domain.traffic.prompt_lengths import by_tier
from backends.domain.traffic.series import stretches
from backends.metrics.prometheus_server import past_traffic
from backends.operations.pricing import tier_limits
from backends.settings.config import Endpoint, TrafficSource
from backends.traffic.columns import mapping_from
from backends.traffic.reader import traffic_in

DAY_S = 86_400


def past_demand(
    source: TrafficSource, model: str | None, now_s: float, endpoints: Sequence[Endpoint] = ()
) -> Demand | None:
    """Return the traffic of a source, None where none is configured.

    Args:
        source: files or a Prometheus server.
        model: whose traffic Prometheus is asked for; None for all.
        now_s: seconds since 1970.
        endpoints: those whose prices of long prompts tell which lengths are kept apart.

    Raises:
        Problem: the source cannot tell; the message is one sentence with the remedy.
    """
    limits = tier_limits(endpoints)
    if source.prometheus is not None:
        found = past_traffic(source.prometheus, model, now_s, span_s=source.days * DAY_S)
        return by_tier(found, limits)
    if source.files:
        mapping = mapping_from(source.map)
        return _learnt(traffic_in(source.files, mapping, limits, source.model))
    return None


def _learnt(found: Demand) -> Demand:
    """Return the traffic of files with what its steps tell of the week, of bursts and of errors."""
    series = found.series
    if series is None:
        return found
    learnt = studied(found, tuple(Bin(*each) for each in stretches(series)))
    # Where the instants count from a beginning of their own, no weekday is known.
    return replace(learnt, week_rps=()) if series.relative else learnt
