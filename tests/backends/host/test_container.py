"""Where a process runs, in the words of who looks for it."""

import getpass
import os
from pathlib import Path

import pytest

from backends.domain.server import RuntimeKind
from backends.host.container import place_of, user_of, whose

NOBODY = 999_999_999
ID = "0123456789ab" + "c" * 52


@pytest.mark.parametrize(
    ("groups", "place"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", "docker container 0123456789ab"),
        (f"5:memory:/docker/{ID}\n0::/system.slice\n", "docker container 0123456789ab"),
        (f"0::/machine.slice/libpod-{ID}.scope\n", "podman container 0123456789ab"),
        ("0::/kubepods.slice/kubepods-pod1.slice/x\n", "Kubernetes pod"),
        ("0::/system.slice/vllm.service\n", "systemd unit vllm.service"),
        (
            "0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0\n",
            "Slurm job 4711",
        ),
        ("8:memory:/slurm/uid_1000/job_4711/step_batch\n0::/\n", "Slurm job 4711"),
        (f"0::/machine.slice/crio-{ID}.scope\n", "CRI-O container 0123456789ab"),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/llm.service\n",
            "systemd unit llm.service",
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", ""),
        ("0::/\n", ""),
    ],
)
def test_a_cgroup_tells_container_and_unit(tmp_path: Path, groups: str, place: str) -> None:
    (tmp_path / str(NOBODY)).mkdir()
    (tmp_path / str(NOBODY) / "cgroup").write_text(groups)
    assert str(place_of(NOBODY, tmp_path)) == (place or "process")
    assert whose(NOBODY, tmp_path).endswith(f", in {place}" if place else getpass.getuser())


def test_a_process_of_ours_is_of_our_user() -> None:
    assert user_of(os.getpid()) == f"user {getpass.getuser()}"
    assert user_of(NOBODY) == "an unknown user"


def test_a_pod_has_the_name_that_its_processes_know(tmp_path: Path) -> None:
    folder = tmp_path / str(NOBODY)
    folder.mkdir()
    uid = "0a1b2c3d_0000_4444_8888_0123456789ab"
    folder.joinpath("cgroup").write_text(
        f"0::/kubepods.slice/kubepods-pod{uid}.slice/cri-containerd-{ID}.scope\n"
    )
    assert place_of(NOBODY, tmp_path).name == uid
    folder.joinpath("environ").write_bytes(b"A=1\0HOSTNAME=llama-7d9f8c6b5-x2x4z\0")
    place = place_of(NOBODY, tmp_path)
    assert (place.kind, place.name, place.id) == (
        RuntimeKind.KUBERNETES,
        "llama-7d9f8c6b5-x2x4z",
        ID,
    )


def test_what_whoever_looks_is_in_too_is_no_place(tmp_path: Path) -> None:
    for pid in ("self", str(NOBODY)):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(f"0::/docker/{ID}\n")
    assert place_of(NOBODY, tmp_path).kind is RuntimeKind.PROCESS
