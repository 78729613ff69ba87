"""The programs of the truth server beside the checkout, measured by the prober's own process."""

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.domain.ab.facts import AbFact, RunEnded
from backends.domain.ab.run import Run
from backends.prober.client import run_series
from backends.prober.protocol import SeriesOrder, Target

DEADLINE_S = 30.0

PROGRAMS = {
    "plain": "t30-i5-n16",
    "role at once": "t30-i5-n16-role-early",
    "role with the first token": "t30-i5-n16-role-with",
    "role with content": "t30-i5-n16-role-none",
    "late head": "t30-i5-n16-hdr-late",
    "four tokens a chunk": "t30-i5-n16-k4",
    "four chunks a segment": "t30-i5-n16-g4",
    "reasoning content": "t30-i5-n16-r8",
    "reasoning": "t30-i5-n16-q8",
    "split segments": "t30-i5-n16-s4",
    "pings": "t30-i5-n16-c10",
    "a stall": "t30-i5-n16-x8:60",
    "jitter": "t30-i5-n16-j40",
    "no final usage": "t30-i5-n16-u0",
}


@contextmanager
def running(script: Path) -> Iterator[str]:
    """Run the server on a free port and give its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(script), "--port", str(port)])
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
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
    """A series with one target for each model, which is the server's program."""
    names = ("a", "b")
    targets = tuple(
        Target(name, name, url, model)  # type: ignore[arg-type]
        for name, model in zip(names, models, strict=False)
    )
    return SeriesOrder("s1", targets, "Say the same word.", runs=runs, max_tokens=64, **more)


async def measured(wanted: SeriesOrder) -> list[AbFact]:
    async with asyncio.timeout(DEADLINE_S):
        return [fact async for fact in run_series(wanted)]


def runs_of(facts: list[AbFact]) -> list[Run]:
    return [fact.run for fact in facts if isinstance(fact, RunEnded)]


def measured_program(url: str, name: str) -> tuple[Run, dict[str, Any]]:
    """One run of a program, and the server's record of it."""
    truths(url)
    (run,) = runs_of(asyncio.run(measured(order(url, PROGRAMS[name], runs=1))))
    return run, truths(url)[-1]
