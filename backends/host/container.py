"""Where a process runs, as a person looks for it: container, unit, supervisor, tmux, user."""

import pwd
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from backends.domain.server import RuntimeKind
from backends.host import processes

PROC = Path("/proc")

_CONTAINER = re.compile(
    r"(?P<engine>docker|libpod|crio|containerd|cri-containerd)[/-](?P<id>[0-9a-f]{64})"
)
_UNIT = re.compile(r"/(?P<unit>[\w@.:\\-]+\.service)(?:/|$)")
_JOB = re.compile(r"/slurm[^/\n]*(?:/[^/\n]+)*?/job_(?P<job>\d+)")
_POD = re.compile(r"pod(?P<uid>[0-9a-f]{8}[-_][0-9a-f-_]{27})")
_ENGINES = {
    "docker": RuntimeKind.DOCKER,
    "libpod": RuntimeKind.PODMAN,
    "crio": RuntimeKind.CRI_O,
    "containerd": RuntimeKind.CONTAINERD,
    "cri-containerd": RuntimeKind.CONTAINERD,
}
_TERMINALS = {
    "tmux: server": RuntimeKind.TMUX,
    "screen": RuntimeKind.SCREEN,
    "SCREEN": RuntimeKind.SCREEN,
}
_SUPERVISORS = {
    "supervisord": RuntimeKind.SUPERVISORD,
    "s6-supervise": RuntimeKind.S6,
    "runsv": RuntimeKind.RUNIT,
    "PM2": RuntimeKind.PM2,
}
_NOT_A_PLACE = re.compile(r"user@\d+\.service|ssh(d)?(@.*)?\.service|init\.scope")
_WORDS = {
    RuntimeKind.KUBERNETES: "Kubernetes pod",
    RuntimeKind.SLURM: "Slurm job",
    RuntimeKind.RAY: "Ray",
    RuntimeKind.SYSTEMD: "systemd unit",
    RuntimeKind.CRI_O: "CRI-O container",
    RuntimeKind.CONTAINERD: "containerd container",
    RuntimeKind.DOCKER: "docker container",
    RuntimeKind.PODMAN: "podman container",
    RuntimeKind.S6: "s6 service",
    RuntimeKind.RUNIT: "runit service",
}
SHORT_ID = 12
"""How many letters of a container's id its engine shows."""


@dataclass(frozen=True, slots=True)
class Place:
    """What runs a process, and its name there; `id` is that of the container.

    The name is what a supervisor's own command takes: of a program, or the folder of a service.
    """

    kind: RuntimeKind = RuntimeKind.PROCESS
    name: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"{_WORDS.get(self.kind, self.kind)} {self.name}".rstrip()


def user_of(pid: int, proc: Path = PROC) -> str:
    """Return whose process it is, as in ``user alice``."""
    try:
        uid = (proc / str(pid)).stat().st_uid
    except OSError:
        return "an unknown user"
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:  # a user of a container
        return f"user id {uid}"


def place_of(pid: int, proc: Path = PROC) -> Place:
    """Return where a process runs; a plain process where nowhere else.

    A pod is seen by its cgroup before the container that it consists of, then a container, a job
    of Slurm, a worker of Ray, a systemd unit, and tmux or screen among its parents. What holds this
    process too is no place: whoever looks is inside it.
    """
    groups, around = _cgroup(pid, proc), _cgroup("self", proc)
    found = _CONTAINER.search(groups)
    inside = found is not None and found["id"] in around
    if "kubepods" in groups and "kubepods" not in around:
        uid = _POD.search(groups)
        name = processes.environment_value(pid, "HOSTNAME", proc) or (uid["uid"] if uid else "")
        return Place(RuntimeKind.KUBERNETES, name, found["id"] if found else "")
    if found and not inside:
        return Place(_ENGINES[found["engine"]], found["id"][:SHORT_ID], found["id"])
    if job := _JOB.search(groups):
        return Place(RuntimeKind.SLURM, job["job"])
    if job_id := processes.environment_value(pid, "SLURM_JOB_ID", proc):
        return Place(RuntimeKind.SLURM, job_id)
    if above := _above(pid):
        return above
    units = [unit for unit in _UNIT.findall(groups) if not _NOT_A_PLACE.fullmatch(unit)]
    return Place(RuntimeKind.SYSTEMD, units[-1]) if units else Place()


def whose(pid: int, proc: Path = PROC) -> str:
    """Return both in one phrase, as in ``of user alice, in tmux``."""
    place = place_of(pid, proc)
    where = f", in {place}" if place.kind is not RuntimeKind.PROCESS else ""
    return f"of {user_of(pid, proc)}{where}"


def in_container(container: str, proc: Path = PROC) -> list[processes.Process]:
    """Return the processes of a container, by its whole id; anybody may see which they are."""
    return [one for one in processes.running() if container in _cgroup(one.id.pid, proc)]


def _cgroup(pid: int | str, proc: Path) -> str:
    try:
        return (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return ""


def _above(pid: int) -> Place | None:
    """Return the terminal, the supervisor or the node of Ray that a process descends from."""
    process = processes.read(pid)
    while process is not None and process.id.pid > 1:
        if process.command in _TERMINALS:
            return Place(_TERMINALS[process.command])
        if process.command == "raylet":
            return Place(RuntimeKind.RAY)
        if process.command == "conmon":  # without a cgroup of its own, as rootless on version 1
            return _of_conmon(processes.command_line(process.id.pid))
        if kind := _SUPERVISORS.get(process.command.partition(" ")[0]):
            return Place(kind, _program(kind, pid, process.id.pid))
        process = processes.read(process.parent)
    return None


def _of_conmon(arguments: tuple[str, ...]) -> Place:
    """Return the container of podman that a ``conmon`` runs, as it was started with."""
    values = dict(pairwise(arguments))
    container = values.get("-c", "")
    return Place(RuntimeKind.PODMAN, values.get("-n", container[:SHORT_ID]), container)


def _program(kind: RuntimeKind, pid: int, supervisor: int) -> str:
    if kind in (RuntimeKind.S6, RuntimeKind.RUNIT):  # one for each service, in its folder
        try:
            return str(Path(f"/proc/{supervisor}/cwd").readlink())
        except OSError:
            return "".join(processes.command_line(supervisor)[1:2])
    names = ("SUPERVISOR_GROUP_NAME", "SUPERVISOR_PROCESS_NAME")
    variables = names if kind is RuntimeKind.SUPERVISORD else ("name",)
    found = [processes.environment_value(pid, one) or "" for one in variables]
    return ":".join(dict.fromkeys(filter(None, found)))
