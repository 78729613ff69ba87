"""Shapes that real endpoints answer with, as another program serves them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backends.prober.protocol import Limits
from tests.backends.prober.scripted_server import end_of, measure, order_for, runs_of

LIMITS = Limits(connect_s=5.0, ttft_s=10.0, total_s=10.0, wait_s=6.0)
KEY = {"api_key": "sk-12345678", "auth": "api-key"}


@dataclass(frozen=True)
class Expected:
    """What the runs of one mode must be; `error` where each of them fails."""

    tokens: int | None = 8
    error: str = ""
    waited_for: str = ""
    not_sent: tuple[str, ...] = ()
    cost_usd: str | None = None
    provider: str | None = None


LEFT_OUT = ("continuous_usage_stats",)

MODES: dict[str, tuple[dict[str, Any], Expected]] = {
    "good": ({}, Expected()),
    "openrouter": ({}, Expected(11, cost_usd="0.00042", provider="DeepInfra")),
    "orerr": ({}, Expected(None, "inside the stream: Provider disconnected")),
    "groq": ({}, Expected()),
    "cerebras": ({}, Expected()),
    "nousage": ({}, Expected(None)),
    "modal": ({}, Expected(waited_for="cold")),
    "hf503": ({}, Expected(waited_for="unavailable")),
    "azure": ({**KEY, "query": (("api-version", "2024-10-21"),)}, Expected()),
    "apikey": (KEY, Expected()),
    "ogpt": ({}, Expected(not_sent=("max_tokens", "temperature", *LEFT_OUT))),
    "gemini": ({}, Expected(not_sent=LEFT_OUT)),
    "param": ({}, Expected(not_sent=LEFT_OUT)),
    "fastapi": ({}, Expected(not_sent=LEFT_OUT)),
    "baretext": ({}, Expected(not_sent=LEFT_OUT)),
    "r429": ({}, Expected(waited_for="limited")),
    "runpodq": ({}, Expected(None, "'IN_QUEUE', not a stream; waited")),
    "onlyreason": ({}, Expected(20)),
    "hdr": ({"headers": (("X-Tenant", "a"),)}, Expected()),
    "lenstop": ({}, Expected(3)),
}


@pytest.fixture
def address(shared: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = shared / "wild" / "providers" / "quirks.py"
    process = subprocess.Popen([sys.executable, str(script), str(port)])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_is_measured_or_says_why_not(mode: str, address: str) -> None:
    target, expected = MODES[mode]
    order = order_for(f"{address}/{mode}/v1", runs=2, limits=LIMITS, target=target)
    facts = measure(order)
    runs, client = runs_of(facts), end_of(facts).client
    assert runs
    assert client is not None
    for run in runs:
        assert bool(run.error) == bool(expected.error), run.error
        assert expected.error in (run.error or "")
        assert run.output_tokens == expected.tokens
        assert set(run.not_sent) == set(expected.not_sent)
        assert (run.provider_cost_usd, run.answered_provider) == (
            expected.cost_usd,
            expected.provider,
        )
    if not expected.error:
        waits = {run.waited_for for run in (*client.warm_ups, *runs)}
        assert expected.waited_for in waits
        assert all(run.ttft_s is not None and run.ttft_s < 0.5 for run in runs)
