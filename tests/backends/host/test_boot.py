"""When the rental began: the host's boot, or the first process of the container that is rented."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.host.boot import HOSTS_PIDS, boot_wall_s, is_in_container, rental_wall_s
from tests.docker_host import ROOT, DockerHost

TICKS = os.sysconf("SC_CLK_TCK")


def made(proc: Path, namespace: str) -> Path:
    (proc / "self/ns").mkdir(parents=True)
    (proc / "self/ns/pid").symlink_to(namespace)
    (proc / "1").mkdir()
    fields = " ".join(["S", *["0"] * 18, str(3600 * TICKS), "0"])
    (proc / "1/stat").write_text(f"1 (odd) name)) {fields}\n")
    (proc / "stat").write_text("cpu 1 2 3\nbtime 1000000\n")
    return proc


def test_on_a_host_it_began_with_the_boot(tmp_path: Path) -> None:
    proc = made(tmp_path, HOSTS_PIDS)
    assert not is_in_container(proc)
    assert rental_wall_s(proc) == 1_000_000.0


def test_in_a_container_it_began_with_its_first_process(tmp_path: Path) -> None:
    proc = made(tmp_path, "pid:[4026532281]")
    assert is_in_container(proc)
    assert rental_wall_s(proc) == 1_003_600.0


def test_a_real_container_began_just_now(docker: DockerHost) -> None:
    code = "from backends.host.boot import *; print(is_in_container(), rental_wall_s())"
    environment = ("-e", f"PYTHONPATH={ROOT}")
    name = docker.run(*environment, command=(sys.executable, "-c", code))
    docker.cli("wait", name)
    inside, began_s = docker.cli("logs", name).split()
    assert inside == "True"
    assert float(began_s) == pytest.approx(time.time(), abs=60.0)
    assert float(began_s) > boot_wall_s()


def test_a_pid_namespace_alone_is_seen_too() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from backends.host.boot import *; print(is_in_container())"
    unshare = ("unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code)
    done = subprocess.run(unshare, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no namespace can be made here: {done.stderr.strip()}")
    assert done.stdout.strip() == "True"
