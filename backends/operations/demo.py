"""The demo: simulated processes in a folder of their own, gone when the console is."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from backends.domain.decision.scenario import Scenario
from backends.host import spawn
from backends.operations.demo_supervisor import MODEL, SERVER, TRAFFIC_RPS
from backends.operations.host import Host
from backends.settings.config import Billing, Endpoint, Limits, Profile, Settings, TokenPrices
from backends.simulated.gpus import SimulatedGpus

GPU_USD_PER_HOUR = Decimal("1.88")
INPUT_USD_PER_MTOK = Decimal("0.10")
OUTPUT_USD_PER_MTOK = Decimal("0.70")
PRICES_AS_OF = date(2026, 11, 1)
"""The list prices of the published comparison that the demo replays, dated as its scenario is."""


PLAN = Scenario(
    gpu_usd_per_month=Decimal(1300),
    serverless_usd_per_second=Decimal("0.0008"),
    service_s=Decimal("2.5"),
    idle_timeout_s=Decimal(60),
    contract_price_as_of=PRICES_AS_OF,
    contract_price_source="made up for the demo",
)
"""Contracts that stand beside the published ones, so that there is something to rank."""


@contextmanager
def simulated_host(
    speed: float, failure: str | None, traffic_rps: float = TRAFFIC_RPS
) -> Iterator[Host]:
    """Give a machine with one simulated vLLM, its GPU, and one simulated serverless endpoint.

    Args:
        speed: how many times faster than real time the start runs; serving keeps its real pace.
        failure: let the start fail in this way, a failure kind such as ``gpu_out_of_memory``.
        traffic_rps: requests a second that simulated users send to the server; 0 for none.
    """
    folder = Path(tempfile.mkdtemp(prefix="inferctl-demo-"))
    gpu_file = folder / "gpu.json"
    environment = {
        "INFERCTL_SIMULATED_SPEED": str(speed),
        "INFERCTL_SIMULATED_SERVING_SPEED": "1",
        "INFERCTL_SIMULATED_GPU": str(gpu_file),
    }
    if failure:
        environment["INFERCTL_SIMULATED_FAILURE"] = failure
    profile = Profile(
        name=SERVER,
        model=MODEL,
        vllm=str(Path(sys.executable).with_name("inferctl-simulated-vllm")),
        port=_free_port(),
        gpu_usd_per_hour=GPU_USD_PER_HOUR,
        gpu_price_as_of=PRICES_AS_OF,
        environment=tuple(environment.items()),
    )
    endpoint_port = _free_port()
    with _supervised(folder, endpoint_port, profile.port, traffic_rps):
        yield Host(
            settings=_settings(profile, endpoint_port),
            state_folder=folder,
            history_file=folder / "history.sqlite",
            open_gpus=lambda: SimulatedGpus(gpu_file),
            simulated=True,
        )


def _settings(profile: Profile, endpoint_port: int) -> Settings:
    serverless = Endpoint(
        name="serverless",
        base_url=f"http://127.0.0.1:{endpoint_port}/v1",
        model=MODEL,
        prices=TokenPrices(
            input_usd_per_mtok=INPUT_USD_PER_MTOK,
            output_usd_per_mtok=OUTPUT_USD_PER_MTOK,
            as_of=PRICES_AS_OF,
        ),
    )
    return Settings(
        servers=(profile,),
        endpoints=(serverless,),
        limits=Limits(ttft_p99_s=1.0),
        billing=Billing(since=datetime.now(UTC)),
        plan=PLAN,
    )


@contextmanager
def _supervised(
    folder: Path, endpoint_port: int, server_port: int, traffic_rps: float
) -> Iterator[None]:
    """Let a supervisor run the helpers; it clears away when its stdin is closed, here or by a kill.

    It is a session of its own, so that neither Ctrl-C nor a terminal that closes ends it first.
    """
    arguments = (str(folder), str(endpoint_port), str(server_port), str(traffic_rps))
    supervisor = subprocess.Popen(
        spawn.command("backends.operations.demo_supervisor", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=spawn.environment(),
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        supervisor.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
