"""One container as its engine describes it, and the address that reaches a server in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from backends.containers.engine import Engine, EngineRefused
from backends.domain.address import reachable_host
from backends.http1 import NoAnswer

OURS = "inferctl.start"
"""The label of what inferctl started: ``NAME:START_ID``, as `MARKER` in the environment."""


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a container that its engine publishes on this host."""

    port: int
    host: str
    host_port: int


@dataclass(frozen=True, slots=True)
class Container:
    """What an engine says of one container.

    Attributes:
        state: ``created``, ``running``, ``restarting``, ``paused`` or ``exited``.
        pid: its first process as the host counts, 0 where none runs.
        exit_code: of its last run; it means nothing while it runs.
        error: why it could not be started, in the engine's words.
        started_wall_s: seconds since 1970.
        policy: what its engine does when it ends: ``no``, ``always``, ``unless-stopped``,
            ``on-failure``.
        terminal: its output has no frames.
        network: ``host``, ``none``, ``container:ID`` or the name of a network.
        command: its program and arguments.
    """

    id: str
    name: str
    image: str
    state: str
    pid: int
    exit_code: int
    oom_killed: bool
    error: str
    started_wall_s: float
    ended_wall_s: float
    restarts: int
    policy: str
    terminal: bool
    network: str
    published: tuple[Published, ...]
    addresses: tuple[str, ...]
    labels: Mapping[str, str]
    command: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        """Whether its processes live."""
        return self.pid != 0 and self.state in ("running", "paused")

    @property
    def comes_back(self) -> bool:
        """Whether its engine starts it again when it ends by itself."""
        return self.policy not in ("", "no")

    @property
    def service(self) -> str:
        """The service of a compose file that it is, empty where it is none."""
        return self.labels.get("com.docker.compose.service", "")

    def how_to_end(self, engine: str) -> str:
        """Return the command that ends it for good, whatever its policy is."""
        if not self.service:
            return f"{engine} stop {self.name}"
        project = self.labels.get("com.docker.compose.project", "")
        return f"{engine} compose -p {project} stop {self.service}"


def inspect(engine: Engine, name: str) -> Container | None:
    """Return the container of this name or id, None where the engine has none.

    Raises:
        EngineUnavailable: the engine cannot be asked.
    """
    try:
        return described(engine.read(f"/containers/{name}/json"))
    except EngineRefused as refusal:
        if refusal.status == 404:
            return None
        raise


def publisher_of(engine: Engine, host_port: int) -> str:
    """Return the name of the container that has a port of this host, empty where none has.

    Raises:
        EngineUnavailable: the engine cannot be asked.
    """
    asked = msgspec.json.encode({"publish": [str(host_port)]}).decode()
    for one in engine.read("/containers/json", filters=asked):
        for name in one.get("Names") or ():
            return str(name).removeprefix("/")
    return ""


def ended_containers(engine: Engine, mentions: str) -> list[Container]:
    """Return the containers that do not run and whose image or command mentions a word.

    Raises:
        EngineUnavailable: the engine cannot be asked.
    """
    listed = engine.read("/containers/json", all="1")
    found = [
        inspect(engine, one["Id"])
        for one in listed
        if one.get("State") in ("exited", "restarting", "dead", "created")
        and mentions in f"{one.get('Image')} {one.get('Command')}"
    ]
    return [one for one in found if one is not None and not one.is_up]


def described(answer: Mapping[str, Any]) -> Container:
    """Return the container in an engine's answer; podman leaves some of it out."""
    state, host = answer["State"], answer.get("HostConfig") or {}
    settings, config = answer.get("NetworkSettings") or {}, answer.get("Config") or {}
    networks = (settings.get("Networks") or {}).values()
    return Container(
        id=answer["Id"],
        name=str(answer.get("Name", "")).removeprefix("/"),
        image=str(config.get("Image") or answer.get("ImageName", "")),
        state=str(state.get("Status", "")),
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        started_wall_s=wall_s(str(state.get("StartedAt", ""))),
        ended_wall_s=wall_s(str(state.get("FinishedAt", ""))),
        restarts=int(answer.get("RestartCount") or 0),
        policy=str((host.get("RestartPolicy") or {}).get("Name") or "no"),
        terminal=bool(config.get("Tty")),
        network=str(host.get("NetworkMode") or ""),
        published=tuple(_published(settings.get("Ports") or {})),
        addresses=tuple(one["IPAddress"] for one in networks if one.get("IPAddress")),
        labels=config.get("Labels") or {},
        command=(str(answer.get("Path", "")), *map(str, answer.get("Args") or ())),
    )


def _published(ports: Mapping[str, Any]) -> list[Published]:
    return [
        Published(int(name.partition("/")[0]), one.get("HostIp") or "", int(one["HostPort"]))
        for name, bindings in ports.items()
        if name.endswith("/tcp")
        for one in bindings or ()
    ]


def reached_at(engine: Engine, container: Container, port: int) -> tuple[str, int]:
    """Return host and port that reach a container's port from this host.

    The published port comes before the container's own address: it holds across restarts.

    Raises:
        NoAnswer: nothing reaches it; the message says why, and what would.
        EngineUnavailable: the container whose network it shares cannot be asked for.
    """
    kind, _, shared = container.network.partition(":")
    if kind == "container":
        other = inspect(engine, shared)
        if other is not None:
            return reached_at(engine, other, port)
    if kind == "host":
        return "127.0.0.1", port
    own = [one for one in container.published if one.port == port]
    for one in own:
        return reachable_host(one.host), one.host_port
    for address in container.addresses:
        return address, port
    raise NoAnswer(
        f"no port of container {container.name} is published and it has no address; "
        f"run it with -p {port}:{port}"
    )


def wall_s(text: str) -> float:
    """Return an engine's time as seconds since 1970, 0 for none or the year 1."""
    try:
        seconds = datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
    return max(0.0, seconds)
