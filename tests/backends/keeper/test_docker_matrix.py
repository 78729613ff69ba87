"""A few cells of the matrix of kills for containers; `make kill-matrix ARGS=docker` plays all."""

from pathlib import Path

import pytest

from tests.backends.keeper.docker_matrix import play
from tests.docker_host import DockerHost


@pytest.mark.parametrize(
    ("victim", "state", "said"),
    [
        ("keeper", "stopping", "stopped"),
        ("init", "starting", "failed killed"),
        ("api", "ready", "failed killed"),
        ("engine", "ready", "failed engine_died"),
    ],
)
def test_a_kill_leaves_nothing_and_touches_nobody_else(
    docker: DockerHost, tmp_path: Path, victim: str, state: str, said: str
) -> None:
    played = play(docker, victim, state, tmp_path)
    assert (played.wrong, played.left, played.status) == ("", 0, said)
