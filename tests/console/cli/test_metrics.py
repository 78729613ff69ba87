"""``inferctl metrics``: what a Prometheus server reads is what the other verbs say."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backends.domain.server import Owner, Server, ServerState
from backends.history.history import open_history
from backends.history.records import StartRecord
from backends.operations import snapshot
from backends.settings.paths import history_file
from tests.console.cli.conftest import Cli, configure
from tests.console.starts import earlier
from tests.polling import free_port

CONFIGURATION = """
[server.chat]
model = "org/model"
gpu_usd_per_hour = "1.88"
gpu_price_as_of = 2026-11-01
[billing]
since = "boot"
budget_usd_per_day = "50"
"""

PROMTOOL = shutil.which("promtool")

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(text: str) -> dict[Sample, float]:
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_what_was_spent_is_what_cost_says(cli: Cli) -> None:
    configure(CONFIGURATION)
    spent = cli("cost", "--json").json()["spent"]
    found = samples(cli("metrics").out)
    seconds = found["inferctl_billed_seconds_total", frozenset({("activity", "unwatched")})]
    usd = found["inferctl_spent_usd_total", frozenset({("activity", "unwatched")})]
    assert seconds >= spent["elapsed_s"]
    assert usd == pytest.approx(seconds * 1.88 / 3600)
    assert found["inferctl_gpu_price_info", frozenset({("as_of", "2026-11-01")})] == 1
    assert found["inferctl_budget_usd_per_day", frozenset()] == 50


def test_what_is_not_known_has_no_sample(cli: Cli) -> None:
    configure('[server.chat]\nmodel = "org/model"\n')
    names = {name for name, _ in samples(cli("metrics").out)}
    assert "inferctl_billed_seconds_total" in names
    for absent in ("spent_usd_total", "gpu_usd_per_hour", "break_even_requests_per_second"):
        assert f"inferctl_{absent}" not in names


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool on PATH; Debian: apt install prometheus")
def test_prometheus_own_check_finds_no_fault(cli: Cli) -> None:
    configure(CONFIGURATION)
    text = cli("metrics").out
    assert PROMTOOL is not None
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_phases_are_those_of_the_last_start(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(CONFIGURATION)
    server = Server("chat", Owner.MANAGED, ServerState.STOPPED, model="org/model")
    monkeypatch.setattr(snapshot, "list_servers", lambda _: (server,))
    with closing(open_history(history_file())) as history:
        for number, compile_s in enumerate((30.0, 7.0)):
            start = earlier(compile_s, number)
            history.add_start(StartRecord("chat", "org/model", (), 1e9 + number, start))
    found = samples(cli("metrics").out)
    assert found[phase("compile")] == 7.0
    assert sum(value for (name, _), value in found.items() if name == phase("")[0]) == sum(
        each.duration_s or 0.0 for each in start.phases
    )
    assert (
        found["inferctl_server_state", frozenset({("server", "chat"), ("state", "stopped")})] == 1
    )


def phase(name: str) -> Sample:
    return "inferctl_start_phase_seconds", frozenset({("server", "chat"), ("phase", name)})


@pytest.mark.process
def test_it_is_served_on_loopback_until_it_is_interrupted() -> None:
    configure(CONFIGURATION)
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "console", "metrics", "--serve", str(port)],
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stderr is not None
        assert f"http://127.0.0.1:{port}/metrics" in served.stderr.readline()
        address = f"http://127.0.0.1:{port}/metrics"
        with urlopen(address) as answer:
            found = samples(answer.read().decode())
        assert found["inferctl_up", frozenset()] == 1
        assert found["inferctl_gpu_usd_per_hour", frozenset()] == 1.88
        history_file().unlink(missing_ok=True)
        history_file().mkdir()
        with urlopen(address) as answer:
            assert samples(answer.read().decode()) == {("inferctl_up", frozenset()): 0}
        served.send_signal(signal.SIGINT)
        assert served.wait() == 130
