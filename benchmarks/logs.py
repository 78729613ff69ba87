"""What a large log costs in `inferctl explain`, as whole-process figures: `make bench`."""

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.console import INFERCTL

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


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        explain_large(Path(folder), options.mebibytes)


if __name__ == "__main__":
    main()
