"""``study``: run over a simulated host, killed half way, resumed, checked and compared."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.settings.paths import state_folder
from tests.console.cli.ledger.conftest import MODEL, ROOT, MadeHost
from tests.polling import until

pytestmark = pytest.mark.slow
QUICK = ("--quick", "--yes", "--gaps", "1s")


@contextmanager
def endpoint() -> Iterator[str]:
    """Serve a fast simulated endpoint, and give its table."""
    command = (sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL)
    process = subprocess.Popen(
        (*command, "--speed", "40"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        yield "\n".join(
            (
                "[endpoint.api]",
                f'base_url = "http://127.0.0.1:{port}/v1"',
                f'model = "{MODEL}"',
                'input_usd_per_mtok = "0.10"',
                'output_usd_per_mtok = "0.70"',
                "price_as_of = 2026-11-01",
            )
        )
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def steps() -> set[str]:
    return {path.stem for path in state_folder().glob("studies/*/steps/*.json")}


def finished() -> list[Path]:
    return list(state_folder().glob("studies/*/study.json"))


def test_a_study_that_is_killed_half_way_resumes_and_is_complete(verbs: MadeHost) -> None:
    with endpoint() as table:
        verbs.configure(verbs.server(), table, "[limits]\nttft_p99_s = 0.00001\n")
        command = (sys.executable, "-m", "console", "study", "run", "sim", "api", *QUICK)
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            until(lambda: "start-1" in steps())
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        before = {path: path.read_bytes() for path in state_folder().glob("studies/*/steps/*")}
        assert not finished()

        code, out, err = verbs.run("study", "run", "sim", "api", *QUICK, "--json")
        assert "is resumed" in err
        assert {path: path.read_bytes() for path in before} == before
    document = json.loads(out)
    assert code == 0, err
    _is_whole(document)
    (path,) = finished()
    assert verbs.document("study", "verify", str(path))["differences"] == []
    assert verbs.run("study", "verify", str(path.with_suffix(".html")))[0] == 0
    compared = verbs.document("study", "compare", str(path), str(path))
    assert compared["changed"] == []
    assert "beyond the noise" not in json.dumps(compared["figures"])

    changed = json.loads(path.read_text())
    changed["figures"][0]["value"] = 1.0
    path.write_text(json.dumps(changed))
    code, out, _ = verbs.run("study", "verify", str(path), "--json")
    assert (code, json.loads(out)["verified"]) == (1, False)


def _is_whole(document: dict[str, Any]) -> None:
    study = document["study"]
    known = {each["key"]: each for each in document["figures"]}
    assert (len(study["starts"]), len(study["lengths"])) == (2, 2)
    assert study["starts"][0]["start"]["start_id"] != study["starts"][1]["start"]["start_id"]
    assert known["cold_start.first_token_s"]["n"] == 2
    assert known["crossover.long_rps"]["value"] < known["crossover.short_rps"]["value"]
    assert known["capacity.rps"]["value"] is None  # the limit is one that nothing can keep
    assert study["not_measured"][0]["what"] == "own traffic"
    lengths = dict(study["lengths"])
    assert {run["output_tokens"] for run in lengths["long"]["runs"]} == {1200}


def test_a_server_that_serves_is_not_stopped_unless_somebody_says_so(verbs: MadeHost) -> None:
    with endpoint() as table:
        verbs.configure(verbs.server(), table)
        verbs.run("start", "sim", "--wait")
        was = verbs.start_id()
        code, _, err = verbs.run("study", "run", "sim", "api", "--quick")
    assert code == 2
    assert "it stops sim, which is ready" in err
    assert "pass --yes" in err
    assert verbs.start_id() == was
    assert not list(state_folder().glob("studies/*"))


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ("run nobody api --quick --yes", 3, "no server is called nobody"),
        ("run sim nobody --quick --yes", 3, "no server or endpoint is called nobody"),
        ("verify nothing.json", 3, "no such file"),
        ("compare nothing.json nothing.json", 3, "no such file"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_measured(
    verbs: MadeHost, argv: str, code: int, said: str
) -> None:
    verbs.configure(verbs.server())
    assert verbs.run("study", *argv.split())[0] == code
    assert said in verbs.run("study", *argv.split())[2]
    assert not list(state_folder().glob("studies/*"))
