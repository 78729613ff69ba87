"""What a process of vLLM does to itself: its title, its children, and how it is recognised."""

import ctypes
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_PR_SET_NAME = 15


def set_title(title: str) -> None:
    """Show this process as `title` in ``ps`` and ``/proc``, as vLLM does by setproctitle.

    The name is set by prctl, the command line by writing over the memory in which the kernel
    placed it (``arg_start`` and ``arg_end`` of ``/proc/self/stat``, proc(5)); a title longer
    than the command line it replaces is cut.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NAME, title.encode(), 0, 0, 0)
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    after_name = fields.rpartition(")")[2].split()
    start, end = int(after_name[45]), int(after_name[46])
    if 0 < start < end:
        room = end - start
        ctypes.memmove(start, title.encode()[: room - 1].ljust(room, b"\0"), room)


def fork(child: Callable[[], None]) -> int:
    """Run `child` in a process of its own and return its pid; the child never returns."""
    pid = os.fork()
    if not pid:
        _run_and_leave(child)
    return pid


def _run_and_leave(child: Callable[[], None]) -> NoReturn:
    code = 0
    try:
        child()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # the parent's own handlers must never run in the child
        traceback.print_exc()
        code = 1
    os._exit(code)


def started_ticks(pid: int) -> int | None:
    """Return when a process was started, in clock ticks after boot; None if it is gone or dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else int(after_name[19])
