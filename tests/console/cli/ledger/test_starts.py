"""Starts that no console saw: in the history all the same, once each, and measured again."""

import csv
import io
import json
import os
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.serving import Counters
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import this_host
from backends.settings.paths import history_file, state_folder
from tests.console.cli.ledger.conftest import MODEL, MadeHost

PHASES = {"load_weights", "capture_graphs", "first_token"}


def test_a_start_that_no_console_saw_is_in_the_history_once(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    assert verbs.run("start", "sim", "--wait")[0] == 0
    history_file().unlink()
    assert record_finished_starts(this_host()) == 1
    assert verbs.run("stop", "sim")[0] == 0
    record_finished_starts(this_host())
    assert record_finished_starts(this_host()) == 0
    (record,) = verbs.document("history", "--starts")["starts"]
    assert record["start"]["start_id"] == verbs.start_id()
    assert record["start"]["outcome"] == "ready"
    assert record["model"] == MODEL
    assert record["args"] == []
    expected = Decimal("1.88") * Decimal(str(record["start"]["total_s"])) / 3600
    assert Decimal(record["cost_usd"]) == pytest.approx(expected)


def test_a_start_keeps_the_arguments_that_it_had(verbs: MadeHost) -> None:
    table = verbs.server()
    verbs.configure(f'{table}\nargs = ["--max-model-len", "2048"]')
    verbs.run("start", "sim", "--wait")
    history_file().unlink()
    verbs.configure(table)
    (record,) = verbs.document("history", "--starts")["starts"]
    assert record["args"] == ["--max-model-len", "2048"]


def test_a_failed_start_is_recorded_with_its_cause(verbs: MadeHost) -> None:
    verbs.configure(verbs.server(failure="gpu_out_of_memory"))
    code, _, err = verbs.run("start", "sim", "--wait")
    assert code == 1
    assert "gpu_out_of_memory" in err
    _, out, _ = verbs.run("history")
    assert "gpu_out_of_memory" in out
    assert "no A/B was recorded yet" in out


def test_exports_agree_with_each_other(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    whole = verbs.document("export", "starts")["starts"]
    _, text, _ = verbs.run("export", "starts", "--csv")
    (row,) = csv.DictReader(io.StringIO(text))
    _, markdown, _ = verbs.run("export", "starts", "--markdown")
    start = whole[0]["start"]
    assert row["start_id"] == start["start_id"]
    assert float(row["first_token_s"]) == start["first_token_s"]
    took = {phase["name"]: phase["duration_s"] for phase in start["phases"]}
    assert {name: float(row[f"phase_{name}_s"]) for name in PHASES} == {
        name: took[name] for name in PHASES
    }
    assert row["phase_download_s"] == ""
    head, rule, body = markdown.splitlines()
    assert head.count("|") == rule.count("|") == body.count("|")


def test_an_ab_is_kept_with_its_runs(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    measured = verbs.document("ab", "sim", "sim", "-n", "4", "--max-tokens", "8")
    (series,) = verbs.document("history", "--series")["series"]
    assert series["report"]["difference"] == measured["difference"]
    _, text, _ = verbs.run("export", "runs", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["target"], row["index"]) for row in rows} == {
        (target, str(index)) for target in "ab" for index in range(4)
    }
    runs = measured["targets"]["a"]["runs"]
    assert {row["ttft_s"] for row in rows if row["target"] == "a"} == {
        str(round(run["ttft_s"], 7))
        for run in runs  # a tenth of a microsecond is kept
    }
    _, text, _ = verbs.run("export", "series", "--csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["a_endpoint"], row["a_runs"]) == ("sim", "4")
    _, out, _ = verbs.run("history", "--series")
    assert "sim" in out
    assert "ms" in out


def test_an_empty_export_is_a_document(verbs: MadeHost) -> None:
    assert verbs.document("export", "runs") == {"runs": []}
    code, out, err = verbs.run("export", "series", "--csv")
    assert (code, out) == (0, "")
    assert "nothing of this kind" in err


def test_coldstart_puts_starts_beside_each_other(verbs: MadeHost, tmp_path: Path) -> None:
    verbs.configure(verbs.server())
    found = verbs.document("coldstart", "sim", "-n", "2")
    assert found["complete"]
    one, two = found["starts"]
    assert one["start_id"] != two["start_id"]
    phases = {phase["name"]: phase for phase in found["phases"]}
    assert set(phases) >= PHASES
    weights = [
        sum(phase["duration_s"] for phase in start["phases"] if phase["name"] == "load_weights")
        for start in (one, two)
    ]
    assert phases["load_weights"]["median_s"] == pytest.approx(sum(weights) / 2, abs=1e-5)
    assert found["ready_s"]["n"] == 2
    assert found["ready_s"]["min_s"] == min(one["ready_s"], two["ready_s"])
    for start in (one, two):
        expected = Decimal("1.88") * Decimal(str(start["total_s"])) / 3600
        assert float(start["cost_usd"]) == pytest.approx(float(expected), rel=1e-4)
        assert start["page_cache"]["resident_bytes"] is None
        assert "no weights" in start["page_cache"]["reason"]
        assert start["compile_cache"]["entries"] == 0
        assert start["compile_cache"]["told"] == "hit"
    assert len(verbs.document("history", "--starts")["starts"]) == 2
    (server,) = verbs.document("status", "sim")["servers"]
    assert server["state"] == "ready"


def test_coldstart_asks_before_it_stops_a_running_server(
    verbs: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs.configure(verbs.server())
    assert verbs.run("coldstart", "sim", "-n", "1")[0] == 0
    (before,) = verbs.document("status", "sim")["servers"]
    busy = Counters(requests_running=4.0, requests_waiting=1.0)
    monkeypatch.setattr("backends.operations.outage.scrape", lambda _: busy)
    code, out, err = verbs.run("coldstart", "sim", "-n", "1")
    assert (code, out) == (2, "")
    assert "stopping sim, which is ready: 4 requests running, 1 waiting; unfinished" in err
    assert "--yes" in err
    (after,) = verbs.document("status", "sim")["servers"]
    assert (after["state"], after["pid"]) == ("ready", before["pid"])
    assert verbs.run("coldstart", "sim", "-n", "1", "--yes")[0] == 0
    (anew,) = verbs.document("status", "sim")["servers"]
    assert anew["pid"] != before["pid"]


def test_coldstart_says_what_it_cost_and_at_which_price(verbs: MadeHost) -> None:
    verbs.configure(f"{verbs.server()}\ngpu_price_as_of = 2026-11-01")
    code, out, _ = verbs.run("coldstart", "sim", "-n", "1")
    assert code == 0
    assert "at $1.88/h (price of 2026-11-01)" in out
    assert "MEDIAN" in out
    assert "capture_graphs" in out


def test_coldstart_reads_weights_from_the_disk_where_it_may(
    verbs: MadeHost, tmp_path: Path
) -> None:
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"x" * (1 << 20))
    (weights.parent / "config.json").write_text("{}")
    os.sync()
    verbs.configure(verbs.server().replace(MODEL, str(weights.parent)))
    code, out, err = verbs.run("coldstart", "sim", "-n", "1", "--cold", "--json")
    assert code == 0, err
    (start,) = json.loads(out)["starts"]
    assert start["page_cache_before_dropping"]["resident_bytes"] == 1 << 20
    if start["page_cache"]["resident_bytes"] == 1 << 20:
        pytest.skip("this file system keeps its files in memory")
    assert start["page_cache"]["resident_bytes"] == 0
    assert "weights in memory: 100%, after dropping them 0%" in err


def test_coldstart_says_why_weights_cannot_be_dropped(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    found = verbs.document("coldstart", "sim", "-n", "1", "--cold")
    (start,) = found["starts"]
    assert start["page_cache_before_dropping"]["resident_bytes"] is None
    assert "no weights" in start["page_cache"]["reason"]
    assert found["cost_usd"] == start["cost_usd"]


def test_a_failed_start_ends_the_measurement(verbs: MadeHost) -> None:
    verbs.configure(verbs.server(failure="gpu_out_of_memory"))
    code, out, err = verbs.run("coldstart", "sim")
    assert code == 1
    assert "Fix:" in out
    assert "start 1 did not become ready" in err


def test_an_interrupt_leaves_the_server_and_tells_what_was_measured(verbs: MadeHost) -> None:
    # Slow enough that the second start is still running when it is interrupted.
    verbs.configure(verbs.server(speed=40))
    threading.Thread(target=_interrupt_second_start, daemon=True).start()
    code, out, err = verbs.run("coldstart", "sim", "-n", "5", "--json")
    found = json.loads(out)
    assert code == 130
    assert not found["complete"]
    assert "left as it is" in found["reason"]
    assert len(found["starts"]) == 1
    (server,) = verbs.document("status", "sim")["servers"]
    assert server["state"] in {"starting", "ready"}
    assert server["keeper_pid"] is not None
    assert "start 2 of 5" in err


def _interrupt_second_start() -> None:
    folder = ServerFolder(server_folder(state_folder(), "sim"))
    give_up_s = time.monotonic() + 30
    while time.monotonic() < give_up_s:
        second = folder.starts.is_dir() and len(list(folder.starts.iterdir())) > 1
        if second and len(read_journal(folder.journal)) > 5:
            os.kill(os.getpid(), signal.SIGINT)
            return
        threading.Event().wait(0.01)


def test_a_server_of_others_is_not_stopped(
    verbs: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backends.domain.server import Owner, Server, ServerState
    from backends.settings.read import read_settings
    from console.cli import coldstart

    verbs.configure(verbs.server())
    port = read_settings().servers[0].port
    theirs = Server("theirs", Owner.EXTERNAL, ServerState.READY, pid=4242, port=port)
    monkeypatch.setattr(coldstart, "list_servers", lambda _: (theirs,))
    code, _, err = verbs.run("coldstart", "sim")
    assert code == 1
    assert "process 4242" in err
    assert not (state_folder() / "servers").exists()


def test_an_unknown_server_is_not_found(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    code, _, err = verbs.run("coldstart", "smi")
    assert code == 3
    assert "there are sim" in err
