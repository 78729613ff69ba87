"""How a container ended, and why as far as its engine tells."""

import signal

from backends.containers.container import Container
from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind

SIGNALLED = 128
"""Its sum with a signal's number is the exit code of what that signal ended, as in a shell."""

_MORE_MEMORY = (
    "Raise the limit (`docker run --memory`), or load with --load-format runai_streamer, which "
    "holds less of the checkpoint at once."
)

_PUT_RIGHT = "Put right what the engine names, and start it again."


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
    if ended.code == 0 or ended.signal in (signal.SIGTERM, signal.SIGINT):
        return None
    how = f"by {signal.Signals(ended.signal).name}" if ended.signal else f"with code {ended.code}"
    return Failure(FailureKind.UNKNOWN, None, evidence, f"Container {name} ended {how}.", read)
