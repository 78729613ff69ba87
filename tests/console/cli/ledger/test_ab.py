"""``ab``: two to four targets, no finished run lost however it ends, and every form of it."""

import csv
import fcntl
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backends.history.history import open_history
from backends.host import processes
from backends.settings.paths import history_file, state_folder
from console.cli import recording
from tests.console.cli.ledger.conftest import MODEL, ROOT, MadeHost

LIMIT_S = 40.0
KEY = "sk-0123456789abcdefghij"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve a fast endpoint that asks for a key."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL, "--speed", "10"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "SIMULATED_API_KEY": KEY},
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    process.wait()
    process.stdout.close()


@pytest.fixture
def targets(verbs: MadeHost, port: int, monkeypatch: pytest.MonkeyPatch) -> MadeHost:
    """Configure four endpoints at one address, the first of them priced."""
    monkeypatch.setenv("API_KEY", KEY)
    tables = []
    for name in ("one", "two", "three", "four"):
        tables.append(f'[endpoint.{name}]\nbase_url = "http://127.0.0.1:{port}/v1"')
        tables.append(f'model = "{MODEL}"\napi_key_env = "API_KEY"')
        if name == "one":
            tables.append('input_usd_per_mtok = "0.10"\noutput_usd_per_mtok = "0.70"')
            tables.append('fee_percent = "10"\nusd_per_request = "0.001"')
    verbs.configure(*tables)
    return verbs


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def kept_runs() -> int:
    if not history_file().exists():
        return 0
    with closing(open_history(history_file())) as history:
        series = history.recent_series()
        return len(history.runs_of(series[0].series_id)) if series else 0


def running(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "console", "ab", "one", "two", "--yes", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_four_lanes_each_against_the_first(targets: MadeHost) -> None:
    found = targets.document(
        *("ab", "one", "two", "three", "four", "-n", "4", "--max-tokens", "12", "--yes")
    )
    assert list(found["targets"]) == ["a", "b", "c", "d"]
    assert list(found["against_a"]) == ["b", "c", "d"]
    assert found["sampling"] == {
        "max_tokens": 12,
        "temperature": 0.0,
        "ignore_eos": False,
        "nonce": True,
    }
    code, _, err = targets.run("ab", "one", "two", "three", "four", "one", "--yes")
    assert (code, "at most 4" in err) == (2, True)


def test_a_measuring_process_that_cannot_begin_says_why(
    targets: MadeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise ImportError('no msgspec here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code, _, err = targets.run("ab", "one", "two", "--yes")
    assert code == 1
    assert "ended with exit code 1: ImportError: no msgspec here" in err


def test_fee_and_price_of_a_request_are_in_the_cost_and_unpriced_is_said(targets: MadeHost) -> None:
    code, out, err = targets.run("ab", "one", "two", "--max-tokens", "12")
    assert code == 0, err
    assert "at most $0.00" in err
    assert "UNPRICED: two" in err
    assert "UNPRICED, no price per token" in out
    (record,) = targets.document("history", "--series")["series"]
    found = targets.document("history", record["series_id"])
    (run,) = found["targets"]["a"]["runs"]
    tokens = run["input_tokens"] * 0.10 + run["output_tokens"] * 0.70
    assert float(run["cost_usd"]) == pytest.approx(1.1 * (tokens / 1e6 + 0.001))
    assert found["targets"]["b"]["runs"][0]["cost_usd"] is None


def test_a_killed_series_keeps_every_finished_run_and_its_prober_ends(targets: MadeHost) -> None:
    process = running("-n", "200", "--max-tokens", "12")
    eventually(lambda: kept_runs() >= 5)
    children = [each.id for each in processes.running() if each.parent == process.pid]
    process.kill()
    process.communicate()
    eventually(lambda: not any(processes.is_alive(child) for child in children))
    assert children
    (record,) = targets.document("history", "--series")["series"]
    found = targets.document("history", record["series_id"])
    assert (found["complete"], "ended before" in found["reason"]) == (False, True)
    told = sum(len(target["runs"]) for target in found["targets"].values())
    assert told == kept_runs() >= 5


def test_an_interrupt_ends_it_with_its_document(targets: MadeHost) -> None:
    process = running("-n", "200", "--max-tokens", "12", "--json")
    eventually(lambda: kept_runs() >= 3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT_S)
    found = json.loads(out)
    assert process.returncode == 0
    assert (found["complete"], found["reason"]) == (False, "cancelled")
    assert sum(len(target["runs"]) for target in found["targets"].values()) == kept_runs()


def test_a_series_of_the_history_in_every_form_and_no_key_in_any(targets: MadeHost) -> None:
    targets.run("ab", "one", "two", "-n", "4", "--max-tokens", "12", "--yes")
    (record,) = targets.document("history", "--series")["series"]
    forms = {
        form: targets.run("export", "series", record["series_id"], *form)[1]
        for form in ((), ("--csv",), ("--markdown",), ("--svg",))
    }
    assert len(json.loads(forms[()])["targets"]["a"]["runs"]) == 4
    assert len(list(csv.DictReader(io.StringIO(forms["--csv",])))) == 8
    assert "asked in random order" in forms["--markdown",]
    ElementTree.fromstring(forms["--svg",])
    assert all(KEY not in text for text in forms.values())
    for path in state_folder().rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_an_unknown_record_and_a_picture_of_many_are_told(targets: MadeHost) -> None:
    assert targets.run("history", "nothing")[0] == 3
    code, _, err = targets.run("export", "series", "--svg")
    assert (code, "say its ID" in err) == (2, True)


def test_an_ab_is_told_and_recorded_though_another_process_holds_the_history(
    targets: MadeHost,
) -> None:
    process = running("-n", "20", "--max-tokens", "12", "--json")
    eventually(lambda: kept_runs() >= 1)
    lock = history_file().with_name(f"{history_file().name}.lock")
    with (
        closing(sqlite3.connect(history_file(), isolation_level=None)) as other,
        lock.open("w") as held,
    ):
        fcntl.flock(held, fcntl.LOCK_EX)
        other.execute("BEGIN IMMEDIATE")
        assert process.stdout is not None
        document = b""
        for line in process.stdout:
            document += line
            if line == b"}\n":
                break
    found = json.loads(document)
    assert sum(len(target["runs"]) for target in found["targets"].values()) == 40
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert kept_runs() == 40


def test_what_cannot_be_recorded_now_is_said_and_recorded_later(
    targets: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAIT_S", 0.1)
    open_history(history_file()).close()
    with closing(sqlite3.connect(history_file(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, out, err = targets.run("ab", "one", "two", "--max-tokens", "12", "--json")
    assert code == 0
    assert json.loads(out)["complete"]
    assert "is recorded as soon as the history can be: the history at" in err
    assert "kept; for its files" not in err
    assert len(targets.document("history", "--series")["series"]) == 1
