"""The demo: simulated processes in a folder of their own, gone when the console is."""

import asyncio
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from backends.keeper.client import stop
from backends.keeper.folder import server_folder
from backends.keeper.order import KeeperError
from backends.settings.config import Billing, Endpoint, Limits, Profile, Settings, TokenPrices
from backends.simulated.gpus import SimulatedGpus
from console.machine import Machine

SERVER = "gpt-oss"
MODEL = "openai/gpt-oss-120b"
GPU_USD_PER_HOUR = Decimal("1.88")
INPUT_USD_PER_MTOK = Decimal("0.10")
OUTPUT_USD_PER_MTOK = Decimal("0.70")
PRICES_AS_OF = date(2026, 11, 1)
"""The list prices of the published comparison that the demo replays, dated as its scenario is."""

TRAFFIC_RPS = 2.0


@contextmanager
def simulated_host(speed: float, failure: str | None) -> Iterator[Machine]:
    """Give a machine with one simulated vLLM, its GPU, and one simulated serverless endpoint.

    Args:
        speed: how many times faster than real time the start runs; serving keeps its real pace.
        failure: let the start fail in this way, a failure kind such as ``gpu_out_of_memory``.
    """
    with tempfile.TemporaryDirectory(prefix="inferctl-demo-") as name:
        folder = Path(name)
        gpu_file = folder / "gpu.json"
        environment = {
            "INFERCTL_SIMULATED_SPEED": str(speed),
            "INFERCTL_SIMULATED_SERVING_SPEED": "1",
            "INFERCTL_SIMULATED_GPU": str(gpu_file),
        }
        if failure:
            environment["INFERCTL_SIMULATED_FAILURE"] = failure
        endpoint_port = _free_port()
        endpoint = _spawn("backends.simulated.endpoint", "--port", str(endpoint_port))
        profile = Profile(
            name=SERVER,
            model=MODEL,
            vllm=str(Path(sys.executable).with_name("inferctl-simulated-vllm")),
            port=_free_port(),
            gpu_usd_per_hour=GPU_USD_PER_HOUR,
            gpu_price_as_of=PRICES_AS_OF,
            environment=tuple(environment.items()),
        )
        traffic = _spawn(
            "backends.simulated.traffic",
            *("--base-url", profile.base_url, "--model", MODEL, "--rps", str(TRAFFIC_RPS)),
        )
        try:
            yield Machine(
                settings=_settings(profile, endpoint_port),
                state_folder=folder,
                history_file=folder / "history.sqlite",
                open_gpus=lambda: SimulatedGpus(gpu_file),
                simulated=True,
            )
        finally:
            _end(traffic, endpoint)
            asyncio.run(_stop_server(folder))


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
    )


def _spawn(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _end(*helpers: subprocess.Popen[bytes]) -> None:
    for helper in helpers:
        helper.send_signal(signal.SIGTERM)
    for helper in helpers:
        try:
            helper.wait(timeout=5)
        except subprocess.TimeoutExpired:
            helper.kill()
            helper.wait()


async def _stop_server(folder: Path) -> None:
    try:
        async for _ in stop(server_folder(folder, SERVER), by="the end of the demo"):
            pass
    except KeeperError:
        return  # it was never started, or has ended


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
