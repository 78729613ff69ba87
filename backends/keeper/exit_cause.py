"""Why a server ended, from its exit status alone."""

import signal
from collections.abc import Iterable
from dataclasses import replace

from backends.domain.format import gib
from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind
from backends.domain.startup.diagnosis import SAYS_LITTLE
from backends.host.oom import OomKill, OomWatch


def cause_of(ended: Exit | None) -> Failure | None:
    """Return the failure that an exit nobody ordered stands for, None for exit code 0."""
    if ended is None or (ended.code is None and ended.signal is None):
        return Failure(
            FailureKind.UNKNOWN,
            None,
            "",
            "The server ended while no keeper was watching.",
            "Look at the end of server.log, and in `dmesg` for the out-of-memory killer.",
        )
    if ended.signal is not None:
        return Failure(
            FailureKind.KILLED,
            None,
            "",
            f"The server was ended by {signal.Signals(ended.signal).name}, "
            "which inferctl did not send.",
            "Look in `dmesg` for the out-of-memory killer, and ask who else works on this host.",
        )
    if ended.code:
        return Failure(
            FailureKind.UNKNOWN,
            None,
            "",
            f"The server ended with exit code {ended.code} and its log names no cause.",
            "Read the end of server.log; VLLM_LOGGING_LEVEL=DEBUG makes it say more.",
        )
    return None


def after_the_kernel(
    failure: Failure | None, watch: OomWatch, pids: Iterable[int]
) -> Failure | None:
    """Return the failure that remains once the kernel was asked whether it killed for memory.

    Args:
        failure: what log and exit tell, None for nothing.
        watch: begun before the server was.
        pids: every process that the server is known to have had.
    """
    if failure is not None and failure.kind not in SAYS_LITTLE:
        return failure
    kill = watch.find(pids)
    killed = failure is not None and failure.kind is FailureKind.KILLED
    # The kernel kills by SIGKILL: what ended otherwise is not explained by another's kill.
    by_sigkill = failure is not None and "SIGKILL" in failure.cause
    likely = failure is not None and (by_sigkill or not killed)
    if kill is not None and (likely or kill.certain):
        return _out_of_memory(kill)
    if failure is not None and killed and by_sigkill and watch.counts():
        return replace(failure, cause=_SENT, remedy=_WHO) if not failure.line else failure
    return failure


_SENT = (
    "The server was ended by SIGKILL, which inferctl did not send; the kernel's count of processes "
    "killed for want of memory did not rise."
)
_WHO = "Find out who sent it: a container's or job scheduler's end, another user, a script."


def _out_of_memory(kill: OomKill) -> Failure:
    who = f"{kill.name} (pid {kill.pid})" if kill.pid else "a process of the server"
    held = f", which held {gib(kill.held_bytes)} GiB of it" if kill.held_bytes else ""
    where = "its cgroup reached its memory limit" if kill.limited else "the host ran out of memory"
    doubt = "" if kill.certain else " most probably"
    return Failure(
        FailureKind.HOST_OUT_OF_MEMORY,
        None,
        kill.line,
        f"The kernel{doubt} killed {who}{held}, because {where}.",
        _MORE_MEMORY if kill.limited else _LESS_MEMORY,
    )


_MORE_MEMORY = (
    "Raise the limit (`docker run --memory`, `MemoryMax=` of the systemd unit, the pod's memory "
    "limit), or load with --load-format runai_streamer, which holds less of the checkpoint at once."
)
_LESS_MEMORY = (
    "End what else holds memory (`ps aux --sort=-rss | head`), add memory or swap, or load with "
    "--load-format runai_streamer, which holds less of the checkpoint at once."
)
