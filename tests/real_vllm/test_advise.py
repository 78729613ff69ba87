"""`inferctl advise` at the true vLLM: one seat, and a KV cache too small for two requests."""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backends.domain.advise.binding import Binding, Resource, binding_of
from backends.domain.advise.flags import flag_for
from backends.domain.facts import MetricsScraped
from backends.domain.stamp import Stamp
from backends.metrics.scrape import scrape
from tests.backends.keeper.conftest import free_port
from tests.real_vllm.environment import found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
]

START_S = 600
CLIENTS = 4
WATCHED_S, ENDED = 25.0, 30
"""Watched for so long, and until so many requests ended: a busy host takes longer."""
ROOM_FOR_ONE = "8"
"""Blocks, of 128 tokens on the CPU. One is never used, and a prompt of about 350 tokens with
200 more needs five."""


@contextmanager
def server(folder: Path, *arguments: str) -> Iterator[str]:
    """A server of the tiny model and its address; ended with the context."""
    assert VLLM is not None
    port, log = free_port(), folder / "log"
    flags = f"--host 127.0.0.1 --port {port} --max-model-len 640 --dtype bfloat16 --enforce-eager"
    command = [VLLM.executable, "serve", VLLM.model, "--served-model-name", "tiny", *flags.split()]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while True:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline, "never ready"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def clients(url: str) -> Iterator[None]:
    """Four clients, each with its next request as soon as it has its reply."""
    over = threading.Event()

    def ask(number: int) -> None:
        asked = 0
        while not over.is_set():
            asked += 1
            prompt = f"{number} {asked} " + "Say something. " * 22
            body = {"model": "tiny", "prompt": prompt, "max_tokens": 200, "ignore_eos": True}
            request = urllib.request.Request(
                f"{url}/v1/completions",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with closing(urllib.request.urlopen(request, timeout=120)) as reply:
                reply.read()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def watched(url: str) -> Binding:
    """Return what binds while the clients ask."""
    readings: list[MetricsScraped] = []
    with clients(url):
        time.sleep(3.0)
        began_s = at_s = time.monotonic()
        ended = 0.0
        while at_s - began_s < WATCHED_S or (ended < ENDED and at_s - began_s < START_S):
            at_s = time.monotonic()
            readings.append(MetricsScraped(Stamp(at_s, at_s), scrape(url, 10.0)))
            done = [each.counters.requests_finished or 0.0 for each in readings]
            ended = done[-1] - done[0]
            time.sleep(0.5)
    return binding_of(readings)


@pytest.mark.parametrize(
    ("arguments", "settings", "resource", "flag"),
    [
        (
            ("--max-num-seqs", "1"),
            {"max_num_seqs": "1"},
            Resource.QUEUE,
            "--max-num-seqs 2",
        ),
        (
            ("--num-gpu-blocks-override", ROOM_FOR_ONE),
            {"num_gpu_blocks_override": ROOM_FOR_ONE},
            Resource.KV_CACHE,
            "--num-gpu-blocks-override 16",
        ),
    ],
)
def test_what_binds_the_true_vllm_is_named(
    tmp_path: Path,
    arguments: tuple[str, ...],
    settings: dict[str, str],
    resource: Resource,
    flag: str,
) -> None:
    with server(tmp_path, *arguments) as url:
        found = watched(url)
    print(found)
    advice = flag_for(found, settings)
    assert (found.resource, advice and advice.flag) == (resource, flag), found
