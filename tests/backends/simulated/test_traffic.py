"""The traffic of the demo: where it may go, how much of it there is, and when it ends."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.simulated import traffic
from backends.simulated.traffic import NotLoopback, loopback_target
from tests.backends.simulated.conftest import Program, Server, is_alive, until

MODULE = "backends.simulated.traffic"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://192.0.2.7:8000/v1",
        "http://inference.example/v1",
        "https://127.0.0.1/v1",
        "http://localhost.example:80",
        "http://0.0.0.0:8000",
        "nonsense",
    ],
)
def test_it_stays_on_this_machine(base_url: str) -> None:
    with pytest.raises(NotLoopback, match="loopback"):
        loopback_target(base_url, "m", 10, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_allowed(host: str) -> None:
    target = loopback_target(f"http://{host}:8000/v1/", "m", 10, "")
    assert (target.port, target.path) == (8000, "/v1")


def test_its_requests_are_served_and_end_with_the_duration(
    serve: Callable[..., Server], run: Callable[..., Program]
) -> None:
    server = serve(key="secret").until_ready()
    traffic = run(
        MODULE, "--base-url", f"http://127.0.0.1:{server.port}/v1",
        "--model", "openai/gpt-oss-120b", "--rps", "150", "--duration", "0.3",
        VLLM_API_KEY="secret",
    )  # fmt: skip
    assert traffic.exit_code() == 0
    metrics = server.ask("GET", "/metrics")[1].splitlines()
    finished = [float(x.split()[-1]) for x in metrics if x.startswith("vllm:request_success_t")]
    assert sum(finished) > 10


def test_without_a_duration_it_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "argv", [MODULE, "--base-url", "http://127.0.0.1:9/v1", "--model", "m"]
    )
    assert traffic._arguments().duration == math.inf


def test_it_ends_when_told(run: Callable[..., Program]) -> None:
    traffic = run(MODULE, "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--rps", "0.01")
    maps = Path(f"/proc/{traffic.pid}/status")
    until(lambda: sigterm_is_caught(maps), "its handlers")
    traffic.process.terminate()
    assert traffic.exit_code() == 0


def sigterm_is_caught(status: Path) -> bool:
    (caught,) = [x.split()[1] for x in status.read_text().splitlines() if x.startswith("SigCgt")]
    return bool(int(caught, 16) & 1 << 14)


def test_it_ends_when_its_parent_is_gone() -> None:
    words = ["-m", MODULE, "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--rps", "0.01"]
    script = f"import subprocess; print(subprocess.Popen({[sys.executable, *words]!r}).pid); "
    parent = subprocess.Popen(
        [sys.executable, "-uc", script + "input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = json.loads(parent.stdout.readline())
    until(lambda: sigterm_is_caught(Path(f"/proc/{pid}/status")), "its handlers")
    assert is_alive(pid)
    parent.communicate(b"end\n", timeout=5)
    until(lambda: not is_alive(pid), "the end of the traffic")
