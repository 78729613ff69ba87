"""How far the prober's figures are from the truth, beside the ``openai`` client.

Starts a server that knows when its kernel got each request and when it wrote each token, asks it
with 1, 16, 64 and 128 streams at once, and prints the error of TTFT, inter-token latency and
end-to-end time with the CPU that a thousand tokens cost. Run it on a quiet machine::

    python benchmarks/ab.py [--clients prober] [--json] [--server OTHER_SERVER.py]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Iterator

TTFT_MS, ITL_MS, TOKENS = 200, 10, 64
MODEL = f"t{TTFT_MS}-i{ITL_MS}-n{TOKENS}"
STREAMS = (1, 16, 64, 128)
ROUNDS = {1: 20, 16: 5, 64: 4, 128: 4}
PROMPT = "Say the same word again and again."


@dataclass(frozen=True)
class Reported:
    """What a client says of one request; `number` is the server's, out of the first token."""

    number: int
    ttft_s: float
    itl_s: list[float]
    e2e_s: float


@dataclass(frozen=True)
class Row:
    """The errors of one client at one number of streams, in milliseconds."""

    client: str
    streams: int
    requests: int
    ttft_median_ms: float
    ttft_p99_ms: float
    itl_median_ms: float
    itl_p99_ms: float
    e2e_median_ms: float
    e2e_p99_ms: float
    cpu_ms_per_1k_tokens: float


def measure_with_prober(base_url: str, streams: int, rounds: int) -> list[Reported]:
    """Ask with our own engine; the first round opens the connections and is not counted."""
    from backends.domain.run import Run
    from backends.prober.exchange import Asked, Hooks
    from backends.prober.loop import Loop
    from backends.prober.orders import Lane, Limits
    from backends.prober.outcome import run_of
    from backends.prober.target import Target

    loop, lane = Loop(), Lane("a", "truth", base_url, MODEL)
    target = Target(lane, Limits(), loop)
    found: list[Run] = []

    def ended(exchange: Asked) -> None:
        found.append(run_of(exchange, lane, len(found)))

    hooks = Hooks(lambda _: None, lambda *_: None, ended)
    for _ in range(rounds + 1):
        begun = len(found)
        for _ in range(streams):
            target.exchange(PROMPT, TOKENS, temperature=0, ignore_eos=False).begin(None, hooks)
        loop.run(partial(reached, found, begun + streams))
        if begun == 0:
            start_clock()
    return [
        Reported(int(run.text.split()[0][1:]), run.ttft_s or 0.0, list(run.itl_s), run.e2e_s or 0.0)
        for run in found[streams:]
    ]


def measure_with_openai(base_url: str, streams: int, rounds: int) -> list[Reported]:
    """Ask with the ``openai`` client on asyncio, as most tools do."""
    from openai import AsyncOpenAI

    async def one(client: AsyncOpenAI) -> Reported:
        began_s = time.monotonic()
        stamps, number = [], 0
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=TOKENS,
            stream=True,
        )
        async for part in stream:
            if part.choices and part.choices[0].delta.content:
                stamps.append(time.monotonic() - began_s)
                number = number or int(part.choices[0].delta.content.split()[0][1:])
        gaps = [later - before for before, later in itertools.pairwise(stamps)]
        return Reported(number, stamps[0], gaps, stamps[-1])

    async def everything() -> list[Reported]:
        client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
        await asyncio.gather(*(one(client) for _ in range(streams)))
        start_clock()
        found: list[Reported] = []
        for _ in range(rounds):
            found += await asyncio.gather(*(one(client) for _ in range(streams)))
        await client.close()
        return found

    return asyncio.run(everything())


def reached(found: list[Any], number: int) -> bool:
    """Whether that many requests have ended."""
    return len(found) >= number


CLIENTS = {"prober": measure_with_prober, "openai": measure_with_openai}
_clock: list[int] = []


def start_clock() -> None:
    """Count CPU from here."""
    _clock[:] = [time.process_time_ns()]


def child(client: str, base_url: str, streams: int) -> None:
    """Measure in this process and print what was reported."""
    found = CLIENTS[client](base_url, streams, ROUNDS[streams])
    cpu_ms = (time.process_time_ns() - _clock[0]) / 1e6
    print(json.dumps({"cpu_ms": cpu_ms, "reported": [asdict(one) for one in found]}))


def compare(client: str, base_url: str, streams: int) -> Row:
    """Let one client measure in a process of its own and hold it against the server's stamps."""
    from backends.domain.streams.statistics import quantile

    drain(base_url)
    command = [sys.executable, __file__, "--child", client, base_url, str(streams)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    truth = drain(base_url)
    ttft, itl, e2e = [], [], []
    for one in told["reported"]:
        true = truth[one["number"]]
        written_s = [(at - true["t_arr"]) / 1e9 for at in true["w"]]
        gaps = [b - a for a, b in itertools.pairwise(written_s)]
        ttft.append(1e3 * (one["ttft_s"] - written_s[0]))
        e2e.append(1e3 * (one["e2e_s"] - written_s[-1]))
        itl += [1e3 * abs(r - t) for r, t in zip(one["itl_s"], gaps, strict=True)]
    return Row(
        client,
        streams,
        len(ttft),
        quantile(ttft, 0.5),
        quantile(ttft, 0.99),
        quantile(itl, 0.5),
        quantile(itl, 0.99),
        quantile(e2e, 0.5),
        quantile(e2e, 0.99),
        told["cpu_ms"] / (len(ttft) * TOKENS) * 1e3,
    )


def drain(base_url: str) -> dict[int, dict[str, Any]]:
    """Take the server's records, by the number of the request."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/_truth") as answer:  # noqa: S310  our own server
        records = [json.loads(line) for line in answer.read().splitlines()]
    return {record["id"]: record for record in records}


@contextmanager
def truth_server(script: Path) -> Iterator[str]:
    """Run the server on a free port and give its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(script), "--port", str(port)])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def show(row: Row) -> str:
    """One line of the table."""
    pairs = (
        (row.ttft_median_ms, row.ttft_p99_ms),
        (row.itl_median_ms, row.itl_p99_ms),
        (row.e2e_median_ms, row.e2e_p99_ms),
    )
    cells = "  ".join(f"{median:9.3f} {tail:9.3f}" for median, tail in pairs)
    cpu = row.cpu_ms_per_1k_tokens
    return f"{row.client:8} {row.streams:7} {row.requests:8}  {cells}  {cpu:8.1f}"


def main() -> int:
    """Print the table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--server", type=Path, default=Path(__file__).with_name("truth.py"))
    parser.add_argument("--clients", default="prober,openai")
    parser.add_argument("--streams", default=",".join(map(str, STREAMS)))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child[0], chosen.child[1], int(chosen.child[2]))
        return 0
    if not chosen.json:
        print(f"errors in ms against {MODEL}; CPU in ms per 1,000 tokens; kept connections")
        print(
            "client   streams requests   TTFT med       p99    ITL med       p99"
            "    e2e med       p99       CPU"
        )
    rows = []
    with truth_server(chosen.server) as base_url:
        for client in chosen.clients.split(","):
            for streams in map(int, chosen.streams.split(",")):
                rows.append(compare(client, base_url, streams))
                if not chosen.json:
                    print(show(rows[-1]), flush=True)
    if chosen.json:
        print(json.dumps([asdict(row) for row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
