"""The demo: simulated processes in a home of their own, gone with the console or kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from backends.host import processes, spawn
from backends.host.files import PRIVATE_FILE
from backends.host.home import DEMO_GPUS, DEMO_MARK, VARIABLE, is_of_a_demo, is_simulated, state_of
from backends.host.processes import Process
from backends.operations.capacity import Capacity, keep_capacity
from backends.operations.demo_supervisor import (
    KEPT,
    MODEL,
    SERVER,
    TRAFFIC_RPS,
    clear_away,
    supervises,
)
from backends.operations.host import Host, this_host
from backends.problem import NotFound, UsageProblem
from backends.servers.listing import server_pids
from backends.settings.paths import demo_home, private_folder

POLL_S = 0.05

CONFIGURATION = """\
# A demo of inferctl: the server, its GPU, the endpoint and the prices are made up (SIMULATED).

[server.{server}]
model = "{model}"
vllm = {vllm}
port = {port}
gpu_usd_per_hour = "1.88"          # the list prices of a published comparison, dated as it is
gpu_price_as_of = 2026-11-01
environment = {environment}

[endpoint.serverless]
base_url = "http://127.0.0.1:{endpoint_port}/v1"
model = "{model}"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
price_as_of = 2026-11-01

[limits]
ttft_p99_s = 1.0

[billing]
since = {since}

[agent]
enabled = {agent}

[plan]                             # contracts beside the published ones, to have something to rank
gpu_usd_per_month = "1300"
serverless_usd_per_second = "0.0008"
service_s = "2.5"
idle_timeout_s = "60"
contract_price_as_of = 2026-11-01
contract_price_source = "made up for the demo"
"""


@dataclass(frozen=True, slots=True)
class Play:
    """What happens in a demo.

    Attributes:
        speed: how many times faster than real time a start runs; serving keeps its real pace.
        failure: let starts fail in this way, a failure kind such as ``gpu_out_of_memory``.
        traffic_rps: requests a second that simulated users send to the server; 0 for none.
        idle_s: after so long without a request the endpoint scales to zero; None for never.
        capacity_rps: what a load test is said to have measured; None for no such test.
    """

    speed: float = 1.0
    failure: str | None = None
    traffic_rps: float = TRAFFIC_RPS
    idle_s: float | None = None
    capacity_rps: Decimal | None = None


@contextmanager
def simulated_host(play: Play) -> Iterator[Host]:
    """Give a machine with one simulated vLLM, its GPU, and one simulated serverless endpoint.

    While it is given INFERCTL_HOME names its folder, which is removed afterwards.
    """
    home = Path(tempfile.mkdtemp(prefix="inferctl-demo-"))
    furnish(home, play, agent=False)
    supervisor = _supervised(home, play, stdin=subprocess.PIPE)
    assert supervisor.stdin is not None
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(home)
    try:
        yield this_host()
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        # The supervisor clears away when its stdin is closed, here or by a kill.
        supervisor.stdin.close()
        supervisor.wait()


def keep_demo(play: Play) -> Path:
    """Return the home of the demo that is kept, made and running; INFERCTL_HOME names it from here.

    Raises:
        UsageProblem: it is kept already and would have to be another one.
        UnusableFolder: its folder cannot be made.
    """
    home = demo_home()
    if is_simulated(state_of(home)):
        if play != Play():
            raise UsageProblem(
                f"a demo is kept in {home} already, with a speed and failure of its own; "
                "`inferctl demo --remove` ends it"
            )
    else:
        private_folder(home)
        furnish(home, play, agent=True)
        (home / KEPT).touch(PRIVATE_FILE)
    os.environ[VARIABLE] = str(home)
    _supervised(home, play, stdin=subprocess.DEVNULL)
    return home


def remove_demo() -> Path:
    """End everything of the demo that is kept, remove its folder, and return where it was.

    Raises:
        NotFound: none is kept.
    """
    home = demo_home()
    if not is_simulated(state_of(home)):
        raise NotFound(f"no demo is kept in {home}; `inferctl demo --keep` makes one")
    (home / KEPT).unlink(missing_ok=True)  # its supervisor clears away, where one lives
    while home.exists():
        with supervises(home) as alone:
            if alone:
                clear_away(home)
        time.sleep(POLL_S)
    return home


def crash_engine(host: Host) -> None:
    """Kill the engine of the demo's server, as the kernel does to one that takes too much."""

    def of_this_demo(process: Process) -> bool:
        home = processes.environment_value(process.id.pid, VARIABLE)
        return is_of_a_demo(home) and state_of(Path(home or "")) == host.state_folder

    for pid in server_pids(host.state_folder)[SERVER]:
        found = processes.read(pid)
        if found is not None and processes.display_name(found) == "VLLM::EngineCore":
            processes.send(found.id, signal.SIGKILL, of_this_demo)


def furnish(home: Path, play: Play, *, agent: bool) -> None:
    """Write what makes a folder the home of a demo."""
    state = private_folder(state_of(home))
    environment = {
        "INFERCTL_SIMULATED_SPEED": str(play.speed),
        "INFERCTL_SIMULATED_SERVING_SPEED": "1",
        "INFERCTL_SIMULATED_GPU": str(state / DEMO_GPUS),
        **({"INFERCTL_SIMULATED_FAILURE": play.failure} if play.failure else {}),
    }
    variables = ", ".join(f"{name} = {json.dumps(value)}" for name, value in environment.items())
    written = CONFIGURATION.format(
        server=SERVER,
        model=MODEL,
        vllm=json.dumps(str(Path(sys.executable).with_name("inferctl-simulated-vllm"))),
        port=_free_port(),
        endpoint_port=_free_port(),
        environment=f"{{ {variables} }}",
        since=datetime.now(UTC).isoformat(),
        agent=str(agent).lower(),
    )
    (private_folder(home / "config") / "config.toml").write_text(written, encoding="utf-8")
    (state / DEMO_MARK).touch(PRIVATE_FILE)
    if play.capacity_rps is not None:
        keep_capacity(state, _capacity(play.capacity_rps))


def _capacity(rps: Decimal) -> Capacity:
    """Return a capacity as a load test of the demo's own traffic measures it."""
    return Capacity(
        server=SERVER,
        model=MODEL,
        args=(),
        rps=rps,
        bounded=True,
        output_tokens=210,
        prompt_sha256="",
        ttft_limit_s=1.0,
        itl_limit_s=None,
        measured_wall_s=time.time(),
        input_tokens=26,
    )


def _supervised(home: Path, play: Play, *, stdin: int) -> subprocess.Popen[bytes]:
    """Let a supervisor run the helpers of a home.

    It is a session of its own, so that neither Ctrl-C nor a terminal that closes ends it first.
    """
    idle = () if play.idle_s is None else (str(play.idle_s),)
    arguments = (str(home), str(play.traffic_rps), *idle)
    return subprocess.Popen(
        spawn.command("backends.operations.demo_supervisor", *arguments),
        stdin=stdin,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**spawn.environment(), VARIABLE: str(home)},
        start_new_session=True,
    )


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
