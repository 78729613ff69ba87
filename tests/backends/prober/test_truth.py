"""Against a server that logs when its kernel got each request and when it wrote each token."""

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from backends.domain.ab_facts import AbFact, RunEnded
from backends.domain.run import Run
from backends.domain.streams.report import ab_report
from backends.domain.streams.series import AbSeries, advance_series
from backends.prober.client import run_series
from backends.prober.orders import Lane, SeriesOrder

# The server's own stamps and a busy machine; the benchmark shows the engine's own 0.01 ms.
TOLERANCE_S = 0.01
DEADLINE_S = 30.0


@pytest.fixture
def truth_url(shared: Path) -> Iterator[str]:
    script = shared / "truth" / "truth_server.py"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(script), "--port", str(port)])
    wait_for(port)
    yield f"http://127.0.0.1:{port}/v1"
    process.terminate()
    process.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            continue
        return
    raise TimeoutError(f"nothing listens on port {port}")


def truths(url: str) -> list[dict[str, Any]]:
    """Take the server's records since the last time, in order of arrival."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/_truth") as answer:
        records = [json.loads(line) for line in answer.read().splitlines()]
    return sorted(records, key=lambda record: int(record["id"]))


def order(url: str, *models: str, runs: int = 2, **more: Any) -> SeriesOrder:
    names = ("a", "b")
    lanes = tuple(
        Lane(name, name, url, model)  # type: ignore[arg-type]
        for name, model in zip(names, models, strict=False)
    )
    return SeriesOrder("s1", lanes, "Say the same word.", runs=runs, max_tokens=64, **more)


async def measured(wanted: SeriesOrder) -> list[AbFact]:
    async with asyncio.timeout(DEADLINE_S):
        return [fact async for fact in run_series(wanted)]


def runs_of(facts: list[AbFact]) -> list[Run]:
    return [fact.run for fact in facts if isinstance(fact, RunEnded)]


# Model of the server, and tokens in the first chunk that carries any.
SHAPES = {
    "plain": ("t30-i5-n16", 1),
    "role at once": ("t30-i5-n16-role-early", 1),
    "role with content": ("t30-i5-n16-role-none", 1),
    "late head": ("t30-i5-n16-hdr-late", 1),
    "four tokens a chunk": ("t30-i5-n16-k4", 4),
    "four chunks a segment": ("t30-i5-n16-g4", 4),
    "reasoning content": ("t30-i5-n16-r8", 1),
    "reasoning": ("t30-i5-n16-q8", 1),
    "split segments": ("t30-i5-n16-s4", 1),
    "pings": ("t30-i5-n16-c10", 1),
    "a stall": ("t30-i5-n16-x8:60", 1),
    "jitter": ("t30-i5-n16-j40", 1),
}


@pytest.mark.parametrize(("model", "first"), SHAPES.values(), ids=SHAPES)
async def test_reported_against_true(truth_url: str, model: str, first: int) -> None:
    truths(truth_url)
    runs = runs_of(await measured(order(truth_url, model)))
    _warm_up, *records = truths(truth_url)
    for run, true in zip(runs, records, strict=True):
        assert run.error is None
        assert run.output_tokens == 16
        assert len(run.itl_s) == 16 - first
        assert run.clock == "kernel"
        written_s = [(at - true["t_arr"]) / 1e9 for at in true["w"]]
        assert run.ttft_s == pytest.approx(written_s[0], abs=TOLERANCE_S)
        assert run.e2e_s == pytest.approx(written_s[-1], abs=TOLERANCE_S)
        gaps = [b - a for a, b in pairwise(written_s)]
        assert max(run.itl_s) * first == pytest.approx(max(gaps), abs=1.5 * TOLERANCE_S)


async def test_reasoning_is_a_token_but_not_yet_visible(truth_url: str) -> None:
    for run in runs_of(await measured(order(truth_url, "t30-i5-n16-r8"))):
        assert run.reasoning_tokens == 8
        assert run.ttft_s is not None
        assert run.ttft_visible_s == pytest.approx(run.ttft_s + 8 * 0.005, abs=TOLERANCE_S)


async def test_without_usage_nothing_is_counted(truth_url: str) -> None:
    for run in runs_of(await measured(order(truth_url, "t20-i2-n8-u0"))):
        # The server still counts in every chunk, as asked; the final usage is what is missing.
        assert run.output_tokens in (None, 8)
        assert run.error is None


async def test_twenty_milliseconds_are_found_and_none_are_not_invented(truth_url: str) -> None:
    apart = order(truth_url, "t30-i2-n8-j30", "t50-i2-n8-j30", runs=8)
    alike = order(truth_url, "t30-i2-n8-j30", "t30-i2-n8-j30", runs=8, mode="simultaneous")
    found = [report_of(await measured(wanted))["difference"] for wanted in (apart, alike)]
    assert found[0]["ttft_s"]["verdict"] == "a_faster"
    assert found[0]["ttft_s"]["shift"] == pytest.approx(0.02, abs=TOLERANCE_S)
    assert abs(found[1]["ttft_s"]["shift"]) < TOLERANCE_S


async def test_inside_a_running_textual_app(truth_url: str) -> None:
    class Host(App[None]):
        facts: list[AbFact]

        async def on_mount(self) -> None:
            self.run_worker(self.pump(), exit_on_error=True)

        async def pump(self) -> None:
            self.facts = await measured(order(truth_url, "t20-i2-n8", runs=2))
            self.exit()

    app = Host()
    async with asyncio.timeout(DEADLINE_S):
        await app.run_async(headless=True)
    assert [run.error for run in runs_of(app.facts)] == [None, None]


def report_of(facts: list[AbFact]) -> dict[str, Any]:
    series: AbSeries | None = None
    for fact in facts:
        series = advance_series(series, fact)
    assert series is not None
    return ab_report(series)
