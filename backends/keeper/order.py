"""What a keeper is ordered to do, and how that is stored without secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from backends.domain.redaction import may_hold_a_key, without_secrets
from backends.domain.server import ProcessId, Runtime, RuntimeKind
from backends.domain.values import whole
from backends.domain.vllm_arguments import value_of
from backends.host.files import read_file, replace_file
from backends.problem import Problem
from backends.wire import UnreadableRecord, read_json


class KeeperError(Problem):
    """A keeper could not do what it was asked to; the message holds the reason and the remedy."""


class AlreadyKept(KeeperError):
    """The server is running already; the message names its keeper or its processes."""


class NotRunning(KeeperError):
    """There is no such server, or nothing of it runs."""

    kind = "not_found"


class LaunchFailed(KeeperError):
    """The server or its keeper could not be started."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a server's output is kept that no keeper started.

    Attributes:
        place: path of the file, id of the container, or name of the unit.
        engine: whose container it is.
        socket: where that engine answers.
        reason: why none can be read, and what helps.
    """

    kind: Literal["file", "engine", "journal", "pod", "none"]
    place: str = ""
    engine: RuntimeKind = RuntimeKind.DOCKER
    socket: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """A server that something else started, and that a keeper only watches.

    Attributes:
        port: that it listens on in its own network.
        container: the id of the container whose first process, or a child of it, the server is;
            empty where it is in none.
        engine: whose container it is.
        socket: where that engine answers.
    """

    process: ProcessId
    runtime: Runtime
    log: LogSource
    port: int
    container: str = ""
    engine: RuntimeKind = RuntimeKind.DOCKER
    socket: str = ""


@dataclass(frozen=True, slots=True)
class ContainerOrder:
    """The container that a server is started in.

    Attributes:
        engine: whose container it is.
        socket: where that engine answers.
        name: of a container to be made, or of the one that runs.
        image: what it is made of; empty for a process in one that runs.
        request: what the engine is asked for, without the environment.
    """

    engine: RuntimeKind
    socket: str
    name: str
    image: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """One start of one server.

    Attributes:
        server: the name of its profile.
        argv: the command, its program first; looked up on the PATH of the server's environment.
        environment: variables to set on top of the launching process's own.
        host: the address that the server binds.
        model: the name it will serve the model under, see `served_model`.
        start_id: unique among all starts of this host.
        term_grace_s: how long one SIGTERM is given; 20 s or more suits ROCm, where a forced end
            can leave VRAM held.
        external: the server that runs already and is only watched; None for one to launch.
        container: what to launch it in; None for a process of this host.
        by: who ordered it, for the journal.
    """

    server: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    host: str
    port: int
    model: str
    start_id: str
    term_grace_s: float = 10.0
    external: External | None = None
    container: ContainerOrder | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A new keeper's answer to its launcher; no error means that it keeps the server."""

    error: str = ""
    message: str = ""


def unwritable(folder: Path, error: OSError) -> str:
    """Return the sentence for a folder that takes no files."""
    return (
        f"{folder} cannot be written: {error.strerror}; free space there, or see who owns it "
        "(XDG_STATE_HOME names another place)"
    )


def marker_value(order: LaunchOrder) -> str:
    """Return what `MARKER` is set to for this start."""
    return f"{order.server}:{order.start_id}"


def served_model(arguments: tuple[str, ...], model: str) -> str:
    """Return the name under which vLLM will serve `model`: the first of ``--served-model-name``."""
    return value_of(("--served-model-name",), arguments) or model


def api_key(argv: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """Return the key that the server asks of its clients, None where it asks for none."""
    return value_of(("--api-key",), argv) or environment.get("VLLM_API_KEY") or None


def keys_of(order: LaunchOrder) -> tuple[str, ...]:
    """Return the keys that a server is started with, which its log may show."""
    named = (value for name, value in order.environment.items() if may_hold_a_key(name))
    asked = api_key(order.argv, order.environment)
    return tuple(filter(None, (asked, *named)))


DEFAULT_PORT = 8000
"""What vLLM listens on without ``--port``."""


def port_of(argv: tuple[str, ...]) -> int:
    """Return the port that a ``vllm serve`` with these arguments listens on, where it runs."""
    asked = whole(value_of(("--port",), argv))
    return DEFAULT_PORT if asked is None else asked


def own_drain_s(argv: tuple[str, ...]) -> float:
    """Return how long vLLM itself lets requests finish (``--shutdown-timeout``, 0.18 on)."""
    return float(whole(value_of(("--shutdown-timeout",), argv)) or 0)


def save_order(path: Path, order: LaunchOrder) -> None:
    """Keep an order for a later keeper, without the values of its environment."""
    shown = replace(order, argv=tuple(without_secrets(order.argv)), environment={})
    replace_file(path, msgspec.json.encode(shown))


def load_order(path: Path) -> LaunchOrder:
    """Return the order of the current start.

    Raises:
        NotRunning: no start was ever ordered.
        KeeperError: the order cannot be read.
    """
    try:
        order: LaunchOrder = read_json(read_file(path), LaunchOrder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotRunning(f"{path.parent.name} was never started on this host") from error
    except UnreadableRecord as error:
        raise KeeperError(f"{path} cannot be read ({error}); remove it") from error
    return order
