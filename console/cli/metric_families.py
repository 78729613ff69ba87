"""What is known of this host as metric families, in the units and names of Prometheus.

Names follow https://prometheus.io/docs/practices/naming/: base units, counters end in ``_total``. A
figure that nobody measured has no sample; a state is one sample for each value that it could have,
1 for the one that holds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from backends.domain.billing.meter import Spent
from backends.domain.decision.answer import Verdict
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind
from backends.domain.gpu import GpuSample
from backends.domain.redaction import without_secrets
from backends.domain.server import Server, ServerState
from backends.domain.start import Start
from backends.domain.traffic.totals import TokenTotals
from backends.domain.visible import bounded
from backends.operations.billing import Bill
from backends.operations.decision import Decision

Figure = int | float | Decimal | None
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """Everything that one scrape tells, looked at once.

    Attributes:
        starts: the last recorded start of each server, by its name.
        budget_usd_per_day: None where none is set.
    """

    servers: tuple[Server, ...]
    starts: tuple[tuple[str, Start], ...]
    gpus: GpuSample
    bill: Bill
    decision: Decision
    budget_usd_per_day: Decimal | None


def families(known: Exported) -> Iterator[Metric]:
    """Yield the families, each with its samples; one without any is left out."""
    for family in (
        *_of_servers(known.servers),
        *_of_starts(known.starts),
        *_of_gpus(known.gpus),
        *_of_bill(known.bill, known.budget_usd_per_day),
        *_of_decision(known.decision),
    ):
        if family.samples:
            yield family


Rows = Iterable[tuple[Labels, Figure]]


def gauge(name: str, about: str, labels: Labels, rows: Rows) -> Metric:
    """Return a gauge of what is known."""
    return _filled(GaugeMetricFamily(f"inferctl_{name}", about, labels=labels), rows)


def _counter(name: str, about: str, labels: Labels, rows: Rows) -> Metric:
    return _filled(CounterMetricFamily(f"inferctl_{name}", about, labels=labels), rows)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, rows: Rows) -> Metric:
    for values, figure in rows:
        if figure is not None:
            family.add_metric([_label(value) for value in values], float(figure))
    return family


def _label(value: str) -> str:
    """Return a label's value, which others may have written."""
    return bounded(without_secrets(value))


def _states(
    kinds: type[StrEnum], rows: Iterable[tuple[Labels, StrEnum]]
) -> Iterator[tuple[Labels, int]]:
    for labels, holds in rows:
        for kind in kinds:
            yield (*labels, kind.value), int(kind is holds)


def _of_servers(servers: tuple[Server, ...]) -> Iterator[Metric]:
    info = [
        ((each.name, each.model or "", each.owner.value, each.runtime.label), 1) for each in servers
    ]
    about = "A vLLM on this host, 1."
    yield gauge("server_info", about, ("server", "model", "owner", "runtime"), info)
    states = _states(ServerState, (((each.name,), each.state) for each in servers))
    yield gauge("server_state", "1 for the state that the server is in.", SERVER_STATE, states)
    about = "From launch to ready, of the server that runs."
    ready = (((each.name,), each.ready_s) for each in servers)
    yield gauge("server_ready_seconds", about, ("server",), ready)
    about = "From launch to the first token, of the server that runs."
    first = (((each.name,), each.first_token_s) for each in servers)
    yield gauge("server_first_token_seconds", about, ("server",), first)


SERVER_STATE = ("server", "state")


def _of_starts(starts: tuple[tuple[str, Start], ...]) -> Iterator[Metric]:
    about = "What each phase of the server's last recorded start took."
    phases = (
        ((server, phase.name.value), phase.duration_s)
        for server, start in starts
        for phase in start.phases
    )
    yield gauge("start_phase_seconds", about, ("server", "phase"), _summed(phases))
    about = "What the server's last recorded start took, to the first token where one was seen."
    yield gauge(
        "start_seconds",
        about,
        ("server", "outcome"),
        (((server, start.outcome.value), start.total_s) for server, start in starts),
    )


def _summed(
    rows: Iterable[tuple[Labels, float | None]],
) -> Iterable[tuple[Labels, float]]:
    """Return one row for each set of labels; a phase may come twice in a start."""
    sums: dict[Labels, float] = {}
    for labels, figure in rows:
        if figure is not None:
            sums[labels] = sums.get(labels, 0.0) + figure
    return sums.items()


def _of_gpus(sample: GpuSample) -> Iterator[Metric]:
    cards = [((str(each.index), each.name, each.vendor), each) for each in sample.gpus]
    labels = ("gpu", "name", "vendor")
    for name, about, of in (
        ("memory_used_bytes", "GPU memory that processes hold.", "used_bytes"),
        ("memory_reserved_bytes", "GPU memory that the driver reserves.", "reserved_bytes"),
        ("memory_total_bytes", "GPU memory.", "total_bytes"),
    ):
        rows = ((values, getattr(card.memory, of)) for values, card in cards)
        yield gauge(f"gpu_{name}", about, labels, rows)
    busy = (
        (values, None if card.busy_percent is None else card.busy_percent / 100)
        for values, card in cards
    )
    yield gauge("gpu_busy_ratio", "Share of time in which any kernel ran.", labels, busy)
    yield gauge(
        "gpu_power_watts",
        "Power that the GPU draws.",
        labels,
        ((values, card.power_w) for values, card in cards),
    )


def _of_bill(bill: Bill, budget: Decimal | None) -> Iterator[Metric]:
    spent = bill.spent
    if spent is not None:
        yield from _of_spent(spent)
    dated = bill.gpu_price_as_of
    day = () if dated is None else (((dated.isoformat(),), 1),)
    yield gauge("gpu_price_info", "Since when the price of the GPU holds, 1.", ("as_of",), day)
    about = "What the same tokens would have cost at an API."
    equivalent = (((each.endpoint.name,), each.usd) for each in bill.api_equivalent)
    yield _counter("api_equivalent_usd", about, ("endpoint",), equivalent)
    about = "What inferctl's own tests have cost at priced endpoints."
    yield _counter("own_tests_usd", about, (), [((), bill.tests_usd)])
    served = [((each.server,), each.totals) for each in bill.served]
    about = "Requests that finished, without inferctl's own."
    yield _counter("requests", about, ("server",), ((name, of.requests) for name, of in served))
    tokens = ((*name, kind, count) for name, of in served for kind, count in _tokens(of))
    about = "Tokens served, without inferctl's own; cached input is part of input."
    labels = ("server", "kind")
    yield _counter("tokens", about, labels, (((name, kind), n) for name, kind, n in tokens))
    yield gauge("budget_usd_per_day", "The budget of a day.", (), [((), budget)])
    about = "What this day has cost, in UTC."
    yield gauge("spent_today_usd", about, (), [((), bill.rental.today_usd)])


def _of_spent(spent: Spent) -> Iterator[Metric]:
    about = "Time of the rental, by what the host did, as far as anybody saw it."
    yield _counter(
        "billed_seconds",
        about,
        ("activity",),
        (((name,), seconds) for name, seconds, _ in spent.parts),
    )
    about = "What the rental has cost, by what the host did."
    yield _counter(
        "spent_usd", about, ("activity",), (((name,), part) for name, _, part in spent.parts)
    )
    yield gauge("gpu_usd_per_hour", "What the host costs.", (), [((), spent.usd_per_hour)])


def _tokens(totals: TokenTotals) -> tuple[tuple[str, float | None], ...]:
    return (
        ("input", totals.input_tokens),
        ("cached_input", totals.cached_input_tokens),
        ("output", totals.output_tokens),
    )


def _of_decision(decision: Decision) -> Iterator[Metric]:
    answers = (("plan",), decision.plan.kind), (("right_now",), decision.right_now.kind)
    about = "1 for what is decided; plan is the headline, right_now speaks for the hours seen."
    yield gauge("verdict", about, ("answer", "verdict"), _states(VerdictKind, answers))
    about = "1 for where the next request should go while the GPU is rented."
    now = _states(NowKind, [((), decision.now.kind)])
    yield gauge("routing", about, ("route",), now)
    yield from _of_plan(decision.plan)


def _of_plan(plan: Verdict) -> Iterator[Metric]:
    about = "What an option of the plan costs; those that are excluded say why in the verdict."
    costs = (
        ((option.name, "no" if option.exclusion is None else "yes"), option.usd_per_hour)
        for option in plan.options
    )
    yield gauge("option_usd_per_hour", about, ("option", "excluded"), costs)
    at, band, rates = plan.crossover, plan.crossover.interval, plan.rate_interval
    about = "Rate from which on the GPU is cheaper than the API; low and high of 95 % intervals."
    even = [("estimate", at.break_even_rps)]
    even += [] if band is None else [("low", band.low), ("high", band.high)]
    yield gauge("break_even_requests_per_second", about, ("bound",), _finite(even))
    about = "The 95 % interval of the rate that the plan rests on."
    seen = [] if rates is None else [("low", rates.low), ("high", rates.high)]
    yield gauge("demand_requests_per_second", about, ("bound",), _finite(seen))


def _finite(rows: Iterable[tuple[str, Decimal | None]]) -> Iterator[tuple[Labels, Decimal]]:
    for name, figure in rows:
        if figure is not None and figure.is_finite():
            yield (name,), figure
