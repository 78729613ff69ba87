"""An end of which the log says nothing: who or what sent the signal, as far as that is known."""

from signal import (
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGHUP,
    SIGILL,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGSEGV,
    SIGTERM,
    SIGUSR1,
    SIGUSR2,
    Signals,
)

from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind

_ENDED_BY_SIGNAL = {code: code - 128 for code in (129, 130, 132, 134, 135, 136, 137, 139, 143)}


def signal_of(exit_: Exit | None) -> int | None:
    """Return the signal that ended a process, or that a shell reports as 128 and its number."""
    if exit_ is None:
        return None
    if exit_.signal is not None:
        return exit_.signal
    return _ENDED_BY_SIGNAL.get(exit_.code or 0)


def signal_name(signal: int) -> str:
    """Return what a signal is called, its number where it has no name."""
    return Signals(signal).name if signal in set(Signals) else f"signal {signal}"


CRASHES = frozenset({SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV})
"""Signals that a process of its own gets when it crashes in native code."""

_SENT = frozenset({SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2})
"""Signals that somebody sends; others are what a crash is called."""


def silent_end(
    exit_: Exit | None, signal: int | None, settings: dict[str, str], *, told: bool
) -> Failure | None:
    """Return what an end without a word was, None where the log merely stops.

    Args:
        exit_: how the server ended, None where only its log is known.
        signal: as `signal_of` tells it.
        settings: what the log told before, for what was loaded and how much memory was left.
        told: the log says that it was about to end.
    """
    if exit_ is None and not told:
        return None
    if signal == SIGKILL:
        return Failure(
            FailureKind.KILLED,
            None,
            "",
            "The server was killed (SIGKILL) and could say nothing: mostly by the kernel, because "
            f"the host or container ran out of memory.{_checkpoint_and_memory(settings)}",
            "Look into the kernel log: `journalctl -k | grep -i 'killed process'`, and into "
            "memory.events of the container's cgroup.",
        )
    if signal in _SENT:
        return Failure(
            FailureKind.KILLED,
            None,
            "",
            f"Somebody else ended the server ({signal_name(signal)}).",
            "Find out who: a job scheduler's time limit, a container's stop, another user, or a "
            "terminal that was closed.",
        )
    if signal in CRASHES:
        return Failure(
            FailureKind.NATIVE_CRASH,
            None,
            "",
            f"The server crashed in native code ({signal_name(signal)}) and could say nothing.",
            "Look into the kernel log (`journalctl -k`), and start once with PYTHONFAULTHANDLER=1: "
            "it prints where each thread was; another backend or release may not crash.",
        )
    how = (
        ""
        if exit_ is None
        else f" ({signal_name(signal) if signal else f'exit code {exit_.code}'})"
    )
    return Failure(
        FailureKind.UNKNOWN,
        None,
        "",
        f"The server ended{how}, and no error was found in its log.",
        "Start it again with VLLM_LOGGING_LEVEL=DEBUG in its environment.",
    )


def _checkpoint_and_memory(settings: dict[str, str]) -> str:
    if settings.get("phase") != "load_weights" or "checkpoint_gib" not in settings:
        return ""
    return (
        f" It was loading a checkpoint of {settings['checkpoint_gib']} GiB, and the host had "
        f"{settings['available_ram_gib']} GiB available."
    )
