"""Past traffic from another source than the server's counters: a Prometheus server, or a file."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.domain.traffic.demand import Demand
from backends.metrics.prometheus_server import past_traffic
from backends.metrics.traffic_file import traffic_in
from backends.problem import Problem
from backends.settings.config import TrafficSource

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

AGAIN_S = 600.0
"""Past traffic is read again as often as a window of the plan is judged."""

DAY_S = 86_400


def past_demand(source: TrafficSource, model: str | None, now_s: float) -> Demand | None:
    """Return the traffic that a source tells, None where none is configured.

    Raises:
        Problem: the source cannot tell; the message is one sentence with the remedy.
    """
    if source.prometheus is not None:
        return past_traffic(source.prometheus, model, now_s, span_s=source.days * DAY_S)
    if source.file is not None:
        return traffic_in(Path(source.file).expanduser())
    return None


async def keep_reading(app: "InferctlApp") -> None:
    """Lay past traffic on the desk, again and again; say once why it cannot be had."""
    source, said = app.machine.settings.traffic, ""
    while source != TrafficSource():
        life = app.session.life
        model = life.server.model if life else None
        try:
            found = await asyncio.to_thread(past_demand, source, model, app.machine.now().wall_s)
        except Problem as problem:
            if str(problem) != said:
                said = str(problem)
                app.notify(said, severity="error", markup=False)
        else:
            said = ""
            app.desk = replace(app.desk, traffic=found)
        await asyncio.sleep(AGAIN_S)
