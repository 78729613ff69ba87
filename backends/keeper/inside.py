"""A server started inside a container that runs already, beside whatever else runs there.

The engine starts it and then has no more part in it: it is known by its mark, signalled as a
process of this host, and the container is never stopped.
"""

from backends.containers.container import inspect
from backends.containers.engine import Engine, EngineRefused, EngineUnavailable
from backends.domain.server import Exit, ProcessId
from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper.log_stamps import stamping
from backends.keeper.order import ContainerOrder, LaunchFailed, LaunchOrder, marker_value
from backends.keeper.spawn import ADDED_ENVIRONMENT
from backends.keeper.tree import AdoptedTree

_TO_FILE = 'exec "$@" > "$0" 2>&1'
"""With the log's path as its name. An engine that is not asked for the output keeps none of it, and
one that is loses it with whoever asked; a file outlives both."""


class InsideTree(AdoptedTree):
    """Processes that carry the mark of a start, whose exit their engine knows."""

    def __init__(self, first: ProcessId, marker: str, engine: Engine, ran_as: str) -> None:
        super().__init__(first, marker)
        self._engine = engine
        self._ran_as = ran_as

    def exit(self) -> Exit | None:
        """Return how the first process ended, None while it runs."""
        ended = super().exit()
        if ended is None:
            return None
        try:
            code = self._engine.read(f"/exec/{self._ran_as}/json").get("ExitCode")
        except (EngineUnavailable, EngineRefused):
            return ended
        if code is None:
            return ended
        return Exit(None, code - 128) if 128 < code < 128 + 65 else Exit(code, None)


def start_inside(order: LaunchOrder, ordered: ContainerOrder) -> InsideTree:
    """Start the server, its output in a file of the container.

    Raises:
        LaunchFailed: the container does not run, or lacks what is to be started.
    """
    engine, name = Engine(ordered.engine, ordered.socket), ordered.name
    variables = {
        **order.environment,
        **ADDED_ENVIRONMENT,
        **stamping(order.environment),
        MARKER: marker_value(order),
    }
    log = f"/tmp/inferctl-{order.server}.log"  # noqa: S108  inside the container
    body = {
        "Cmd": ["sh", "-c", _TO_FILE, log, *order.argv],
        "Env": [f"{key}={value}" for key, value in variables.items()],
    }
    try:
        found = inspect(engine, name)
        if found is None or not found.is_up:
            state = found.state if found else "not known there"
            raise LaunchFailed(f"container {name} is {state}; run: {engine.kind} start {name}")
        ran_as = engine.order(f"/containers/{found.id}/exec", body)["Id"]
        engine.order(f"/exec/{ran_as}/start", {"Detach": True})
        pid = int(engine.read(f"/exec/{ran_as}/json").get("Pid") or 0)
        first = processes.identity(pid)
    except (EngineUnavailable, EngineRefused) as error:
        raise LaunchFailed(f"{engine.kind} did not start it in {name}: {error}") from error
    except ProcessLookupError as error:
        what = f"{order.argv[0]} ended at once in container {name}"
        raise LaunchFailed(f"{what}; run: {engine.kind} exec {name} tail {log}") from error
    return InsideTree(first, marker_value(order), engine, ran_as)
