"""What another source than the server's own counters says of past traffic."""

from backends.domain.traffic.demand import Demand
from backends.metrics.prometheus_server import past_traffic
from backends.settings.config import TrafficSource
from backends.traffic.columns import mapping_from
from backends.traffic.reader import traffic_in

DAY_S = 86_400


def past_demand(source: TrafficSource, model: str | None, now_s: float) -> Demand | None:
    """Return the traffic of a source, None where none is configured.

    Raises:
        Problem: the source cannot tell; the message is one sentence with the remedy.
    """
    if source.prometheus is not None:
        return past_traffic(source.prometheus, model, now_s, span_s=source.days * DAY_S)
    if source.files:
        return traffic_in(source.files, mapping_from(source.map))
    return None
