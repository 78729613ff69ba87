"""A state folder that the version before wrote is read: servers, records, measurements."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.server import Owner, ServerState
from backends.history.history import open_history
from backends.host import processes
from backends.operations.capacity import known_capacities
from backends.prober.cold_probe_runs import cold_probe_folder
from backends.servers.adopted import remembered
from backends.settings.paths import history_file, state_folder
from backends.wire import plain, typed
from tests.console.cli.conftest import Cli, configure
from tests.version_before.earlier import ROOT

RECORDED = ROOT / "tests" / "data" / "state_before"
ENDPOINT = """
[endpoint.api]
base_url = "http://127.0.0.1:9/v1"
model = "org/model"
"""


@pytest.fixture
def state() -> Path:
    """Return the state folder, as the version before left it."""
    folder = state_folder()
    shutil.copytree(RECORDED, folder, symlinks=True, dirs_exist_ok=True)
    with closing(sqlite3.connect(history_file())) as database:
        database.executescript((folder / "history.sql").read_text())
    configure(ENDPOINT)
    return folder


def test_its_servers_are_listed_as_they_ended(cli: Cli, state: Path) -> None:
    listed = cli("status", "--json")
    chat, lost = listed.json()["servers"]
    assert (listed.code, chat["owner"], chat["state"]) == (0, "managed", "stopped")
    assert (lost["state"], lost["failure"]["kind"]) == ("failed", "killed")
    assert 0 < lost["ready_s"] <= lost["first_token_s"]


def test_its_log_is_explained(cli: Cli, state: Path) -> None:
    (start,) = cli("explain", str(state / "servers/chat/server.log"), "--json").json()["starts"]
    assert start["model"] == "org/model"
    assert {"load_weights", "spawn_engine"} <= {phase["name"] for phase in start["phases"]}


def test_its_records_are_migrated(cli: Cli, state: Path) -> None:
    kept = cli("history", "--json").json()
    assert {start["server"]: start["start"]["outcome"] for start in kept["starts"]} == {
        "chat": "ready",
        "lost": "ready",
    }
    (chat,) = [start for start in kept["starts"] if start["server"] == "chat"]
    assert chat["ended_wall_s"] > chat["began_wall_s"]  # read again in its journal
    (series,) = kept["series"]
    assert [endpoint for _, endpoint in series["targets"]] == ["chat", "api"]
    (load,), (probe,) = kept["loads"], kept["coldprobes"]
    assert load["endpoint"] == "chat"
    assert probe["endpoint"] == "api"
    with closing(open_history(history_file())) as history:
        (found,) = history.findings.recent("coldprobe", 9)
    assert typed(found.document, ColdProbeReport).prices.output_usd_per_mtok == Decimal("0.70")


@pytest.mark.parametrize("kind", ["starts", "series", "runs", "loads", "coldprobes"])
def test_its_records_are_exported(cli: Cli, state: Path, kind: str) -> None:
    exported = cli("export", kind, "--json")
    assert exported.code == 0, exported.err
    assert exported.json()[kind]


def test_its_capacity_is_known(state: Path) -> None:
    (capacity,) = known_capacities(state)
    assert (capacity.server, capacity.bounded) == ("chat", False)
    assert capacity.rps > 0


def test_a_cold_start_probe_goes_on_where_it_stopped(cli: Cli, state: Path) -> None:
    found = cli("coldprobe", "api", "--status", "--json")
    assert found.code == 0, found.err
    assert found.json()["complete"]
    assert [gap["n"] for gap in found.json()["finding"]["gaps"]] == [2, 2]
    folder = cold_probe_folder(state, "api")
    order = folder.read_order()
    assert order is not None
    assert order.prices.output_usd_per_mtok == Decimal("0.70")
    assert folder.path.parent == state / "cold_probes"


def test_a_server_that_was_adopted_is_still_watched(state: Path) -> None:
    assert remembered(state) == ()  # its process has ended
    watched = state / "watched.json"
    (entry,) = msgspec.json.decode(watched.read_bytes())
    theirs = subprocess.Popen(["sleep", "60"])
    try:
        process = plain(processes.identity(theirs.pid))
        watched.write_bytes(msgspec.json.encode([{**entry, "process": process}]))
        (server,) = remembered(state)
    finally:
        theirs.kill()
        theirs.wait()
    assert (server.owner, server.state) == (Owner.EXTERNAL, ServerState.READY)
    assert server.model == "org/theirs"
