"""How a container ended, and why as far as its engine tells."""

import signal
import time
from dataclasses import dataclass

from backends.containers.container import Container, inspect
from backends.containers.engine import Engine, EngineNotRunning, EngineRefused, EngineUnavailable
from backends.domain.server import Exit, RuntimeKind
from backends.domain.start import Failure, FailureKind

SIGNALLED = 128
"""Its sum with a signal's number is the exit code of what that signal ended, as in a shell."""

SEEN_S = 10.0
"""How long an engine may take to see that a container's first process has ended."""
POLL_S = 0.1

_MORE_MEMORY = (
    "Raise the limit (`docker run --memory`), or load with --load-format runai_streamer, which "
    "holds less of the checkpoint at once."
)

_PUT_RIGHT = "Fix what the engine reports, then start it again."

_ENDS_ALL = ", which ends every container unless live-restore is on."
_LIVE_RESTORE = 'Set "live-restore": true in /etc/docker/daemon.json, and start it again.'
_ELSE = "If docker was not restarted, "

UNSEEN = 255
"""Docker's exit code of a container that ended while its daemon did not run (moby, ``restore``)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What an engine says of a container whose first process has ended.

    Attributes:
        container: None where it was removed, or its engine did not say in time.
        engine_down: its engine's daemon did not answer as it ended.
    """

    container: Container | None = None
    removed: bool = False
    engine_down: bool = False

    @property
    def exit(self) -> Exit:
        """How its first process ended, as far as it is known."""
        return exit_of(self.container) if self.container else Exit(None, None)

    def failure(self, engine: str) -> Failure | None:
        """Return why it ended, None where nothing but the exit tells, or it ended well."""
        if self.engine_down and not (self.container and self.container.oom_killed):
            what = f"The {engine} daemon was stopped or restarted as the server ended{_ENDS_ALL}"
            evidence = f"no answer of the {engine} daemon"
            return Failure(FailureKind.KILLED, None, evidence, what, _LIVE_RESTORE)
        return failure_of(self.container, engine) if self.container else None


def await_end(engine: Engine, container: str, *, lost: bool = False) -> Ended:
    """Return what an engine says of a container, once it has seen that it ended.

    Args:
        engine: whose it is.
        container: its id.
        lost: the engine let go of its log while it ran.
    """
    # What podman's service does is nothing to its containers.
    has_daemon = engine.kind is RuntimeKind.DOCKER
    down, deadline = lost and has_daemon, time.monotonic() + SEEN_S
    while time.monotonic() < deadline:
        try:
            found = inspect(engine, container)
            if found is None:  # it was removed as it ended
                return Ended(removed=True)
            if not found.is_up:
                return Ended(found, engine_down=down)
        except EngineNotRunning:
            down = has_daemon
        except (EngineUnavailable, EngineRefused):
            pass  # until the deadline
        time.sleep(POLL_S)
    return Ended(engine_down=down)


def exit_of(container: Container) -> Exit:
    """Return how the container's first process ended."""
    number = container.exit_code - SIGNALLED
    if number in set(signal.Signals):
        return Exit(None, number)
    return Exit(container.exit_code, None)


def failure_of(container: Container, engine: str) -> Failure | None:
    """Return why it ended, None where it ended well or by a stop that its engine was asked for.

    Args:
        container: one that does not run.
        engine: the name of its client.
    """
    name = container.name
    read = f"run: {engine} logs --tail 100 {name}"
    evidence = f"ExitCode={container.exit_code} OOMKilled={str(container.oom_killed).lower()}"
    if container.error:
        what = f"{engine} could not start container {name}: {container.error}"
        return Failure(FailureKind.UNKNOWN, None, container.error, what, _PUT_RIGHT)
    if container.oom_killed:
        what = f"The kernel killed a process of container {name}, which reached its memory limit"
        return Failure(
            FailureKind.HOST_OUT_OF_MEMORY, None, evidence, f"{what} (OOMKilled).", _MORE_MEMORY
        )
    ended = exit_of(container)
    if ended.signal == signal.SIGKILL:
        return Failure(
            FailureKind.KILLED,
            None,
            evidence,
            f"Container {name} was ended by SIGKILL (exit code {container.exit_code}), and not for "
            "want of memory: OOMKilled is false.",
            f"A stop kills after its grace of 10 s; give vLLM more: {engine} stop -t 60 {name}.",
        )
    if ended.code == UNSEEN and engine == RuntimeKind.DOCKER:
        what = f"Container {name} ended while the docker daemon was stopped or restarted{_ENDS_ALL}"
        return Failure(FailureKind.KILLED, None, evidence, what, f"{_LIVE_RESTORE} {_ELSE}{read}")
    if ended.code == 0 or ended.signal in (signal.SIGTERM, signal.SIGINT):
        return None
    how = f"by {signal.Signals(ended.signal).name}" if ended.signal else f"with code {ended.code}"
    return Failure(FailureKind.UNKNOWN, None, evidence, f"Container {name} ended {how}.", read)
