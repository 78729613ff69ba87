"""A study of the true vLLM on the CPU beside a simulated endpoint, killed half way and resumed.

`make study-real` runs it: it takes a quarter of an hour, and `make test` leaves it out.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.settings.paths import state_folder
from tests.console.cli.ledger.conftest import ROOT, MadeHost, free_port
from tests.console.cli.ledger.test_study import endpoint, finished, steps
from tests.polling import until
from tests.real_vllm.environment import VLLM_VERSION, found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
]

START_S = 900.0
COMMAND = ("study", "run", "tiny", "api", "--quick", "--yes", "--gaps", "1s")


@pytest.fixture
def host(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[MadeHost]:
    assert VLLM is not None
    made = MadeHost(capsys, tmp_path)
    table = f"""
[server.tiny]
model = "{VLLM.model}"
vllm = "{VLLM.executable}"
port = {free_port()}
args = ["--max-model-len", "2048", "--dtype", "bfloat16", "--enforce-eager"]
environment = {{ VLLM_CPU_KVCACHE_SPACE = "1", HF_HUB_OFFLINE = "1" }}
gpu_usd_per_hour = "0.10"

[limits]
ttft_p99_s = 2.0
"""
    with endpoint() as api:
        made.configure(table, api)
        yield made
    made.clean()


def test_it_is_killed_half_way_resumes_and_every_figure_follows(host: MadeHost) -> None:
    command = (sys.executable, "-m", "console", *COMMAND)
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: "start-1" in steps(), within_s=START_S)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    had = {path: path.read_bytes() for path in state_folder().glob("studies/*/steps/*")}
    assert not finished()

    code, out, err = host.run(*COMMAND, "--json")
    assert "is resumed" in err
    assert {path: path.read_bytes() for path in had} == had
    document = json.loads(out)
    known = {each["key"]: each for each in document["figures"]}
    with host.capsys.disabled():
        for key, each in known.items():
            print(key, each["value"], each["low"], each["high"], each["n"], each["reason"])
        print(err)
    assert code == 0, err
    assert document["study"]["versions"]["vllm"] == VLLM_VERSION
    assert known["cold_start.first_token_s"]["n"] == 2
    assert known["warm.server.ttft_s"]["n"] == 8
    assert {run["output_tokens"] for run in document["study"]["warm"]["runs"]} == {220}
    (path,) = finished()
    assert host.document("study", "verify", str(path))["verified"]
    assert host.document("study", "verify", str(path.with_suffix(".html")))["verified"]
