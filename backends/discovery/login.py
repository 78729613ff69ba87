"""Whether what is started here outlives the login, batch job or unit that it is started from."""

import pwd
import re
from pathlib import Path

from backends.discovery.finding import Finding
from backends.discovery.surroundings import Surroundings, entries_of

_JOBS = {"SLURM_JOB_ID": "Slurm", "PBS_JOBID": "PBS", "LSB_JOBID": "LSF", "JOB_ID": "Grid Engine"}
_SESSION = re.compile(r"/user-(\d+)\.slice/session-[^/]+\.scope")
_USER_MANAGER = re.compile(r"/user-(\d+)\.slice/user@\d+\.service")
_SETTING = re.compile(r"^\s*(Kill\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_CONFIGURATION = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
"""Where logind reads logind.conf and logind.conf.d, the last one counting most (logind.conf(5))."""


def outlives_login(around: Surroundings) -> Finding:
    """Judge whether a keeper that begins now is left alone when the user logs out.

    logind ends the processes of a session where KillUserProcesses is set, and the user's own
    manager with all of its units where the user does not linger (logind.conf(5), loginctl(1)).
    """
    for variable, scheduler in _JOBS.items():
        job = around.environ.get(variable)
        if job and (variable != "JOB_ID" or "SGE_ROOT" in around.environ):
            what = f"{scheduler} job {job} ends every process that is started in it when it ends"
            return Finding("login", "warn", what, "start servers outside of the job, or let it run")
    try:
        groups = (around.root / "proc/self/cgroup").read_text()
    except OSError:
        groups = ""
    manager, session = _USER_MANAGER.search(groups), _SESSION.search(groups)
    found = manager or session
    if found is None:
        return Finding("login", "ok", "servers are started in no login session")
    user = _name_of(int(found[1]))
    lingers = (around.root / "var/lib/systemd/linger" / user).exists()
    if manager and not lingers:
        what = f"systemd ends the processes of {user}'s own manager when the last login ends"
        return Finding("login", "warn", what, f"run: loginctl enable-linger {user}")
    if session and not manager and _kills(around.root, user):
        what = f"logind ends every process of {user} when the login ends (KillUserProcesses=yes)"
        enable = "" if lingers else f"loginctl enable-linger {user} && "
        remedy = f"start servers by: {enable}systemd-run --user --scope inferctl start NAME"
        return Finding("login", "warn", what, remedy)
    return Finding("login", "ok", f"what {user} starts goes on after the login")


def _kills(root: Path, user: str) -> bool:
    settings: dict[str, str] = {}
    for folder in (root / name for name in _CONFIGURATION):
        for path in (folder / "logind.conf", *sorted(entries_of(folder / "logind.conf.d"))):
            try:
                settings.update(_SETTING.findall(path.read_text(errors="replace")))
            except OSError:
                continue
    only = settings.get("KillOnlyUsers", "").split()
    spared = user in settings.get("KillExcludeUsers", "root").split() or (only and user not in only)
    return settings.get("KillUserProcesses", "no").lower() in {"yes", "true", "1", "on"} and (
        not spared
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
