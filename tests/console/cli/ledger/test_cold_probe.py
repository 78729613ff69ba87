"""``coldprobe``: detached, killed and resumed, against an endpoint that really falls asleep."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from backends.domain.ab.cold import ColdProbePlan, ProbeLimits
from backends.history.history import open_history
from backends.operations.cold_probe import COLD_PROBE_WORKER
from backends.prober.cold_probe_runs import ColdProbeOrder, cold_probe_folder, launch, worker_pid
from backends.servers.own_traffic import were_sent
from backends.settings.paths import history_file, state_folder
from tests.backends.prober.scripted_server import Conversation, a_good_stream, serving
from tests.console.cli.ledger.conftest import MODEL, ROOT, MadeHost, free_port

COLD_AFTER_S, COLD_START_S = 1.0, 1.0
GAPS = ("--gaps", "0.2s,1.5s", "--rounds", "2")
STEADY_TTFT_S, STEADY_COLD_S = 0.8, 4.0
STEADY_GAPS = ("--gaps", "2s,6s", "--rounds", "2")
LIMIT_S = 120.0


@contextmanager
def sleepy_endpoint() -> Iterator[int]:
    """Serve an endpoint that sleeps after a second of idleness and wakes for a second."""
    cold = ("--speed", "20", "--cold-after", str(COLD_AFTER_S), "--cold-start", str(COLD_START_S))
    process = subprocess.Popen(
        [sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL, *cold],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def steady_endpoint() -> Iterator[int]:
    """Serve an endpoint that is as slow each time, and falls asleep after four seconds.

    A request leaves a second late on a busy host: pauses, times and what tells them apart are long
    beside that.
    """
    busy_s = [0.0]

    def reply(conversation: Conversation) -> None:
        asleep = time.monotonic() - busy_s[0] > 4.0
        conversation.wait(STEADY_TTFT_S + (STEADY_COLD_S if asleep else 0.0))
        busy_s[0] = time.monotonic()
        a_good_stream(conversation)

    with serving(reply) as server:
        yield int(server.base_url.rpartition(":")[2].partition("/")[0])


def configured(port: int, *prices: str) -> str:
    address = f'base_url = "http://127.0.0.1:{port}/v1"'
    return "\n".join(("[endpoint.api]", address, f'model = "{MODEL}"', *prices))


PRICES = ('input_usd_per_mtok = "0.10"', 'output_usd_per_mtok = "0.70"')


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _end_cold_probes() -> Iterator[None]:
    yield
    pid = worker_pid(cold_probe_folder(state_folder(), "api"))
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_cold_probe_survives_kill_9_measures_no_pause_twice_and_prices_the_warm_up(
    verbs: MadeHost,
) -> None:
    folder = cold_probe_folder(state_folder(), "api")
    began_s = time.time()
    with steady_endpoint() as port:
        verbs.configure(configured(port, *PRICES))
        code, _, err = verbs.run("coldprobe", "api", *STEADY_GAPS, "--yes")
        assert code == 0, err
        assert "at most $0.0" in err
        pid = worker_pid(folder)
        assert pid is not None
        assert os.getsid(pid) == pid
        eventually(lambda: were_sent(state_folder(), f"http://127.0.0.1:{port}/v1", began_s))
        eventually(lambda: any(probe.planned_idle_s for probe in folder.read_probes()))
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: worker_pid(folder) is None)
        assert "NOT RUNNING" in verbs.run("coldprobe", "api", "--status")[1]
        code, _, err = verbs.run("coldprobe", "api", *STEADY_GAPS, "--yes")
        assert code == 0, err
        eventually(lambda: verbs.document("coldprobe", "api", "--status")["complete"])
        eventually(lambda: worker_pid(folder) is None)
    found = verbs.document("coldprobe", "api", "--status")
    assert [gap["n"] for gap in found["finding"]["gaps"]] == [2, 2]
    assert [gap["verdict"] for gap in found["finding"]["gaps"]] == ["warm", "cold"]
    assert found["ever_cold"]
    assert found["finding"]["gaps"][1]["ttft_s"]["median"] > STEADY_COLD_S
    assert (found["warm_up"]["every_s"], found["warm_up"]["proven"]) == (2.0, True)
    assert float(found["warm_up"]["usd_per_day"]) > 0
    told = verbs.run("coldprobe", "api", "--status")[1]
    assert told.startswith("complete\napi was seen COLD: after 6s idle, 2 of 2 requests")
    assert "to prevent it: one request of" in told
    with closing(open_history(history_file())) as history:
        (record,) = history.findings.recent("coldprobe")
    assert len(record.document["probes"]) == len(found["probes"])


def test_a_second_cold_probe_is_refused_and_stop_ends_the_first(verbs: MadeHost) -> None:
    with sleepy_endpoint() as port:
        verbs.configure(configured(port))
        verbs.run("coldprobe", "api", "--gaps", "1h")
        code, _, err = verbs.run("coldprobe", "api", "--gaps", "1h")
        assert code == 1
        assert "probed already" in err
        running = verbs.document("coldprobe", "api", "--status")
        assert running["running"]
        code, out, err = verbs.run("coldprobe", "api", "--stop")
        assert (code, "stopped" in err) == (0, True)
        assert "NOT RUNNING" in out
    assert worker_pid(cold_probe_folder(state_folder(), "api")) is None


def test_a_priced_endpoint_is_asked_about_and_nothing_is_sent_or_written(verbs: MadeHost) -> None:
    verbs.configure(configured(free_port(), *PRICES))
    code, _, err = verbs.run("coldprobe", "api")
    assert code == 2
    assert "at most $" in err
    assert "--yes" in err
    assert "whatever the endpoint does it ends within 295 requests, 8.38h, $0.0" in err
    assert verbs.run("coldprobe", "api", "--status")[0] == 3


def test_a_limit_that_was_agreed_ends_it_and_status_says_which(verbs: MadeHost) -> None:
    folder = cold_probe_folder(state_folder(), "api")
    plan = ColdProbePlan((3600.0,), 1, limits=ProbeLimits(3, 3600.0))
    with sleepy_endpoint() as port:
        url = f"http://127.0.0.1:{port}/v1"
        verbs.configure(configured(port))
        folder.begin(ColdProbeOrder("h1", "api", "api", url, MODEL, plan, time.time()))
        launch(folder, COLD_PROBE_WORKER)
        eventually(lambda: worker_pid(folder) is None)
    told = verbs.run("coldprobe", "api", "--status")[1]
    assert told.startswith("ENDED, not complete: 3 requests were sent, as many as agreed")
    assert "limits of one start: 3 requests, 1h" in told
    found = verbs.document("coldprobe", "api", "--status")
    assert found["limits"] == {"requests": 3, "lasts_s": 3600.0, "usd": None}
    assert (found["ended"], found["complete"]) == (
        "3 requests were sent, as many as agreed",
        False,
    )
    assert len(found["probes"]) == 3
    with closing(open_history(history_file())) as history:
        (record,) = history.findings.recent("coldprobe")
    assert record.document["ended"] == found["ended"]


@pytest.mark.parametrize("gaps", ["", "5", "x", "0s", "1m,,2m", "-1s"])
def test_a_pause_is_a_number_and_a_unit(gaps: str, verbs: MadeHost) -> None:
    with pytest.raises(SystemExit):
        verbs.run("coldprobe", "api", "--gaps", gaps)


def test_no_key_reaches_any_file(verbs: MadeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "sk-0123456789abcdefghij")
    with sleepy_endpoint() as port:
        verbs.configure(configured(port, 'api_key_env = "API_KEY"'))
        verbs.run("coldprobe", "api", "--gaps", "0.1s", "--rounds", "1")
        eventually(lambda: verbs.document("coldprobe", "api", "--status")["complete"])
        pid = worker_pid(cold_probe_folder(state_folder(), "api"))
        eventually(lambda: worker_pid(cold_probe_folder(state_folder(), "api")) is None)
    assert pid is None or pid > 0
    for path in state_folder().rglob("*"):
        if path.is_file():
            assert b"sk-0123456789" not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0, path
    json.dumps(verbs.document("coldprobe", "api", "--status"))
