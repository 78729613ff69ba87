"""A demo that is kept: verbs reach it through INFERCTL_HOME, and it mixes with nothing real."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.host.home import VARIABLE
from backends.settings.paths import demo_home
from tests.backends.simulated.conftest import until
from tests.console.stage import somebody_elses_vllm
from tests.terminal.conftest import INFERCTL

pytestmark = [pytest.mark.slow, pytest.mark.process]


def inferctl(*argv: str, home: str = "", code: int = 0) -> str:
    environment = {**os.environ, **({VARIABLE: home} if home else {})}
    ran = subprocess.run(
        [str(INFERCTL), *argv],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout


def document(*argv: str, home: str = "") -> Any:
    return json.loads(inferctl(*argv, "--json", home=home))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A demo that is kept, where no terminal is, with its server ready."""
    printed = inferctl("demo", "--keep", "--speed", "200")
    home = str(demo_home())
    assert printed.strip() == f"export {VARIABLE}={home}"
    try:
        inferctl("start", "gpt-oss", "--wait", home=home)
        yield home
    finally:
        if Path(home).exists():
            inferctl("demo", "--remove", home=home)


def test_verbs_reach_it_and_nothing_real_is_mixed_in(home: str, tmp_path: Path) -> None:
    with somebody_elses_vllm(tmp_path) as (theirs, _):
        here = document("status", home=home)["servers"]
        assert [(each["name"], each["state"]) for each in here] == [("gpt-oss", "ready")]
        really = document("status")["servers"]
        assert theirs in [each["pid"] for each in really]
        assert here[0]["pid"] not in [each["pid"] for each in really]
    (gpu,) = document("gpus", home=home)["gpus"]
    assert "SIMULATED" in gpu["name"]
    assert {each["owner"] for each in gpu["processes"]} == {"gpt-oss"}
    assert all("SIMULATED" not in each["name"] for each in document("gpus")["gpus"])


def test_its_history_stays_and_grows_by_verbs(home: str) -> None:
    inferctl("ab", "gpt-oss", "serverless", "-n", "2", "--yes", home=home)
    kept = document("history", home=home)
    targets = [["a", "gpt-oss"], ["b", "serverless"]]
    assert [series["targets"] for series in kept["series"]] == [targets]
    assert len(kept["starts"]) == 1
    assert not document("history")["starts"]


def test_its_users_ask_without_end_and_the_agent_records_them(home: str) -> None:
    def tokens() -> int:
        return int(document("cost", home=home)["tokens"]["output"] or 0)

    before = tokens()
    until(lambda: tokens() > before, "what its users asked for")


def test_nothing_of_it_stays_once_it_is_removed(home: str) -> None:
    pid = document("status", home=home)["servers"][0]["pid"]
    inferctl("demo", "--remove")
    assert not Path(home).exists()
    assert not Path(f"/proc/{pid}").exists()
    inferctl("demo", "--remove", code=3)


def test_one_that_is_kept_begins_again_as_it_was(home: str) -> None:
    inferctl("demo", "--keep", "--fail", "gpu_out_of_memory", code=2)
    inferctl("demo", "--keep")
    assert document("status", home=home)["servers"][0]["state"] == "ready"
