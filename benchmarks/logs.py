"""What a large log costs in `inferctl explain`, as whole-process figures: `make bench`."""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.console import INFERCTL

MIB = 1 << 20
START = b"""INFO 11-21 08:00:00 [api_server.py:1] vLLM API server version 0.11.0
INFO 11-21 08:00:09 [core.py:1] Initializing a V1 LLM engine (v0.11.0) with config: model='m',
INFO 11-21 08:00:11 [gpu_model_runner.py:1] Starting to load model m...
INFO 11-21 08:00:20 [gpu_model_runner.py:1] Model loading took 14.99 GiB memory and 8.7 seconds
INFO 11-21 08:00:30 [gpu_worker.py:1] Available KV cache memory: 55.79 GiB
INFO 11-21 08:00:30 [kv_cache_utils.py:1] GPU KV cache size: 457,024 tokens
INFO 11-21 08:00:40 [core.py:1] init engine (profile, create kv cache, warmup model) took 20 seconds
INFO:     Application startup complete.
"""
ACCESS = 'INFO:     127.0.0.1:{port} - "POST /v1/chat/completions HTTP/1.1" 200 OK'
REQUEST = (
    "INFO 11-21 08:01:{second:02} [logger.py:43] Received request chatcmpl-{port}: prompt: 'Hi', "
    "params: SamplingParams(n=1, temperature=0.7, top_p=0.95, seed=None, stop=[], max_tokens=4096)."
)
ENGINE = (
    "INFO 11-21 08:01:{second:02} [loggers.py:127] Engine 000: Avg prompt throughput: {port}.0 "
    "tokens/s, Avg generation throughput: 900.1 tokens/s, Running: 5 reqs, Waiting: 0 reqs"
)
LOGS = {
    "of accesses": (ACCESS,),
    "of a busy server": (*(ACCESS, REQUEST) * 20, ENGINE, "WARNING 11-21 08:01:00 [x.py:1] Late."),
    "of unknown lines": ("a line {port} that another program printed, without head or meaning",),
}
"""What stands in a large log, in turn; each line with figures of its own."""


def write_log(log: Path, mebibytes: int, lines: tuple[str, ...]) -> None:
    """Write a start that became ready, and then these lines up to the size."""
    block, number = bytearray(), 0
    while len(block) < 4 * MIB:
        for line in lines:
            number += 1
            text = line.format(port=10_000 + number % 50_000, second=number // 5000 % 60)
            block += text.encode() + b"\n"
    with log.open("wb") as file:
        file.write(START)
        while file.tell() < mebibytes * MIB:
            file.write(block)


def explain_large(folder: Path, mebibytes: int, name: str) -> None:
    """Print time and peak memory of `inferctl explain` over a log of this size, of such lines."""
    log = folder / "large.log"
    write_log(log, mebibytes, LOGS[name])
    size = log.stat().st_size
    began, spent = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [INFERCTL, "explain", str(log), "--json"], check=True, capture_output=True
    )
    seconds = time.monotonic() - began
    (start,) = json.loads(told.stdout)["starts"]
    assert start["outcome"] == "ready"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - spent.ru_utime + after.ru_stime - spent.ru_stime
    peak_mb = after.ru_maxrss * 1024 / 1e6
    rate = size / 1e6 / seconds
    print(
        f"explain {size / 1e9:.2f} GB {name}: {seconds:.1f} s, {cpu_s:.1f} s of CPU,"
        f" {rate:.0f} MB/s, peak {peak_mb:.0f} MB"
    )
    log.unlink()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for name in LOGS:
            explain_large(Path(folder), options.mebibytes, name)


if __name__ == "__main__":
    main()
