"""The verbs that do what they should, their documents checked key by key."""

from pathlib import Path

import pytest

from tests.console.cli.conftest import Cli, configure
from tests.console.conftest import MODEL, MadeHost

SERVER_KEYS = {
    *("name", "owner", "state", "pid", "keeper_pid", "port", "base_url", "model", "phase"),
    *("started_at", "ready_s", "first_token_s", "exit", "failure", "survivors"),
    *("runtime", "reason"),
}
START_KEYS = {
    *("vllm_version", "model", "outcome", "total_s", "phases", "unlogged_s", "weights_load_s"),
    *("compile_s", "cuda_graph_s", "engine_init_s", "memory", "failure"),
}
MEMORY_KEYS = {
    *("weights_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency", "cuda_graphs_gib"),
    *("activation_peak_gib", "ranks"),
}
RUN_KEYS = {
    *("ttft_s", "ttft_visible_s", "itl_s", "e2e_s", "input_tokens", "output_tokens"),
    *("reasoning_tokens", "finish_reason", "connect", "rtt_s", "planned_to_sent_s", "cost_usd"),
    *("flags", "error"),
}
VERDICT_KEYS = {
    *("verdict", "reason", "flip", "usd_per_request", "break_even_rps"),
    *("break_even_rps_interval", "break_even_utilisation", "output_tokens_per_s_at_break_even"),
    *("feasible", "options", "best", "segments", "assumptions"),
}
SCENARIO = """
gpu_usd_per_hour = "1.88"
input_tokens = 80
output_tokens = 220
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
rate_rps = "10"
capacity_rps = "40"
"""


def test_a_server_from_start_to_stop(cli: Cli, configured: MadeHost) -> None:
    before = cli("status", "--json")
    (server,) = before.json()["servers"]
    assert (before.code, server["state"], server["pid"]) == (0, "stopped", None)

    started = cli("start", "chat", "--wait", "--json")
    assert started.code == 0, started.err
    (server,) = started.json()["servers"]
    assert set(server) >= SERVER_KEYS
    assert server["state"] == "ready"
    assert (server["owner"], server["runtime"]["kind"]) == ("managed", "process")
    assert server["ready_s"] <= server["first_token_s"]
    assert server["base_url"] == configured.profile.base_url
    assert "load weights" in started.err

    log = cli("logs", "chat", "-n", "5", "--json").json()
    assert len(log["lines"]) == 5
    explained = cli("explain", log["log"], "--json")
    (start,) = explained.json()["starts"]
    assert (explained.code, set(start) >= START_KEYS, start["outcome"]) == (0, True, "ready")
    assert set(start["memory"]) >= MEMORY_KEYS
    assert all({"name", "start_s", "duration_s"} <= set(phase) for phase in start["phases"])
    tiled = sum(phase["duration_s"] for phase in start["phases"] if phase["rank"] is None)
    assert tiled + start["unlogged_s"] == pytest.approx(start["total_s"], abs=0.01)

    again = cli("start", "chat", "--force")
    assert (again.code, again.out) == (1, "")

    anew = cli("restart", "chat", "--wait", "--json")
    assert anew.code == 0
    assert anew.json()["servers"][0]["pid"] != server["pid"]

    stopped = cli("stop", "chat", "--json")
    assert (stopped.code, stopped.json()["servers"][0]["state"]) == (0, "stopped")
    assert cli("status", "chat", "--json").json()["servers"][0]["state"] == "stopped"
    assert cli("stop", "chat").code != 0


def test_a_start_that_fails_says_why_and_exits_1(cli: Cli, configured: MadeHost) -> None:
    from backends.settings.paths import config_file

    path = config_file()
    path.write_text(
        path.read_text().replace(
            "[server.chat.environment]",
            '[server.chat.environment]\nINFERCTL_SIMULATED_FAILURE = "gpu_out_of_memory"',
        )
    )
    ran = cli("start", "chat", "--wait", "--json")
    (server,) = ran.json()["servers"]
    assert (ran.code, server["state"]) == (1, "failed")
    assert server["failure"]["kind"] == "gpu_out_of_memory"
    assert server["failure"]["remedy"]


def test_an_ab_of_two_endpoints(cli: Cli, configured: MadeHost) -> None:
    other = f"http://127.0.0.1:{configured.endpoint_port}/v1#{MODEL}"
    ran = cli("ab", "serverless", other, "-n", "4", "--yes", "--max-tokens", "20", "--json")
    assert ran.code == 0, ran.err
    document = ran.json()
    assert set(document) >= {"prompt_sha256", "order", "targets", "difference", "client"}
    assert document["order"] == "interleaved"
    for name, cost in (("a", True), ("b", False)):
        target = document["targets"][name]
        assert set(target) >= {"endpoint", "model", "clock", "runs", "summary"}
        assert len(target["runs"]) == target["summary"]["n"] == 4
        assert all(set(run) >= RUN_KEYS for run in target["runs"])
        assert all((run["cost_usd"] is not None) is cost for run in target["runs"])
        assert set(target["summary"]["ttft_s"]) >= {"median", "p25", "p75", "min", "max"}
    assert set(document["difference"]["ttft_s"]) >= {
        *("shift", "ci95", "p_value", "verdict", "smallest_detectable"),
    }
    assert "at most $" in ran.err


def test_a_priced_series_needs_a_yes(cli: Cli, configured: MadeHost) -> None:
    ran = cli("ab", "serverless", "serverless", "-n", "3")
    assert (ran.code, ran.out) == (2, "")
    assert "--yes" in ran.err


def test_an_ab_against_nobody_exits_1_with_its_document(cli: Cli, configured: MadeHost) -> None:
    from tests.console.conftest import free_port

    ran = cli("ab", "serverless", f"http://127.0.0.1:{free_port()}/v1#m", "--json")
    assert ran.code == 1
    assert all(run["ttft_s"] is None for run in ran.json()["targets"]["b"]["runs"])


@pytest.mark.parametrize(("required", "code"), [("self_host", 0), ("api", 4)])
def test_a_verdict_on_a_scenario(cli: Cli, tmp_path: Path, required: str, code: int) -> None:
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO)
    ran = cli("verdict", "--scenario", str(file), "--require", required, "--json")
    found = ran.json()
    assert ran.code == code
    assert set(found) >= VERDICT_KEYS
    assert found["verdict"] == "SELF_HOST_CHEAPER"
    assert all(
        set(option) >= {"name", "usd_per_hour", "usd_per_day", "usd_per_month", "excluded_because"}
        for option in found["options"]
    )
    assert isinstance(found["usd_per_request"], str)


def test_a_missing_price_is_null(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("rate_rps = 1\n")
    found = cli("verdict", "--scenario", str(file), "--json").json()
    assert found["verdict"] == "UNPRICED"
    assert (found["usd_per_request"], found["break_even_rps"]) == (None, None)


def test_gpus_without_a_gpu_is_an_answer_with_a_reason(cli: Cli) -> None:
    ran = cli("gpus", "--json")
    document = ran.json()
    assert ran.code == 0
    assert document["gpus"] or document["reason"]
    for gpu in document["gpus"]:
        assert set(gpu) >= {"index", "uuid", "name", "vendor", "memory", "processes"}


def test_cost_without_a_server_knows_the_bill_and_no_token(cli: Cli, configured: MadeHost) -> None:
    ran = cli("cost", "--json")
    document = ran.json()
    assert ran.code == 0
    assert document["tokens"]["requests"] is None
    assert document["tokens"]["reason"]
    (row,) = document["api_equivalent"]
    assert (row["endpoint"], row["usd"]) == ("serverless", None)
    assert row["reason"]


def test_cost_without_a_configuration_is_unpriced(cli: Cli) -> None:
    ran = cli("cost")
    assert ran.code == 0
    assert "UNPRICED" in ran.out
    assert "$0" not in ran.out


def test_the_doctor_tells_each_finding_with_its_remedy(cli: Cli) -> None:
    ran = cli("doctor", "--json")
    findings = ran.json()["findings"]
    assert findings
    assert ran.code == (1 if any(each["state"] == "fail" for each in findings) else 0)
    assert all(each["remedy"] for each in findings if each["state"] == "fail")


def test_the_doctor_finds_the_fault_of_a_configuration(cli: Cli) -> None:
    configure("[server.chat]\nmodle = 'x'\n")
    ran = cli("doctor", "--json")
    assert ran.code == 1
    assert any("modle" in each["what"] for each in ran.json()["findings"])


def test_status_of_an_empty_host_is_empty(cli: Cli) -> None:
    ran = cli("status", "--json")
    assert ran.code == 0
    assert ran.json() == {"servers": []}
