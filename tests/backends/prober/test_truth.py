"""Against a server that logs when its kernel got each request and when it wrote each token."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from textual.app import App

from backends.domain.ab.facts import AbFact
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.reports.ab import ab_report
from tests.backends.prober.truth_programs import DEADLINE_S, measured, order, running, runs_of

# The server's own stamps and a busy machine; the benchmark shows the engine's own 0.01 ms.
TOLERANCE_S = 0.01


@pytest.fixture
def truth_url(shared: Path) -> Iterator[str]:
    with running(shared / "truth" / "truth_server.py") as url:
        yield url


async def test_reasoning_is_a_token_but_not_yet_visible(truth_url: str) -> None:
    later_s = []
    for run in runs_of(await measured(order(truth_url, "t30-i5-n16-r8"))):
        assert run.reasoning_tokens == 8
        assert run.ttft_s is not None
        assert run.ttft_visible_s is not None
        later_s.append(run.ttft_visible_s - run.ttft_s)
    assert median(later_s) == pytest.approx(8 * 0.005, abs=TOLERANCE_S)


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
