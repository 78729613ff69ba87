"""``inferctl metrics``: cost, verdict, phases and VRAM as Prometheus text, once or served."""

import argparse
from collections.abc import Iterator
from contextlib import closing
from threading import Event, Lock

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backends.domain.address import is_loopback
from backends.domain.facts import GpusSampled
from backends.domain.session import advance
from backends.gpus.source import GpuSource
from backends.history.history import open_history
from backends.operations.billing import bill_of
from backends.operations.decision import decide_all
from backends.operations.host import Host, this_host
from backends.operations.snapshot import snapshot
from backends.problem import Problem
from console.cli.measured import context_for, on_recorded_traffic
from console.cli.metric_families import Exported, families, gauge
from console.cli.output import document, say, show_page


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics, or serve them until it is interrupted.

    Raises:
        Problem: the history or a source of traffic cannot be read, or the address cannot be bound.
    """
    host = this_host()
    with closing(host.open_gpus()) as gpus:
        if arguments.serve is not None:
            address, port = arguments.serve
            return _serve(address, port, _Scraped(host, arguments, gpus))
        found = list(families(look(host, arguments, gpus)))
    if arguments.json:
        document({"metrics": [_family(each) for each in found]})
    else:
        show_page(generate_latest(_Once(found)).decode())
    return 0


def look(host: Host, arguments: argparse.Namespace, gpus: GpuSource) -> Exported:
    """Return what is known of the host now, as ``cost``, ``verdict`` and ``status`` know it.

    Raises:
        Problem: the history or a source of traffic cannot be read.
    """
    session = snapshot(host)
    context, today = context_for(host, session, arguments)
    if session.gpus is None:
        session = advance(session, GpusSampled(host.now(), gpus.sample(processes=False)))
    assert session.gpus is not None
    with closing(open_history(host.history_file)) as history:
        starts = tuple(
            (each.name, record.start)
            for each in session.servers
            for record in history.recent_starts(1, each.name)
        )
    return Exported(
        session.servers,
        starts,
        session.gpus,
        bill_of(host, session),
        decide_all(session, on_recorded_traffic(context, session), today),
        host.settings.billing.budget_usd_per_day,
    )


class _Once(Collector):
    """Families that were made already."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        yield from self._found


class _Scraped(Collector):
    """Looks at the host at each scrape, one at a time."""

    def __init__(self, host: Host, arguments: argparse.Namespace, gpus: GpuSource) -> None:
        self._host = host
        self._arguments = arguments
        self._gpus = gpus
        self._looking = Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known; where nothing can be read that is said, and the scrape has no more.

        A scraper takes what is absent for unknown, where an old figure would pass for a new one.
        """
        with self._looking:
            try:
                found = list(families(look(self._host, self._arguments, self._gpus)))
            except Problem as problem:
                say(f"inferctl: {problem}")
                found = []
        yield gauge("up", "1 where this host could be looked at.", (), [((), int(bool(found)))])
        yield from found


def _serve(address: str, port: int, collector: _Scraped) -> int:
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, _ = start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        raise Problem(
            f"{address}:{port} cannot be bound: {error.strerror or error}; choose another port"
        ) from error
    shown = f"[{address}]" if ":" in address else address
    say(f"metrics at http://{shown}:{server.server_port}/metrics; ctrl+c ends it")
    if not is_loopback(address):
        say("anyone who can reach this address can read them: spend, models and the verdict")
    try:
        Event().wait()
    finally:
        server.shutdown()
    return 0


def _family(family: Metric) -> dict[str, object]:
    return {
        "name": family.name,
        "type": family.type,
        "help": family.documentation,
        "samples": [
            {"name": each.name, "labels": each.labels, "value": each.value}
            for each in family.samples
        ],
    }
