"""What a decision and a view need besides the session: configuration, earlier starts, prompt."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backends.domain.ab.series import AbSeries
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.prices.prices import GpuPrice
from backends.domain.start import Start
from backends.domain.study.progress import StudyProgress
from backends.domain.traffic.demand import Demand
from backends.operations.capacity import Capacity, changed_ns, known_capacities
from backends.operations.host import Host
from backends.operations.pricing import gpu_prices
from backends.operations.scenario import NOTHING_MEASURED, Measured
from backends.prober.prompts import PARAGRAPH, Prompt
from backends.settings.config import Settings

if TYPE_CHECKING:
    from backends.operations.load_test import LoadProgress


@dataclass(frozen=True, slots=True)
class Context:
    """What views need beside the session; changed by the user, never by a source.

    Attributes:
        earlier: finished starts of the watched server's model and arguments, newest first.
        others: ready starts of the same model with whatever arguments, for what a flag saves here.
        environment: variables that the watched server is started with.
        capacities: what load measured, read anew when a load has ended, here or elsewhere.
        capacities_ns: when their file was written, as the file system counts.
        shown: the plan as it holds over windows of ten minutes.
        plans: the same of every server whose counters are read, by its name.
        gpu_prices: the table's, where a server has none of its own.
        measured: what the history tells a plan, read anew when a start or an A/B has ended.
        traffic: what another source than the server's own counters tells, None without one.
        tests_usd: what inferctl's own tests have cost since the bill began.
        beside: a recorded A/B that stands beside the live one.
        study: the study that runs.
        load: the load test that runs, or that has ended and was not looked at yet.
        log_tail: the newest lines of the watched server's log while it starts or has failed.
        simulated: everything on screen is made up.
        replayed: everything on screen was recorded; keys that start or stop something are off.
        read_only: the console only shows; the same keys are off.
    """

    settings: Settings
    simulated: bool = False
    replayed: bool = False
    read_only: bool = False
    prompt: Prompt = PARAGRAPH
    earlier: tuple[Start, ...] = ()
    others: tuple[Start, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    capacities: tuple[Capacity, ...] = ()
    capacities_ns: int = 0
    shown: ShownPlan = field(default_factory=ShownPlan)
    plans: Mapping[str, ShownPlan] = field(default_factory=dict)
    gpu_prices: tuple[GpuPrice, ...] = ()
    measured: Measured = NOTHING_MEASURED
    traffic: Demand | None = None
    tests_usd: Decimal = Decimal(0)
    beside: AbSeries | None = None
    load: "LoadProgress | None" = None
    study: StudyProgress | None = None
    log_tail: tuple[str, ...] = ()

    @property
    def orders_nothing(self) -> bool:
        """Whether no key may start, stop, measure or write anything."""
        return self.replayed or self.read_only


def context_of(host: Host) -> Context:
    """Return the context as it is when the console opens.

    Raises:
        Problem: a file of prices or capacities cannot be read; the message names the remedy.
    """
    prices = gpu_prices(host.settings, host.price_folder)
    context = Context(host.settings, host.simulated, gpu_prices=prices)
    return replace(context, **capacities_known(host, context.capacities_ns))


def capacities_known(host: Host, read_ns: int) -> dict[str, Any]:
    """Return what load has measured by now, as fields of the context; none where nothing changed.

    Args:
        host: whose capacities.
        read_ns: `capacities_ns` of the context that holds what was read last.

    Raises:
        Problem: the file cannot be read; the message names the remedy.
    """
    written_ns = changed_ns(host.state_folder)
    if written_ns == read_ns:
        return {}
    capacities = known_capacities(host.state_folder)
    return {"capacities": capacities, "capacities_ns": written_ns}
