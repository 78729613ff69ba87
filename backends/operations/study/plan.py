"""What a study does, step by step, and the most time and money that each step may take."""

import os
import platform
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata
from pathlib import Path

from backends.domain.format import lasting, usd
from backends.domain.prices.cost import request_prices
from backends.domain.server import Owner, Server, ServerState
from backends.domain.study.study import (
    EndpointSide,
    GpuKind,
    Hardware,
    ServerSide,
    Versions,
)
from backends.operations import ab, cold_probe, load_test, records
from backends.operations.consent import Consent
from backends.operations.host import Host
from backends.operations.outage import lost_now
from backends.operations.pricing import priced_profile, server_usd_per_hour
from backends.operations.servers import profile_named
from backends.prober.prompts import CLASSIFY, LONG, PARAGRAPH, Prompt
from backends.prober.protocol import LoadOrder, SeriesOrder, Target
from backends.problem import Problem
from backends.servers.listing import list_servers

DOWN = frozenset({ServerState.STOPPED, ServerState.FAILED})
LENGTHS: dict[str, Prompt] = {"short": CLASSIFY, "medium": PARAGRAPH, "long": LONG}
"""About 30, 220 and 1,200 output tokens: those of the published comparison that this repeats."""

USUAL_START_S = 90.0
LONGEST_START_S = 1800.0
RUN_S = 3.0
"""Expected of a run whose endpoint was never timed."""
LONGEST_RUN_S = 60.0
LEEWAY, LEAST_BOUND_S = 3.0, 600.0
"""A study ends after so many times what is expected of it, and not before so many seconds."""

READING_S = 5.0
LONGEST_READING_S = 60.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        starts: cold starts; 0 leaves the server as it runs.
        runs: warm runs at each side; `length_runs` those of the two further lengths of reply.
        gaps_s: the pauses after which the endpoint is asked, each `rounds` times.
        step_s: of each rate of the load; `load_s` and `requests` bound all of them.
    """

    starts: int = 3
    runs: int = 20
    length_runs: int = 5
    gaps_s: tuple[float, ...] = (60.0, 300.0)
    rounds: int = 3
    step_s: float = 30.0
    load_s: float = 600.0
    requests: int = 5000


WHOLE = Sizes()
QUICK = Sizes(2, 8, 4, (10.0, 30.0), 2, 10.0, 120.0, 2000)


@dataclass(frozen=True, slots=True)
class StudyOrder:
    """What is studied, as it is written down before the first step.

    Attributes:
        server: the name of a profile; `endpoint` refers to an endpoint as the user named it.
    """

    study_id: str
    server: str
    endpoint: str
    quick: bool
    simulated: bool
    sizes: Sizes
    server_side: ServerSide
    endpoint_side: EndpointSide
    hardware: Hardware
    versions: Versions
    ttft_limit_s: float
    itl_limit_s: float | None
    began_wall_s: float

    def asks_the_same(self, other: "StudyOrder") -> bool:
        """Return whether the same is measured of the same, whenever each was ordered.

        What the drivers say of the hardware depends on what runs, and is no part of it. Steps of
        another inferctl may have another form.
        """
        if self.versions.inferctl != other.versions.inferctl:
            return False
        return self == replace(
            other,
            study_id=self.study_id,
            began_wall_s=self.began_wall_s,
            hardware=self.hardware,
            versions=self.versions,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a study.

    Attributes:
        name: as its file is called.
        expected_s: how long it usually takes; `most_s` ends it however far it is.
        most_usd: what its requests cost at most at the endpoint; None where none is priced.
    """

    name: str
    title: str
    expected_s: float
    most_s: float
    most_usd: Decimal | None = None


def order_of(host: Host, server: str, endpoint: str, sizes: Sizes, *, quick: bool) -> StudyOrder:
    """Return the order of a study; asks the drivers for the GPUs.

    Raises:
        NotFound: there is no such server or endpoint.
        Problem: a key cannot be had.
    """
    profile = profile_named(host.settings, server)
    _, b = ab.targets([server, endpoint], host.settings)
    configured = host.settings.endpoint(endpoint)
    prices = configured.prices if configured else None
    limits, now_s = host.settings.limits, host.now().wall_s
    began = datetime.fromtimestamp(now_s, UTC)
    return StudyOrder(
        study_id=f"{began:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        server=server,
        endpoint=endpoint,
        quick=quick,
        simulated=host.simulated,
        sizes=sizes,
        server_side=ServerSide(
            name=server,
            model=profile.model,
            args=profile.args,
            environment=tuple(sorted(records.environment_of(profile).items())),
            usd_per_hour=server_usd_per_hour(
                priced_profile(profile, host.settings), host.settings.billing
            ),
            price_as_of=profile.gpu_price_as_of,
        ),
        endpoint_side=EndpointSide(
            name=b.endpoint,
            model=b.model,
            prices=request_prices(prices) if prices else b.prices,
            price_as_of=prices.as_of if prices else None,
            price_source=prices.source if prices else "",
        ),
        hardware=hardware(host),
        versions=Versions(
            metadata.version("inferctl"), platform.python_version(), platform.release()
        ),
        ttft_limit_s=limits.ttft_p99_s or load_test.DEFAULT_TTFT_S,
        itl_limit_s=limits.itl_p99_s,
        began_wall_s=now_s,
    )


def hardware(host: Host) -> Hardware:
    """Return what this host is made of; no name, address or serial number of it."""
    with closing(host.open_gpus()) as source:
        sample = source.sample(processes=False)
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        cpuinfo = ""
    named = (
        line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line
    )
    return Hardware(
        gpus=tuple(GpuKind(gpu.name, gpu.vendor, gpu.memory.total_bytes) for gpu in sample.gpus),
        gpus_reason=sample.reason,
        cpu=next(named, ""),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


def steps_of(host: Host, order: StudyOrder) -> tuple[Step, ...]:
    """Return the steps in the order in which they are measured, each with its bounds."""
    sizes = order.sizes
    targets = ab.targets([order.server, order.endpoint], host.settings)
    started_s = _usual_start_s(host, order.server)
    steps = [Step("traffic", "own traffic", READING_S, LONGEST_READING_S)]
    steps += [
        Step(f"start-{number}", f"cold start {number} of {sizes.starts}", started_s,
             max(LONGEST_START_S, 10 * started_s))
        for number in range(1, sizes.starts + 1)
    ]  # fmt: skip
    steps.append(Step("memory", "memory by part", READING_S, LONGEST_READING_S))
    for name, runs in (
        ("medium", sizes.runs),
        ("short", sizes.length_runs),
        ("long", sizes.length_runs),
    ):
        series = series_order(targets, name, runs)
        requests = 2 * (runs + 1)
        title = f"{runs} warm runs at each side, {name} replies"
        most_s = LONGEST_RUN_S * requests
        expected_s = RUN_S * requests * (LENGTHS[name].max_tokens / PARAGRAPH.max_tokens) ** 0.5
        steps.append(Step(name, title, expected_s, most_s, ab.most_usd(series)))
    load_s = sizes.load_s
    steps.append(Step("capacity", "capacity within the SLO", 0.7 * load_s, load_s + READING_S * 6))
    plan = cold_probe.plan_of(targets[1], sizes.gaps_s, sizes.rounds)
    assert plan.limits is not None
    probe_s = plan.lasts_s + 2 * plan.requests
    steps.append(
        Step("idle", "idle probe of the endpoint", probe_s, plan.limits.lasts_s, plan.limits.usd)
    )
    return tuple(steps)


def together_s(left: Sequence[Step]) -> float:
    """Return how long steps may take together, however long each may: what is agreed to."""
    return max(LEAST_BOUND_S, LEEWAY * sum(step.expected_s for step in left))


def series_order(targets: tuple[Target, ...], length: str, runs: int) -> SeriesOrder:
    """Return the A/B at one length of reply, which every side that can is held to."""
    return ab.series(targets, LENGTHS[length], runs, ignore_eos=True)


def load_order(target: Target, order: StudyOrder) -> LoadOrder:
    """Return the load on the server, with the prompt of the warm runs."""
    return LoadOrder(
        target=target,
        prompt=PARAGRAPH.text,
        max_tokens=PARAGRAPH.max_tokens,
        ttft_limit_s=order.ttft_limit_s,
        itl_limit_s=order.itl_limit_s,
        step_s=order.sizes.step_s,
        max_s=order.sizes.load_s,
        max_requests=order.sizes.requests,
    )


def consent(host: Host, order: StudyOrder, left: tuple[Step, ...], done: int) -> Consent:
    """Return what is asked once before the steps that are left.

    Raises:
        Problem: something that inferctl did not start has the server's port.
    """
    found = serving(host, order.server)
    stops = found is not None and any(step.name.startswith("start-") for step in left)
    amounts = [step.most_usd for step in left if step.most_usd is not None]
    most = sum(amounts, Decimal(0)) if amounts else None
    targets = ab.targets([order.server, order.endpoint], host.settings)
    free = all(ab.costs_nothing(target, host.settings) for target in targets)
    had = f" ({done} steps are done)" if done else ""
    outage = ""
    if stops and found is not None:
        outage = f"; it stops {found.name}, which is {found.state}: {lost_now(found)}"
    cost = "no price per token" if free else "UNPRICED"
    cost = cost if most is None else f"at most {usd(most)} at the endpoint"
    kind = "a quick study" if order.quick else "a study"
    about_s = sum(step.expected_s for step in left)
    most_s = min(sum(step.most_s for step in left), together_s(left))
    return Consent(
        f"{kind} of {order.server} beside {order.endpoint_side.name}: {len(left)} steps{had}, about"
        f" {lasting(about_s)} and at most {lasting(most_s)}{outage}",
        cost,
        most,
        needed=stops or not (free or host.simulated),
    )


def serving(host: Host, name: str) -> Server | None:
    """Return the server of a profile where it runs or starts; None where a start disturbs nobody.

    Raises:
        Problem: something that inferctl did not start has its port.
    """
    profile = profile_named(host.settings, name)
    listed = list_servers(host.state_folder)
    for server in listed:
        if server.owner is Owner.EXTERNAL and server.port == profile.port:
            raise Problem(
                f"port {profile.port} is served by process {server.pid}, which inferctl did not "
                f"start and will not stop; end it, or give {name} another port"
            )
    return next(
        (each for each in listed if each.name == name and each.state not in DOWN),
        None,
    )


def _usual_start_s(host: Host, server: str) -> float:
    """Return how long starts like this took before, and what many take where none was recorded."""
    earlier = records.earlier_starts(host, profile_named(host.settings, server))
    took = sorted(start.total_s for start in earlier if start.total_s)
    return took[len(took) // 2] if took else USUAL_START_S
