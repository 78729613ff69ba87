"""Where the log of an external server is kept, as its first process and its runtime show it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from backends.containers.engine import EngineRefused, EngineUnavailable
from backends.domain.server import ProcessId, RuntimeKind
from backends.host import processes
from backends.host.container import user_of
from backends.keeper.order import LogSource
from backends.servers.runtimes import Placed

PODS = Path("/var/log/pods")

_KEEP = "; start it with its output in a file, or with inferctl start"


def log_of(process: ProcessId, placed: Placed, pods: Path = PODS) -> LogSource:
    """Return where the output of a server is read; none with the reason and what helps.

    A file comes first: it also serves what was started inside a container by hand, whose output
    its engine never sees.
    """
    out = _opened(process.pid)
    if out.startswith("/") and not out.startswith("/dev/"):
        return LogSource("file", f"/proc/{process.pid}/fd/1")
    if placed.container is not None and _is_output_of_container(process, placed, out):
        return _of_engine(placed)
    if placed.runtime.kind is RuntimeKind.KUBERNETES:
        return _of_pod(placed, pods)
    if placed.runtime.kind is RuntimeKind.SYSTEMD:
        return _of_unit(placed.runtime.name)
    if placed.reason:
        return LogSource("none", reason=placed.reason)
    return LogSource("none", reason=_why_none(process, out))


def _opened(pid: int) -> str:
    """Return what the standard output of a process is; empty where that is hidden."""
    try:
        return str(Path(f"/proc/{pid}/fd/1").readlink())
    except OSError:
        return ""


def _is_output_of_container(process: ProcessId, placed: Placed, out: str) -> bool:
    """Tell whether a process writes what its container's engine reads."""
    assert placed.container is not None
    first = placed.container.pid
    if process.pid == first:
        return True
    # A wrapper script is the first process then, and passes its output on.
    return bool(out) and out == _opened(first)


def _of_engine(placed: Placed) -> LogSource:
    assert placed.engine is not None and placed.container is not None  # noqa: PT018
    engine, name = placed.engine, placed.container.name
    try:
        engine.ask(f"/containers/{placed.id}/logs", query={"stdout": 1, "tail": 1})
    except (EngineUnavailable, EngineRefused) as error:
        what = f"{engine.kind} cannot show the log of {name}: {error}"
        remedy = f"; run it with --log-driver json-file to have one in {engine.kind} logs"
        return LogSource("none", reason=what + remedy)
    return LogSource("engine", placed.id, engine.kind, engine.socket)


def _of_pod(placed: Placed, pods: Path) -> LogSource:
    for path in _pod_files(placed.runtime.name, pods):
        return LogSource("pod", str(path))
    reason = f"no log of pod {placed.runtime.name} can be read in {pods}"
    return LogSource("none", reason=f"{reason}; run inferctl as root on its node")


def _pod_files(pod: str, pods: Path) -> Iterator[Path]:
    """Yield the files of a pod (``NAMESPACE_POD_UID/CONTAINER/N.log``), the newest first."""
    try:
        files = [*pods.glob(f"*_{pod}_*/*/*.log"), *pods.glob(f"*_{pod}/*/*.log")]
        yield from sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return


def _of_unit(unit: str) -> LogSource:
    if shutil.which("journalctl") is None:
        return LogSource("none", reason=f"journalctl is not here to read the log of {unit}")
    return LogSource("journal", unit)


def _why_none(process: ProcessId, out: str) -> str:
    if not out or processes.are_files_hidden(process.pid):
        who = user_of(process.pid)
        return f"its output may be seen by {who} alone; run inferctl as {who}, or as root"
    if out.startswith(("/dev/pts/", "/dev/tty")):
        return f"its output goes to the terminal {out}, which keeps none of it{_KEEP}"
    if out == "/dev/null":
        return f"its output goes to /dev/null{_KEEP}"
    return f"its output goes through a pipe to another program{_KEEP}"
