"""A driver's process list, believed only as far as it agrees with ``/proc`` and with itself.

NVIDIA drivers 535.54 to 535.98 returned shifted entries, bindings that do not fit AMD's library
return pid 0, and inside a container the pids are those of the host.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from backends.domain.gpu import GpuProcess
from backends.gpus.proc import Proc

HIDDEN_BYTES = 1 << 30
"""So much held with no process listed means that the list hides somebody, not a free GPU."""

NAMESPACE = (
    "per-process memory not visible (pid namespace: the driver lists processes of the host; "
    "run the container with --pid=host, a pod with hostPID: true)"
)
NOT_ASKED = "processes were not listed for this sample"


@dataclass(frozen=True, slots=True)
class ProcessList:
    """The processes on one GPU, None with a reason; a reason beside a list says what is missing.

    Attributes:
        listed_bytes: what all listed processes hold, those that are not visible here included;
            None where that is not known of each.
    """

    processes: tuple[GpuProcess, ...] | None
    reason: str = ""
    listed_bytes: int | None = None


def believed(
    listed: Iterable[tuple[int, int | None]], total_bytes: int | None, proc: Proc
) -> ProcessList:
    """Return the entries (pid, bytes) that can be true; none when the list contradicts itself."""
    used_by: dict[int, int | None] = {}
    for pid, used_bytes in listed:
        if pid <= 0:
            return ProcessList(None, f"the driver's process list is inconsistent (pid {pid})")
        if used_bytes is not None and total_bytes and used_bytes > total_bytes:
            return ProcessList(
                None,
                f"the driver's process list is inconsistent (pid {pid} with more memory than "
                "the GPU has)",
            )
        used_by[pid] = _larger(used_by.get(pid), used_bytes)
    visible = {pid: used for pid, used in used_by.items() if proc.has(pid)}
    known = [used for used in used_by.values() if used is not None]
    listed_bytes = sum(known) if len(known) == len(used_by) else None
    if used_by and (not visible or _are_hosts(used_by, visible, proc)):
        return ProcessList(None, NAMESPACE, listed_bytes)
    hidden = len(used_by) - len(visible)
    return ProcessList(
        tuple(GpuProcess(pid, proc.name(pid), used) for pid, used in sorted(visible.items())),
        f"{hidden} of {len(used_by)} listed processes are not visible here" if hidden else "",
        listed_bytes,
    )


def _are_hosts(listed: Iterable[int], visible: Iterable[int], proc: Proc) -> bool:
    """Tell whether pids are the host's, of which some are by chance those of other processes here.

    A driver that counts as this namespace does lists none from outside it.
    """
    if proc.counts_as_host():
        return False
    return set(listed) != set(visible) or not all(map(proc.may_use_gpu, visible))


def against_used(found: ProcessList, used_bytes: int | None) -> ProcessList:
    """Return the list with a warning when it is empty though the GPU is not."""
    if found.processes == () and used_bytes is None:
        return ProcessList((), "no process is listed, and how much is used is unknown")
    if found.processes == () and used_bytes is not None and used_bytes >= HIDDEN_BYTES:
        held_gib = used_bytes / (1 << 30)
        return ProcessList(
            (),
            f"the driver lists no process though {held_gib:.1f} GiB are held; "
            "processes of other users or containers may be hidden",
        )
    return found


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
