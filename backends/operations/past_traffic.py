"""The traffic of the past that a configured source knows: a Prometheus server's, or a file's."""

from pathlib import Path

from backends.domain.traffic.demand import Demand
from backends.metrics.prometheus_server import past_traffic
from backends.metrics.traffic_file import traffic_in
from backends.settings.config import TrafficSource

DAY_S = 86_400


def past_demand(source: TrafficSource, model: str | None, now_s: float) -> Demand | None:
    """Return the traffic that a source tells, None where none is configured.

    Args:
        source: a Prometheus server and how many days back it is asked, or a file.
        model: the model that Prometheus is asked for; None for every model.
        now_s: seconds since 1970.

    Raises:
        Problem: the source cannot tell; the message is one sentence with the remedy.
    """
    if source.prometheus is not None:
        return past_traffic(source.prometheus, model, now_s, span_s=source.days * DAY_S)
    if source.file is not None:
        return traffic_in(Path(source.file).expanduser())
    return None
