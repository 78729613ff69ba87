"""What ends with a login, told by made files of systemd-logind and variables of schedulers."""

import pwd
from pathlib import Path

import pytest

from backends.discovery.login import outlives_login
from backends.discovery.surroundings import Surroundings

USER = pwd.getpwuid(1).pw_name
SESSION = "0::/user.slice/user-1.slice/session-3.scope\n"
MANAGER = "0::/user.slice/user-1.slice/user@1.service/app.slice/tmux.scope\n"
KILLS = "[Login]\nKillUserProcesses=yes\n"


def host(root: Path, group: str, *, lingers: bool = False, logind: str = "") -> Surroundings:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(group)
    (root / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (root / "etc/systemd/logind.conf").write_text("#KillUserProcesses=yes\n")
    (root / "etc/systemd/logind.conf.d/50-kill.conf").write_text(logind)
    if lingers:
        (root / "var/lib/systemd/linger").mkdir(parents=True)
        (root / "var/lib/systemd/linger" / USER).touch()
    return Surroundings(root, root, {}, root)


@pytest.mark.parametrize(
    ("group", "lingers", "logind", "remedy"),
    [
        (SESSION, False, "", None),
        (SESSION, False, KILLS, f"enable-linger {USER} && systemd-run --user --scope inferctl"),
        (SESSION, True, KILLS, "start servers by: systemd-run --user --scope inferctl"),
        (SESSION, False, f"{KILLS}KillExcludeUsers=root {USER}\n", None),
        (SESSION, False, f"{KILLS}KillOnlyUsers=somebody\n", None),
        (MANAGER, False, "", f"run: loginctl enable-linger {USER}"),
        (MANAGER, True, KILLS, None),
        ("0::/system.slice/docker-1.scope\n", False, KILLS, None),
        ("0::/\n", False, "", None),
    ],
)
def test_what_ends_with_the_login(
    tmp_path: Path, group: str, lingers: bool, logind: str, remedy: str | None
) -> None:
    finding = outlives_login(host(tmp_path, group, lingers=lingers, logind=logind))
    assert finding.state == ("ok" if remedy is None else "warn")
    assert (remedy or "") in finding.remedy


def test_a_job_of_a_scheduler_takes_its_processes_with_it(tmp_path: Path) -> None:
    around = Surroundings(tmp_path, tmp_path, {"SLURM_JOB_ID": "4711"}, tmp_path)
    finding = outlives_login(around)
    assert finding.state == "warn"
    assert "Slurm job 4711" in finding.what
    assert outlives_login(Surroundings(tmp_path, tmp_path, {"JOB_ID": "7"}, tmp_path)).state == "ok"
