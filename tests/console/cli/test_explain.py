"""What `explain` says, with which exit code, and what it writes for a bug report."""

import io
import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest

from backends.domain.facts import Exited, FailureSeen
from backends.domain.server import Exit
from backends.domain.start import Failure, FailureKind, Outcome, Phase, PhaseName, Start
from backends.history.history import open_history
from backends.history.records import StartRecord
from backends.host.zstd import _module
from backends.settings.paths import history_file
from backends.wire import encode_fact
from tests.backends.domain.journals import at, loading
from tests.console.cli.conftest import Cli

LOGS = Path(__file__).parents[2] / "data" / "logs"
READY = LOGS / "v0.10.0_nvidia_tp8_ready.log"
FAILED = LOGS / "v0.22.1_nvidia_fail_max_num_batched_tokens.log"
ROW = re.compile(r"^[✖ ] \w+ +([\d.]+) s", re.MULTILINE)
INCOMPLETE = LOGS / "v0.16.0_rocm_tp8_eager_incomplete.log"
DIED = LOGS / "v0.12.0_nvidia_eager_ready_then_enginedead.log"


@pytest.mark.parametrize(("log", "code"), [(READY, 0), (FAILED, 1), (INCOMPLETE, 3), (DIED, 1)])
def test_the_exit_status_follows_the_last_start_only_where_it_is_asked_for(
    cli: Cli, log: Path, code: int
) -> None:
    assert cli("explain", str(log)).code == 0
    assert cli("explain", str(log), "--exit-status").code == code
    assert cli("explain", str(log), "--exit-status", "--json").code == code


def test_a_server_that_died_while_it_served_is_not_called_ready_alone(cli: Cli) -> None:
    out = cli("explain", str(DIED)).out
    assert ": ready, stopped unexpectedly after 3 h\n" in out
    assert "failure: engine_died" in out


def test_phases_stand_in_the_order_of_time_and_the_failing_one_is_marked(cli: Cli) -> None:
    for log in sorted(LOGS.glob("*fail*.log")):
        out = cli("explain", str(log)).out
        for block in out.split("\n\n"):
            starts = [float(found) for found in ROW.findall(block)]
            assert starts == sorted(starts), log.name
            assert block.count("✖") <= 1, log.name
            assert ("✖" in block) == (bool(starts) and ": failed\n" in block), log.name


def test_the_maximum_concurrency_is_told(cli: Cli) -> None:
    assert "x maximum concurrency" in cli("explain", str(READY)).out


def test_a_report_goes_to_standard_output_or_to_a_file(cli: Cli, tmp_path: Path) -> None:
    shown = cli("explain", str(FAILED), "--report")
    assert shown.code == 0
    assert shown.out.startswith("# vLLM start: failed")
    file = tmp_path / "report.md"
    written = cli("explain", str(FAILED), "--output", str(file))
    assert file.read_text() == shown.out
    assert "Read it before you post it" in written.err


def test_a_report_of_standard_input_reads_it_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = cli("explain", str(FAILED), "--report").out
    given = io.TextIOWrapper(io.BytesIO(FAILED.read_bytes()))
    monkeypatch.setattr("sys.stdin", given)
    assert cli("explain", "-", "--report").out == expected


def test_a_report_that_cannot_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    ran = cli("explain", str(FAILED), "--output", str(tmp_path / "absent" / "report.md"))
    assert ran.code == 1
    assert "cannot be written" in ran.err


def test_a_report_is_of_one_log(cli: Cli) -> None:
    assert cli("explain", str(FAILED), str(READY), "--report").code == 2


def test_the_journal_beside_a_kept_servers_log_tells_what_no_line_can(
    cli: Cli, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    log.write_text("INFO 11-21 08:00:00 [api_server.py:1] vLLM API server version 0.32.0\n")
    killed = Failure(FailureKind.HOST_OUT_OF_MEMORY, None, "", "The kernel killed it.", "More.")
    facts = [*loading(), Exited(at(120.0), Exit(None, 9)), FailureSeen(at(120.1), killed)]
    (tmp_path / "journal.jsonl").write_bytes(b"".join(encode_fact(one) + b"\n" for one in facts))
    assert "host_out_of_memory" in cli("explain", str(log)).out
    assert cli("explain", str(log), "--exit-status").code == 1
    other = tmp_path / "other.log"
    other.write_bytes(log.read_bytes())
    assert "host_out_of_memory" not in cli("explain", str(other)).out
    log.write_bytes(FAILED.read_bytes())
    assert "invalid_batch_limits" in cli("explain", str(log)).out
    log.write_text("")
    assert "host_out_of_memory" in cli("explain", str(log)).out


def test_an_unfinished_start_is_shown_beside_this_hosts_own(cli: Cli) -> None:
    assert "usual here" not in cli("explain", str(INCOMPLETE)).out
    (told,) = json.loads(cli("explain", str(INCOMPLETE), "--json").out)["starts"]
    assert told["usual_here"] is None
    last = told["phases"][-1]["name"]
    phases = (Phase(PhaseName(last), 5.0, 2.0),)
    history_file().parent.mkdir(parents=True, exist_ok=True)
    with closing(open_history(history_file())) as history:
        for number in range(3):
            start = Start(
                f"start-{number}",
                model=told["model"],
                outcome=Outcome.READY,
                ready_s=7.0,
                phases=phases,
            )
            history.add_start(StartRecord("chat", told["model"], (), 1e9 + number, start))
    assert (
        f"usual here: {last} takes 2 s (2 to 2) in 3 starts" in cli("explain", str(INCOMPLETE)).out
    )
    (told,) = json.loads(cli("explain", str(INCOMPLETE), "--json").out)["starts"]
    assert told["usual_here"].startswith(f"{last} takes 2 s")


def test_a_zstd_log_that_nothing_here_can_read_says_how_to(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    log = tmp_path / "server.log.zst"
    log.write_bytes(b"\x28\xb5\x2f\xfd rest")
    ran = cli("explain", str(log))
    assert ran.code == 1
    assert f"zstd -dc {log} | inferctl explain -" in ran.err


@pytest.mark.skipif(which("zstd") is None, reason="no zstd command")
def test_a_zstd_log_is_explained_as_the_log_itself(cli: Cli, tmp_path: Path) -> None:
    if _module("compression.zstd") is None and _module("zstandard") is None:
        pytest.skip("neither compression.zstd nor zstandard can be imported")
    log = tmp_path / "log.zst"
    log.write_bytes(subprocess.run(["zstd", "-c", FAILED], stdout=-1, check=True).stdout)
    assert cli("explain", str(log)).out == cli("explain", str(FAILED)).out


def test_the_cause_does_not_say_again_the_line_above_it(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] EngineCore failed to start.\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] Traceback (most recent call last):\n"
        '(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946]   File "/x/vllm/models/a.py", '
        "line 3, in forward\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] RuntimeError: shape '[2]' is "
        "invalid for input of size 16\n"
    )
    out = cli("explain", str(log)).out
    assert out.count("is invalid for input of size 16") == 1
    assert "A check inside vLLM failed (raised in vllm/models/a.py:3 in forward); the" in out
