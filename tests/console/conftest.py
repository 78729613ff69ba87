"""A host made up for each test: a simulated vLLM under a true keeper, and a serverless endpoint."""

import asyncio
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.domain.server import ServerState
from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.operations.host import Host
from backends.operations.recording import by_agent
from backends.servers.listing import list_servers
from backends.settings.config import Endpoint, Limits, Profile, Settings, TokenPrices
from backends.simulated.gpus import SimulatedGpus
from console.tui.app import InferctlApp

REPOSITORY = Path(__file__).parents[2]
SERVER, MODEL = "chat", "org/model"
SPEED = "400"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def simulated_vllm(folder: Path) -> Path:
    """Write an executable that is a vLLM as far as a keeper can tell."""
    program = folder / "vllm"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from backends.simulated.vllm import main\nmain()\n"
    )
    program.chmod(stat.S_IRWXU)
    return program


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each console and verb keep the record itself: few tests are about the agent."""
    monkeypatch.setattr(by_agent, "kept_by_agent", lambda _: False)


@dataclass
class MadeHost:
    """One made-up host in a folder of its own, and what became of its server."""

    folder: Path
    endpoint_port: int
    profile: Profile
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        prices = TokenPrices(Decimal("0.10"), Decimal("0.70"), as_of=date(2026, 11, 1))
        base_url = f"http://127.0.0.1:{self.endpoint_port}/v1"
        self.settings = Settings(
            servers=(self.profile,),
            endpoints=(Endpoint("serverless", base_url, MODEL, prices=prices),),
            limits=Limits(ttft_p99_s=1.0),
        )

    def host(self, **changes: object) -> Host:
        host = Host(
            settings=self.settings,
            state_folder=self.folder,
            history_file=self.folder / "history.sqlite",
            open_gpus=lambda: SimulatedGpus(self.folder / "gpu.json"),
        )
        return replace(host, **changes)  # type: ignore[arg-type]

    def app(self, **changes: object) -> InferctlApp:
        return InferctlApp(self.host(**changes), SERVER)

    def state(self) -> ServerState | None:
        found = [each for each in list_servers(self.folder) if each.name == SERVER]
        return found[0].state if found else None

    def with_environment(self, **variables: str) -> "MadeHost":
        named = tuple((f"INFERCTL_SIMULATED_{key}", value) for key, value in variables.items())
        profile = replace(self.profile, environment=(*self.profile.environment, *named))
        return MadeHost(self.folder, self.endpoint_port, profile)

    def clean(self) -> None:
        keeper = keeper_id(ServerFolder(server_folder(self.folder, SERVER)))
        if keeper:
            processes.send(keeper, signal.SIGKILL, lambda _: True)
        for one in processes.running():
            marker = processes.environment_value(one.id.pid, MARKER) or ""
            if marker.startswith(f"{SERVER}:") and _is_of(one.id.pid, self.folder):
                processes.send(one.id, signal.SIGKILL, lambda _: True)


def _is_of(pid: int, folder: Path) -> bool:
    gpu_file = processes.environment_value(pid, "INFERCTL_SIMULATED_GPU") or ""
    return gpu_file.startswith(str(folder))


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep servers that others run on this machine out of the lists."""
    monkeypatch.setattr("backends.servers.listing.external_servers", lambda *_: ())


@pytest.fixture(scope="session")
def endpoint_port() -> Iterator[int]:
    """Serve a fast simulated serverless endpoint to all tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL, "--speed", "40"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def made_host(tmp_path: Path, endpoint_port: int) -> Iterator[MadeHost]:
    """Make a host up; whatever was started on it ends with the test."""
    folder = tmp_path / "host"
    folder.mkdir(mode=0o700)
    profile = Profile(
        name=SERVER,
        model=MODEL,
        vllm=str(simulated_vllm(folder)),
        port=free_port(),
        gpu_usd_per_hour=Decimal("1.88"),
        gpu_price_as_of=date(2026, 11, 1),
        environment=(
            ("INFERCTL_SIMULATED_SPEED", SPEED),
            ("INFERCTL_SIMULATED_SERVING_SPEED", "40"),
            ("INFERCTL_SIMULATED_GPU", str(folder / "gpu.json")),
        ),
    )
    made = MadeHost(folder, endpoint_port, profile)
    yield made
    made.clean()


async def until(pilot: Pilot[str], condition: Callable[[], bool], within_s: float = 20.0) -> None:
    """Let the app run until a condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():
            await pilot.pause(0.02)


def state(app: InferctlApp) -> ServerState | None:
    """Return the state of the watched server as the console knows it."""
    return app.session.life.server.state if app.session.life else None


async def started(pilot: Pilot[str], app: InferctlApp) -> None:
    """Press the start key and wait for a ready server."""
    await pilot.press("s")
    await until(pilot, lambda: state(app) is ServerState.READY)
