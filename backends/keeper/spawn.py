"""Starts the server's first process, with its output on the named pipe."""

import ctypes
import os
import shutil
import signal

from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.files import PRIVATE_FILE
from backends.host.survivors import MARKER
from backends.keeper.folder import ServerFolder
from backends.keeper.log_stamps import stamping
from backends.keeper.order import LaunchFailed, LaunchOrder, marker_value

PR_SET_CHILD_SUBREAPER = 36
"""From ``linux/prctl.h``: orphaned descendants become children of this process."""

ADDED_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # vLLM's processes give themselves titles; this keeps the titles off their environment, by
    # which a later keeper finds them (documented by setproctitle).
    "SPT_NOENV": "1",
}

UNCHANGEABLE = (signal.SIGKILL, signal.SIGSTOP)


def become_subreaper() -> None:
    """Make this process inherit every orphan among its descendants.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def open_pipe(folder: ServerFolder) -> int:
    """Return the reading end of the server's pipe, made where it is missing."""
    if not folder.pipe.is_fifo():
        os.mkfifo(folder.pipe, PRIVATE_FILE)
    return os.open(folder.pipe, os.O_RDONLY | os.O_NONBLOCK)


def spawn(folder: ServerFolder, order: LaunchOrder) -> ProcessId:
    """Start the server in a session of its own, every signal at its default.

    `order.environment` is all the environment it gets, but for what this module adds.

    Raises:
        LaunchFailed: its program does not exist or cannot be executed.
    """
    complete = {
        **order.environment,
        **ADDED_ENVIRONMENT,
        **stamping(order.environment),
        MARKER: marker_value(order),
    }
    program = shutil.which(order.argv[0], path=complete.get("PATH"))
    if program is None:
        raise LaunchFailed(
            f"{order.argv[0]} is not an executable on the PATH; name it by its full path"
        )
    try:
        pid = os.posix_spawn(
            program,
            order.argv,
            complete,
            setsid=True,
            setsigmask=(),
            setsigdef=[number for number in signal.valid_signals() if number not in UNCHANGEABLE],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(folder.pipe), os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
    except OSError as error:
        raise LaunchFailed(f"{program} cannot be executed: {error.strerror}") from error
    return processes.identity(pid)
