"""Every shape of the conformance server is read as its golden result says."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.domain.ab.run import Run
from backends.prober.audit import CLIENT_LIMITED
from backends.prober.protocol import Limits
from backends.simulated.shapes import SHAPES
from tests.backends.prober.scripted_server import measure, order_for, runs_of
from tests.backends.simulated.providers_page import PAGE, page

ROOT = Path(__file__).parents[3]
LIMITS = Limits(connect_s=5.0, ttft_s=10.0, total_s=10.0, wait_s=2.5)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.simulated.conformance"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    process.terminate()
    process.wait()
    process.stdout.close()


def one_run(address: str, mode: str) -> Run:
    order = order_for(f"{address}/{mode}/v1", runs=1, warm_up=False, limits=LIMITS)
    (run,) = runs_of(measure(order))
    return run


@pytest.mark.parametrize("mode", SHAPES)
def test_each_shape_is_read_as_its_golden_result(mode: str, address: str) -> None:
    run, golden = one_run(address, mode), SHAPES[mode].golden
    assert bool(run.error) == bool(golden.error), run.error
    assert re.search(golden.error, run.error or "")
    for name in (
        *("text", "output_tokens", "input_tokens", "reasoning_tokens", "cached_tokens"),
        *("provider_cost_usd", "answered_model", "answered_provider", "not_sent"),
    ):
        assert getattr(run, name) == getattr(golden, name), name
    assert (run.ttft_s is not None) == (bool(golden.text) or not golden.error)
    assert run.waited_for == golden.waited_for
    assert (run.cold_s is not None) == golden.cold
    assert {*run.flags} - {CLIENT_LIMITED, "redirected"} == {*golden.flags}
    found = None if run.server_times is None else run.server_times.ttft_s
    assert found == (None if golden.server_ttft_s is None else pytest.approx(golden.server_ttft_s))


def test_thoughts_are_no_visible_text(address: str) -> None:
    for mode in ("reasoning", "thinking-parts", "flagged-thought", "tagged-thought"):
        run = one_run(address, mode)
        assert run.ttft_s is not None
        assert run.ttft_visible_s is not None
        assert run.ttft_visible_s > run.ttft_s


def test_the_page_of_providers_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: make providers-page"
