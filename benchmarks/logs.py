"""What logs cost, as whole-process figures: `make bench`.

A large log through `inferctl explain`; a flood of 20,000 lines a second through a keeper, with its
CPU, its memory and the lines that reached the disk; and how soon a key is answered meanwhile.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.console import INFERCTL, Terminal

MIB = 1 << 20
BLOCK = MIB
START = b"""INFO 11-21 08:00:00 [api_server.py:1] vLLM API server version 0.11.0
INFO 11-21 08:00:09 [core.py:1] Initializing a V1 LLM engine (v0.11.0) with config: model='m',
INFO 11-21 08:00:11 [gpu_model_runner.py:1] Starting to load model m...
INFO 11-21 08:00:20 [gpu_model_runner.py:1] Model loading took 14.99 GiB memory and 8.7 seconds
INFO 11-21 08:00:30 [gpu_worker.py:1] Available KV cache memory: 55.79 GiB
INFO 11-21 08:00:30 [kv_cache_utils.py:1] GPU KV cache size: 457,024 tokens
INFO 11-21 08:00:40 [core.py:1] init engine (profile, create kv cache, warmup model) took 20 seconds
INFO:     Application startup complete.
"""
SERVING = b'INFO:     127.0.0.1:50000 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'

FLOOD_LINES_PER_S = 20_000
FLOOD = """
import sys, time
rate, seconds = 20000, float(sys.argv[1])
number, began = 0, time.monotonic()
while (passed := time.monotonic() - began) < seconds:
    due = int(passed * rate)
    out = [f'INFO 11-21 08:00:00 [x.py:1] line {n:09d} of a flood' for n in range(number, due)]
    if out:
        print(chr(10).join(out), flush=True)
    number = due
    time.sleep(0.005)
print(f'TOTAL {number}', flush=True)
time.sleep(600)
"""


def explain_large(folder: Path, mebibytes: int) -> None:
    """Print time and peak memory of `inferctl explain` over a log of this size."""
    log = folder / "large.log"
    with log.open("wb") as file:
        file.write(START)
        block = SERVING * (BLOCK // len(SERVING))
        for _ in range(mebibytes):
            file.write(block)
    size = log.stat().st_size
    began = time.monotonic()
    subprocess.run([INFERCTL, "explain", str(log), "--json"], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    rate, peak_mb = size / 1e6 / seconds, peak_kib * 1024 / 1e6
    print(f"explain {size / 1e9:.2f} GB: {seconds:.1f} s, {rate:.0f} MB/s, peak {peak_mb:.0f} MB")
    log.unlink()


def flood(folder: Path, seconds: float) -> None:
    """Print what a flood costs the keeper, whether a line was lost, and key latency meanwhile."""
    config = folder / "CONFIG" / "inferctl"
    config.mkdir(parents=True)
    script = folder / "flood"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.argv[1:] = ['{seconds}']\n{FLOOD}")
    script.chmod(0o700)
    (config / "config.toml").write_text(
        f'[server.flood]\nmodel = "m"\nvllm = "{script}"\nport = 1\n'
    )
    environment = os.environ | {
        f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "STATE", "CACHE")
    }
    subprocess.run(
        [INFERCTL, "start", "flood", "--force"], check=True, env=environment, capture_output=True
    )
    state = folder / "STATE" / "inferctl" / "servers" / "flood"
    keeper = psutil.Process(json.loads((state / "keeper.json").read_bytes())["pid"])
    terminal = Terminal(INFERCTL, state=folder)
    terminal.read_for(1.5)
    terminal.write(b"l")
    terminal.read_for(1.5)
    latencies = sorted(search_answered_s(terminal) for _ in range(100))
    cpu = keeper.cpu_times()
    lived = time.time() - keeper.create_time()
    print(
        f"keeper in the flood: {100 * (cpu.user + cpu.system) / lived:.0f} % of a core,"
        f" {keeper.memory_info().rss / 1e6:.1f} MB"
    )
    print(
        f"key answered in the flood: median {statistics.median(latencies) * 1000:.0f} ms,"
        f" p99 {latencies[-2] * 1000:.0f} ms of {len(latencies)}"
    )
    terminal.read_for(max(0.0, seconds - lived) + 1)
    terminal.end()
    lines = (state / "server.log").read_text().splitlines()
    numbers = [line.split()[5] for line in lines if " line " in line]
    total = next(line.split()[1] for line in lines if line.startswith("TOTAL"))
    print(
        f"lines printed {total}, lines in the log {len(numbers)}, lost {int(total) - len(numbers)}"
    )
    subprocess.run([INFERCTL, "stop", "flood"], check=True, env=environment, capture_output=True)


def search_answered_s(terminal: Terminal) -> float:
    """Seconds from the key that opens the search to the open search line.

    The first letter of its hint is under the cursor, and so drawn apart.
    """
    answered_s = terminal.answer_s(b"/", b"earch for")
    terminal.write(b"\r")
    terminal.read_for(0.05)
    return answered_s


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--flood-seconds", type=float, default=20)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        explain_large(Path(folder), options.mebibytes)
        flood(Path(folder), options.flood_seconds)


if __name__ == "__main__":
    main()
