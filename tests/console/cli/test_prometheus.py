"""A true Prometheus server scrapes two simulated vLLMs; its verdict is that of their own counters.

How far the two may differ is scrape timing: Prometheus sees a counter at most one interval late at
either end of the window and extrapolates over it, so that a rate over `WINDOW_S` is off by at most
two intervals of `SCRAPE_S` in `WINDOW_S`. Tokens of a request do not depend on the ends.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from backends.domain.decision.answer import Verdict
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.traffic.demand import Demand, demand_between
from backends.domain.traffic.shape import HourlyProfile
from backends.metrics.prometheus_server import past_traffic
from backends.metrics.scrape import scrape
from backends.operations.capacity import Capacity
from backends.operations.host import clock
from backends.simulated.traffic import generate, loopback_target
from tests.console.cli.conftest import Cli, cli, configure
from tests.console.sessions import EMPTY, SETTINGS, decided
from tests.console.stage import ROOT, free_port

__all__ = ["cli"]

PROMETHEUS = shutil.which("prometheus")
SCRAPE_S = 0.5
PARTS = 8
"""Stretches that a window is read in: how unevenly requests come is seen between them."""

WINDOW_S = 12
RPS = 20.0
MODEL = "org/fleet"
DEADLINE_S = 40.0

pytestmark = pytest.mark.skipif(
    PROMETHEUS is None, reason="no prometheus on PATH; Debian: apt-get install prometheus"
)


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of this test until it is over."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a fact, and fail when it does not come."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.05)


def wait_for(address: str) -> None:
    until(lambda: answers(address), f"an answer of {address}")


@pytest.fixture(scope="module")
def ports() -> Iterator[tuple[int, int]]:
    """Serve one model on two simulated vLLMs."""
    both = free_port(), free_port()
    with ExitStack() as stack:
        for port in both:
            command = (sys.executable, "-m", "backends.simulated.vllm", "serve", MODEL)
            stack.enter_context(
                running(
                    *command,
                    "--port",
                    str(port),
                    INFERCTL_SIMULATED_SPEED="400",
                    INFERCTL_SIMULATED_SERVING_SPEED="40",
                )
            )
        for port in both:
            wait_for(f"http://127.0.0.1:{port}/health")
        yield both


@pytest.fixture(scope="module")
def prometheus(ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus server on loopback that scrapes both."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {SCRAPE_S * 1000:.0f}ms, scrape_timeout: 400ms}}\n"
        f"scrape_configs: [{{job_name: vllm, static_configs: [{{targets: [{targets}]}}]}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    assert PROMETHEUS is not None
    with running(
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ):
        wait_for(f"http://{address}/-/ready")
        yield f"http://{address}"


def both_read(ports: tuple[int, int]) -> MetricsScraped:
    """Return the counters of both servers as if they were one."""
    first, second = (scrape(f"http://127.0.0.1:{port}") for port in ports)
    return MetricsScraped(clock(), summed(first, second))


def finished(ports: tuple[int, int]) -> float:
    return both_read(ports).counters.requests_finished or 0.0


def summed(first: Counters, second: Counters) -> Counters:
    together: dict[str, Any] = {}
    for field in fields(Counters):
        one, two = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, Histogram):
            counts = tuple(a + b for a, b in zip(one.counts, two.counts, strict=True))
            together[field.name] = Histogram(one.edges, counts, one.sum + two.sum)
        elif isinstance(one, float):
            together[field.name] = one + two
    return Counters(**{**together, "process_start_s": None})


async def traffic_to(ports: tuple[int, int], rps: float, duration_s: float) -> None:
    """Send steady traffic to both, three parts to the first and two to the second."""
    parent = os.getppid()
    shares = zip(ports, (0.6, 0.4), strict=True)
    await asyncio.gather(
        *(
            generate(
                loopback_target(f"http://127.0.0.1:{port}/v1", MODEL, 64, ""),
                rps * share,
                duration_s=duration_s,
                seed=port,
                parent=parent,
            )
            for port, share in shares
        )
    )


@pytest.fixture(scope="module")
def demands(ports: tuple[int, int], prometheus: str) -> tuple[Demand, Demand]:
    """Return the traffic of one window, by the servers' own counters and by Prometheus."""
    until(lambda: scraped_since(prometheus, 0), "a sample of both servers")

    async def served() -> list[MetricsScraped]:
        sending = asyncio.create_task(traffic_to(ports, RPS, 2 * DEADLINE_S))
        # The window begins in the middle of the traffic, after what is under way has settled, and
        # later than a step of the query: the first step must have been watched from its beginning.
        await asyncio.to_thread(until, lambda: finished(ports) >= RPS, "a second's requests")
        read = [both_read(ports)]
        for part in range(1, PARTS + 1):
            until_s = read[0].at.mono_s + WINDOW_S * part / PARTS
            await asyncio.sleep(until_s - clock().mono_s)
            read.append(both_read(ports))
        sending.cancel()
        return read

    read = asyncio.run(served())
    direct = demand_between(read, HourlyProfile())
    end_s = read[-1].at.wall_s
    until(lambda: scraped_since(prometheus, end_s), "a sample of the window's end")
    return direct, past_traffic(prometheus, MODEL, end_s, span_s=WINDOW_S)


def scraped_since(prometheus: str, at_s: float) -> bool:
    """Whether Prometheus has a sample of each of the two servers that is no older than this."""
    query = urlencode({"query": f"count((timestamp(up) >= {at_s:.3f}) and (up == 1))"})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=5) as response:
        found = json.load(response)["data"]["result"]
    return bool(found) and found[0]["value"][1] == "2"


def verdict(demand: Demand, capacity_rps: str) -> Verdict:
    profile = replace(SETTINGS.servers[0], model=MODEL)
    settings = replace(SETTINGS, servers=(profile,))
    tokens = int(demand.seen.output_tokens_mean or 0)
    measured = Capacity("chat", MODEL, (), Decimal(capacity_rps), True, tokens, "", 1.0, None, 0.0)
    return decided(EMPTY, settings, capacities=(measured,), traffic=demand).plan


def test_requests_and_tokens_are_those_of_the_servers(demands: tuple[Demand, Demand]) -> None:
    direct, asked = demands
    timing = 2 * SCRAPE_S / WINDOW_S
    assert asked.replicas == 2
    assert float(asked.seen.n) == pytest.approx(float(direct.seen.n), rel=timing)
    for seen in (direct.seen, asked.seen):
        assert seen.window_s is not None
    rates = [float(each.seen.n / (each.seen.window_s or 1)) for each in (direct, asked)]
    # The rate comes from whole steps of the query, which end where the window ends.
    assert rates[1] == pytest.approx(rates[0], rel=2 * timing)
    for name in ("input_tokens_mean", "output_tokens_mean"):
        values = [float(getattr(each.seen, name)) for each in (direct, asked)]
        assert values[1] == pytest.approx(values[0], rel=0.01)


@pytest.mark.parametrize("capacity_rps", ["2", "60"], ids=["never pays", "pays"])
def test_the_verdict_is_the_same(demands: tuple[Demand, Demand], capacity_rps: str) -> None:
    direct, asked = (verdict(each, capacity_rps) for each in demands)
    assert asked.kind is direct.kind
    evens = [float(each.crossover.break_even_rps or 0) for each in (direct, asked)]
    assert evens[0] > 0
    assert evens[1] == pytest.approx(evens[0], rel=0.01)
    assert [option.name for option in asked.options] == [option.name for option in direct.options]


def test_the_verb_decides_on_the_fleet(
    demands: tuple[Demand, Demand], prometheus: str, cli: Cli
) -> None:
    configure(
        '[server.chat]\nmodel = "org/fleet"\ngpu_usd_per_hour = "1.88"\n'
        '[endpoint.api]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\n'
        'input_usd_per_mtok = "0.10"\noutput_usd_per_mtok = "0.70"\n'
    )
    ran = cli("verdict", "--prometheus", prometheus, "--model", MODEL, "--days", "1", "--json")
    assert ran.code == 0, ran.err
    told = ran.json()
    assert told["traffic"]["replicas"] == 2
    assert told["traffic"]["requests"] >= float(demands[1].seen.n)
    assert told["now"]["verdict"] == "SEND_TO_API"
    cost = cli("cost", "--prometheus", prometheus, "--model", MODEL, "--json")
    fleet = cost.json()["fleet"]
    assert fleet["replicas"] == 2
    assert float(fleet["api_equivalent"][0]["usd"]) > 0


def test_a_model_that_nobody_serves_is_unknown_and_not_zero(prometheus: str) -> None:
    found = past_traffic(prometheus, "org/other", time.time(), span_s=WINDOW_S)
    assert (found.seen.n, found.seen.window_s, found.replicas) == (Decimal(0), None, None)
