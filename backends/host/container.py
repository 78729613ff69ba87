"""Where a process runs, as a person looks for it: container, systemd unit, tmux, another user."""

import pwd
import re
from pathlib import Path

from backends.host import processes

PROC = Path("/proc")

_CONTAINER = re.compile(
    r"(?P<engine>docker|libpod|crio|containerd|cri-containerd)[/-](?P<id>[0-9a-f]{12})[0-9a-f]{52}"
)
_UNIT = re.compile(r"/(?P<unit>[\w@.:\\-]+\.service)(?:/|$)")
_ENGINES = {"libpod": "podman", "crio": "CRI-O", "cri-containerd": "containerd"}
_TERMINALS = {"tmux: server": "tmux", "screen": "screen", "SCREEN": "screen"}
_NOT_A_PLACE = re.compile(r"user@\d+\.service|ssh(d)?(@.*)?\.service|init\.scope")


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


def place_of(pid: int, proc: Path = PROC) -> str:
    """Return where a process runs, as in ``docker container 0123456789ab``; empty if nowhere else.

    A container is seen by its cgroup, then a systemd unit, then tmux or screen among its parents.
    """
    try:
        groups = (proc / str(pid) / "cgroup").read_text()
    except OSError:
        groups = ""
    if found := _CONTAINER.search(groups):
        return f"{_ENGINES.get(found['engine'], found['engine'])} container {found['id']}"
    if "kubepods" in groups:
        return "a Kubernetes pod"
    if terminal := _terminal(pid):
        return terminal
    units = [unit for unit in _UNIT.findall(groups) if not _NOT_A_PLACE.fullmatch(unit)]
    return f"systemd unit {units[-1]}" if units else ""


def whose(pid: int, proc: Path = PROC) -> str:
    """Return both in one phrase, as in ``of user alice, in tmux``."""
    place = place_of(pid, proc)
    return f"of {user_of(pid, proc)}" + (f", in {place}" if place else "")


def _terminal(pid: int) -> str:
    process = processes.read(pid)
    while process is not None and process.id.pid > 1:
        if process.command in _TERMINALS:
            return _TERMINALS[process.command]
        process = processes.read(process.parent)
    return ""
