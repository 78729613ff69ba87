"""``load``: bounded, asked about where it may cost, and kept for the verdict."""

import csv
import io
import json
from statistics import median
from typing import Any
from xml.etree import ElementTree

import pytest

from backends.settings.paths import state_folder
from tests.console.cli.ledger.conftest import MODEL, MadeHost, free_port

SHORT = ("--step", "0.5", "--for", "6", "--max-tokens", "8", "--first-rps", "20")


def _priced(port: int) -> str:
    return "\n".join(
        (
            "[endpoint.api]",
            f'base_url = "http://127.0.0.1:{port}/v1"',
            f'model = "{MODEL}"',
            'input_usd_per_mtok = "0.10"',
            'output_usd_per_mtok = "0.70"',
        )
    )


def without_requests(document: dict[str, Any]) -> dict[str, Any]:
    steps = [
        {key: step[key] for key in step.keys() - {"samples", "samples_reason"}}
        for step in document["steps"]
    ]
    return document | {"steps": steps}


def follows_from_its_requests(step: dict[str, Any]) -> bool:
    samples = step["samples"]
    waits_s = [
        ttft_s + (late_s or 0.0)
        for ttft_s, late_s in zip(samples["ttft_s"], samples["planned_to_sent_s"], strict=True)
    ]
    counted = len(samples["error"]) - samples["error"].count(None)
    wrote = sum(samples["output_tokens"]) / step["window_s"]
    return (
        (len(waits_s), counted) == (step["requests"], step["errors"])
        and wrote == pytest.approx(step["output_tokens_per_s"])
        and (step["ttft_s"] is None or median(waits_s) == pytest.approx(step["ttft_s"]["median"]))
    )


def test_a_limit_that_nothing_can_keep_is_told_as_such(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    code, out, err = verbs.run("load", "sim", *SHORT, "--ttft", "0.000001", "--json")
    found = json.loads(out)
    assert code == 1
    assert (found["capacity_rps"], found["at_least_rps"]) == (None, None)
    assert all(step["broke"] or not step["requests"] for step in found["steps"])
    assert "kept for the verdict" not in err
    assert not (state_folder() / "capacity.json").exists()


def test_a_rate_that_broke_nothing_is_kept_as_a_lower_bound(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    code, out, err = verbs.run("load", "sim", *SHORT, "--ttft", "2", "--requests", "60", "--json")
    found = json.loads(out)
    assert code == 0
    assert "as a lower bound; the verdict needs the rate that breaks a limit" in err
    assert found["limits"]["ttft_s"] == 2
    assert found["capacity_rps"] is None
    assert not found["bounded"]
    assert found["at_least_rps"] >= 20
    assert found["cost_usd"] is None
    assert sum(step["requests"] for step in found["steps"]) <= 60
    assert all(follows_from_its_requests(step) for step in found["steps"])
    assert any(step["requests"] for step in found["steps"])
    (kept,) = json.loads((state_folder() / "capacity.json").read_text())["capacities"]
    assert (kept["server"], kept["model"], kept["output_tokens"]) == ("sim", MODEL, 8)
    assert float(kept["rps"]) == found["at_least_rps"]


def test_limits_come_from_the_configuration(verbs: MadeHost) -> None:
    verbs.configure(verbs.server(), "[limits]\nttft_p99_s = 0.75\nitl_p99_s = 0.5")
    verbs.run("start", "sim", "--wait")
    found = verbs.document("load", "sim", *SHORT, "--requests", "30")
    assert (found["limits"]["ttft_s"], found["limits"]["itl_s"]) == (0.75, 0.5)


def test_a_priced_endpoint_is_asked_about_with_the_most_it_can_cost(verbs: MadeHost) -> None:
    verbs.configure(_priced(free_port()))
    code, out, err = verbs.run("load", "api", "--usd", "0.01")
    assert (code, out) == (2, "")
    assert "costs at most $0.01" in err
    assert "--yes" in err


@pytest.mark.parametrize(
    ("reference", "code", "told"),
    [
        ("nobody", 3, "no server or endpoint is called nobody"),
        ("sim", 3, "sim is stopped, not ready"),
        ("http://192.0.2.1/v1#m", 2, "UNPRICED"),
        ("http://127.0.0.1/v1", 3, "names no model"),
    ],
)
def test_nothing_is_sent_where_nothing_was_named_or_serves(
    verbs: MadeHost, reference: str, code: int, told: str
) -> None:
    verbs.configure(verbs.server())
    found, out, err = verbs.run("load", reference)
    assert (found, out) == (code, "")
    assert told in err


def test_an_endpoint_that_does_not_answer_is_a_failure(verbs: MadeHost) -> None:
    code, out, err = verbs.run("load", f"http://127.0.0.1:{free_port()}/v1#m", *SHORT)
    assert (code, out) == (1, "")
    assert "nothing was measured" in err


def test_a_load_is_opened_again_as_a_curve_and_in_every_form(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    found = verbs.document(
        *("load", "sim", *SHORT, "--ttft", "2", "--requests", "60", "--input-tokens", "300")
    )
    best = max(found["steps"], key=lambda step: step["planned_rps"])
    assert 200 < best["input_tokens"] < 450
    assert found["goodput_rps"] > 0
    assert (found["output_tokens_per_s"] > 0, found["concurrency"] > 0) == (True, True)
    (kept,) = json.loads((state_folder() / "capacity.json").read_text())["capacities"]
    assert 200 < kept["input_tokens"] < 450
    assert "load" in verbs.run("history")[1] or found["load_id"] in verbs.run("history")[1]
    code, shown, _ = verbs.run("history", found["load_id"])
    assert code == 0
    assert "TTFT of sim, over the rate" in shown
    assert "●" in shown
    assert "carries at least" in shown
    again = verbs.document("history", found["load_id"])
    assert without_requests(again) == without_requests(found)
    _, text, _ = verbs.run("export", "loads", found["load_id"], "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["planned_rps"]) for row in rows] == [
        step["planned_rps"] for step in found["steps"]
    ]
    medians = [step["ttft_s"] and step["ttft_s"]["median"] for step in found["steps"]]
    assert any(medians)
    assert [row["ttft_s_median"] for row in rows] == [str(each or "") for each in medians]
    ElementTree.fromstring(verbs.run("export", "loads", found["load_id"], "--svg")[1])
    assert verbs.document("export", "loads")["loads"][0]["finding_id"] == found["load_id"]


def _trace(verbs: MadeHost, rows: int = 30) -> str:
    path = verbs.folder / "day.jsonl"
    lines = (
        {"at": n * 1.5, "input_tokens": 40 + n, "output_tokens": 4 + n % 3, "session_id": n % 5}
        for n in range(rows)
    )
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def test_recorded_traffic_is_replayed_and_its_capacity_kept(verbs: MadeHost) -> None:
    verbs.configure(verbs.server())
    verbs.run("start", "sim", "--wait")
    words = ("load", "sim", "--trace", _trace(verbs), "--speed", "30", "--step", "0.5")
    bounds = ("--for", "6", "--requests", "60", "--ttft", "2")
    code, out, err = verbs.run(*words, *bounds, "--json")
    found = json.loads(out)
    assert code == 0
    replay = next(step for step in found["steps"] if step["replayed_speed"])
    assert (replay["planned"], replay["sent"], replay["requests"]) == (30, 30, 30)
    assert replay["planned_rps"] == pytest.approx(30 / 45 * 30)
    assert replay["sent_late_s"]["max"] is not None
    assert found["replayed"]["shared"] == "conversations"
    assert found["replayed"]["output_tokens"] == pytest.approx(5)
    assert replay["output_tokens"] == pytest.approx(5)
    (kept,) = json.loads((state_folder() / "capacity.json").read_text())["capacities"]
    assert kept["output_tokens"] == 5
    assert "30 recorded requests in 1.5 s (x30)" in err


def test_a_replay_at_a_priced_endpoint_is_agreed_to_with_its_bounds(verbs: MadeHost) -> None:
    verbs.configure(_priced(free_port()))
    code, out, err = verbs.run("load", "api", "--trace", _trace(verbs), "--requests", "30")
    assert (code, out) == (2, "")
    assert "30 recorded requests in 45 s (x1)" in err
    assert "at most 645 s, 30 requests" in err
    assert "costs at most $0.00" in err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--speed", "2"), "--speed and --map are of --trace FILE"),
        (("--trace", "T", "--max-tokens", "8"), "leave out --max-tokens"),
        (("--trace", "/nowhere.csv"), "/nowhere.csv cannot be read"),
    ],
)
def test_what_contradicts_a_trace_is_refused(
    verbs: MadeHost, words: tuple[str, ...], reason: str
) -> None:
    verbs.configure(_priced(free_port()))
    code, _, err = verbs.run("load", "api", *words)
    assert code == 2
    assert reason in err
