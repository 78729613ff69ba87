"""What systemd, Kubernetes and Slurm say of a server, by answers that their own tools gave."""

import os
from pathlib import Path

import pytest

from backends.domain.server import ProcessId, Runtime, RuntimeKind
from backends.host import processes
from backends.host.container import Place
from backends.servers import runtimes
from backends.servers.external_log import log_of
from backends.servers.runtimes import Placed, Runtimes, unit_runtime

ME = processes.identity(os.getpid())

SHOWN = """#!/bin/sh
echo Restart=always
echo NRestarts=35
"""


def test_a_unit_has_its_policy_and_count_from_systemctl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "systemctl"
    tool.write_text(SHOWN)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = unit_runtime("llama.service", ProcessId(1, 35))
    assert (found.restarts, found.policy) == (35, "always")
    assert found.ends == "sudo systemctl stop llama.service"


def test_where_no_systemd_answers_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = unit_runtime("llama.service", ProcessId(1, 36))
    assert (found.restarts, found.policy) == (None, "")


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        (
            Place(RuntimeKind.KUBERNETES, "llama-7d9f8c6b5-x2x4z"),
            "kubectl scale deployment llama --replicas=0",
        ),
        (
            Place(RuntimeKind.KUBERNETES, "llama-0"),
            "kubectl scale statefulset llama --replicas=0",
        ),
        (Place(RuntimeKind.KUBERNETES, "lonely"), "kubectl delete pod lonely"),
        (Place(RuntimeKind.SLURM, "4711"), "scancel 4711"),
    ],
    ids=str,
)
def test_what_ends_it_for_good_follows_from_what_owns_it(
    place: Place, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "place_of", lambda _: place)
    found = Runtimes().of(ME, 0).runtime
    assert (found.kind, found.name, found.ends) == (place.kind, place.name, ends)


def test_the_newest_file_of_a_pod_is_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.servers.external_log._opened", lambda _: "pipe:[1]")
    folder = tmp_path / "prod_llama-0_0a1b2c3d" / "vllm"
    folder.mkdir(parents=True)
    for number, at in ((0, 100), (1, 200)):
        (folder / f"{number}.log").touch()
        os.utime(folder / f"{number}.log", (at, at))
    placed = Placed(Runtime(RuntimeKind.KUBERNETES, "llama-0"))
    found = log_of(ME, placed, tmp_path)
    assert (found.kind, found.place) == ("pod", str(folder / "1.log"))
    unread = log_of(ME, placed, tmp_path / "none")
    assert (unread.kind, "as root on its node" in unread.reason) == ("none", True)
