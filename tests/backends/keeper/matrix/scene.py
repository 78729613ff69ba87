"""One server under a true keeper, held in one state, with all that may be struck there."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact, Spawned, StopProgressed
from backends.domain.start import PhaseName
from backends.host import processes
from backends.keeper import client
from backends.keeper.folder import ServerFolder, keeper_id, read_journal
from backends.keeper.launch import launch
from backends.keeper.order import LaunchOrder
from tests.backends.keeper.conftest import eventually, free_port, until
from tests.backends.keeper.matrix.census import Census
from tests.backends.keeper.matrix.consoles import ALTERNATE_SCREEN, Terminal
from tests.backends.keeper.matrix.held import State, write_start

Victim = Literal["api_server", "engine", "worker", "keeper", "console"]

VICTIMS: tuple[Victim, ...] = ("api_server", "engine", "worker", "keeper", "console")

NAME = "victim"
MODEL = "simulated"
ARRIVES_S = 60.0
SLOW_STOP = 0.2
"""How much slower than the rest a server that is to be struck while it stops tears down."""

SIMULATED_VLLM = Path(sys.executable).with_name("inferctl-simulated-vllm")


class VictimGone(Exception):
    """A stop on a busy machine was over sooner than the blow fell: nothing was shown."""


@dataclass
class Scene:
    """A server, and everything that can be struck."""

    folder: Path
    home: Path
    state: State
    victim: Victim
    speed: float
    census: Census
    port: int = field(default_factory=free_port)
    console: Terminal | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    streamed_bytes: int = 0

    @property
    def gpu_file(self) -> Path:
        return self.home / "gpus.json"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a verb see this scene and nothing else."""
        return {f"XDG_{kind}_HOME": str(self.home / kind) for kind in ("STATE", "CONFIG", "CACHE")}

    @property
    def controls(self) -> dict[str, str]:
        slow = SLOW_STOP if self.state == "stopping" else 1.0
        values = {
            "START": self.home / "start.toml",
            "SPEED": self.speed * slow,
            "GPU": self.gpu_file,
        }
        return {f"INFERCTL_SIMULATED_{name}": str(value) for name, value in values.items()}

    def facts(self) -> list[ServerFact]:
        return read_journal(ServerFolder(self.folder).journal)

    def spawned(self) -> Spawned:
        return next(fact for fact in self.facts() if isinstance(fact, Spawned))

    def members(self) -> list[processes.Process]:
        spawned = next((fact for fact in self.facts() if isinstance(fact, Spawned)), None)
        return self.census.of(f"{spawned.server}:{spawned.start_id}") if spawned else []

    def keeper_lives(self) -> bool:
        keeper = keeper_id(ServerFolder(self.folder))
        return keeper is not None and processes.is_alive(keeper)

    def pid_of(self, victim: Victim) -> int:
        match victim:
            case "api_server":
                return self.spawned().process.pid
            case "engine":
                return self._titled("VLLM::EngineCore")
            case "worker":
                return self._titled("VLLM::Worker_TP1")
            case "keeper":
                keeper = keeper_id(ServerFolder(self.folder))
                assert keeper is not None
                return keeper.pid
            case "console":
                assert self.console is not None
                return self.console.pid
            case _:
                assert_never(victim)

    def strike(self, number: signal.Signals) -> None:
        """Send the victim its signal.

        Raises:
            VictimGone: it ended by itself, as in a stop, before the signal came.
        """
        try:
            os.kill(self.pid_of(self.victim), number)
        except ProcessLookupError:
            raise VictimGone(f"{self.victim} had ended before it could be struck") from None

    def _titled(self, title: str) -> int:
        self.census.look_anew()
        named = {processes.display_name(one): one.id.pid for one in self.members()}
        if title not in named:
            raise VictimGone(f"{title} had ended before it could be struck")
        return named[title]


@asynccontextmanager
async def scene(
    home: Path, state: State, victim: Victim, *, speed: float, census: Census
) -> AsyncIterator[Scene]:
    """Bring a server to its state; nothing of it is left afterwards."""
    folder = home / "STATE" / "inferctl" / "servers" / NAME
    set_up = Scene(folder, home, state, victim, speed, census)
    _write_profile(set_up)
    write_start(home / "start.toml", state, engine_exists=victim in ("engine", "worker"))
    try:
        async with asyncio.timeout(ARRIVES_S):
            await _launch(set_up)
            await _reach(set_up)
        yield set_up
    finally:
        for task in set_up.tasks:
            task.cancel()
        if set_up.console is not None:
            set_up.console.close()
        _clear(set_up)


def _write_profile(at: Scene) -> None:
    path = at.home / "CONFIG" / "inferctl" / "config.toml"
    path.parent.mkdir(parents=True)
    variables = "\n".join(f'{name} = "{value}"' for name, value in at.controls.items())
    path.write_text(
        f'[server.{NAME}]\nmodel = "org/model"\nserved_name = "{MODEL}"\nport = {at.port}\n'
        f'vllm = "{SIMULATED_VLLM}"\n[server.{NAME}.environment]\n{variables}\n'
    )


async def _launch(at: Scene) -> None:
    if at.victim == "console" and at.state in ("importing", "loading", "compiling"):
        at.console = Terminal(("start", NAME, "--wait", "--force"), at.environment)
        await eventually(lambda: any(isinstance(fact, Spawned) for fact in at.facts()), ARRIVES_S)
        return
    order = LaunchOrder(
        server=NAME,
        argv=(
            *(str(SIMULATED_VLLM), "serve", "org/model", "--served-model-name", MODEL),
            *("--host", "127.0.0.1", "--port", str(at.port)),
        ),
        environment=at.controls,
        host="127.0.0.1",
        port=at.port,
        model=MODEL,
        start_id=f"{at.home.name}-{os.getpid()}",
    )
    await asyncio.to_thread(launch, order, at.folder)


async def _reach(at: Scene) -> None:
    processes_wanted = 1 if at.state == "importing" and at.victim not in ("engine", "worker") else 4
    await eventually(lambda: len(at.members()) == processes_wanted, ARRIVES_S)
    match at.state:
        case "importing":
            if processes_wanted == 4:
                await eventually(lambda: _has_title(at), ARRIVES_S)
        case "loading":
            await _phase(at, PhaseName.LOAD_WEIGHTS)
        case "compiling":
            await _phase(at, PhaseName.COMPILE)
        case "ready" | "serving" | "stopping":
            await until(client.follow(at.folder), FirstTokenSeen, within_s=ARRIVES_S)
    if at.state == "serving":
        at.tasks.append(asyncio.create_task(_stream(at)))
        await eventually(lambda: at.streamed_bytes > 0)
    if at.victim == "console" and at.state in ("ready", "serving"):
        at.console = Terminal((), at.environment)
        console = at.console
        await eventually(lambda: ALTERNATE_SCREEN in console.shown, ARRIVES_S)
        await eventually(lambda: b"ready" in console.shown, ARRIVES_S)
    if at.state == "stopping":
        await _begin_stop(at)


def _has_title(at: Scene) -> bool:
    return "VLLM::Worker_TP1" in {processes.display_name(one) for one in at.members()}


async def _phase(at: Scene, name: PhaseName) -> None:
    def begun() -> bool:
        return any(isinstance(fact, PhaseBegan) and fact.phase is name for fact in at.facts())

    await eventually(begun, ARRIVES_S)


async def _begin_stop(at: Scene) -> None:
    if at.victim == "console":
        at.console = Terminal(("stop", NAME), at.environment)
    else:
        at.tasks.append(asyncio.create_task(_stop(at)))
    await eventually(
        lambda: any(
            isinstance(fact, StopProgressed) and "SIGTERM" in fact.step for fact in at.facts()
        ),
        ARRIVES_S,
    )


async def _stop(at: Scene) -> None:
    streams = client.stop(at.folder, "the matrix")
    # The one fact that shows the order as taken; a later keeper is nobody's business here.
    await anext(streams)


async def _stream(at: Scene) -> None:
    """Read a completion that lasts longer than any cell."""
    body = json.dumps(
        {"model": MODEL, "prompt": "on and on", "max_tokens": 30_000, "stream": True}
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        while data := await reader.read(65536):
            at.streamed_bytes += len(data)
    except ConnectionError:
        return
    finally:
        writer.close()


def _clear(at: Scene) -> None:
    if keeper := keeper_id(ServerFolder(at.folder)):
        processes.send(keeper, signal.SIGKILL, lambda _: True)
    for one in at.members():
        processes.send(one.id, signal.SIGKILL, lambda _: True)
