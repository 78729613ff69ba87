"""What journals tell is in the history as soon as a console opens, ended or cut off."""

from pathlib import Path

from backends.domain.facts import BecameReady, FirstTokenSeen, PhaseBegan, ServerFact, Spawned
from backends.domain.server import ProcessId
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome, PhaseName
from backends.history.history import open_history
from backends.history.records import StartRecord
from backends.keeper.folder import ServerFolder, link_journal, prepare, server_folder
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import Host
from backends.settings.config import Settings
from backends.simulated.gpus import SimulatedGpus
from backends.wire import encode_fact
from console.tui.app import InferctlApp
from tests.console.conftest import until


def _at(seconds: float) -> Stamp:
    return Stamp(1000 + seconds, 1_700_000_000 + seconds)


def _begun(start_id: str) -> tuple[ServerFact, ...]:
    argv = ("vllm", "serve", "org/model", "--host", "127.0.0.1", "--port", "8000", "--x", "1")
    spawned = Spawned(
        _at(0), start_id, "chat", "model", argv, ProcessId(1, 1), ProcessId(2, 1), "127.0.0.1", 8000
    )
    return (spawned, PhaseBegan(_at(1), PhaseName.LOAD_WEIGHTS))


def _ended(start_id: str) -> tuple[ServerFact, ...]:
    return (*_begun(start_id), BecameReady(_at(9)), FirstTokenSeen(_at(10)))


def _host(folder: Path) -> Host:
    return Host(
        Settings(), folder, folder / "history.sqlite", lambda: SimulatedGpus(folder / "gpu.json")
    )


def _journal(state: Path, start_id: str, facts: tuple[ServerFact, ...]) -> None:
    folder = ServerFolder(server_folder(state, "chat"))
    prepare(folder)
    link_journal(folder, start_id).write_bytes(b"".join(encode_fact(f) + b"\n" for f in facts))


def _recorded(host: Host) -> tuple[StartRecord, ...]:
    history = open_history(host.history_file)
    try:
        return history.recent_starts()
    finally:
        history.close()


def test_a_start_whose_profile_is_gone_keeps_model_and_arguments(tmp_path: Path) -> None:
    _journal(tmp_path, "one", _ended("one"))
    host = _host(tmp_path)
    assert record_finished_starts(host) == 1
    (record,) = _recorded(host)
    assert (record.server, record.model, record.args) == ("chat", "org/model", ("--x", "1"))
    assert (record.start.ready_s, record.start.first_token_s, record.cost_usd) == (9, 10, None)


def test_a_running_start_is_left_alone_until_it_is_over(tmp_path: Path) -> None:
    _journal(tmp_path, "one", _begun("one"))
    host = _host(tmp_path)
    assert record_finished_starts(host) == 0
    _journal(tmp_path, "one", _ended("one"))
    assert record_finished_starts(host) == 1


def test_a_start_that_was_cut_off_is_incomplete(tmp_path: Path) -> None:
    _journal(tmp_path, "one", _begun("one"))
    _journal(tmp_path, "two", _ended("two"))
    host = _host(tmp_path)
    assert record_finished_starts(host) == 2
    found = {record.start.start_id: record.start for record in _recorded(host)}
    assert found["one"].outcome is Outcome.INCOMPLETE
    assert found["one"].total_s == 1
    assert found["two"].outcome is Outcome.READY


def test_a_cut_off_line_and_an_empty_journal_hide_nothing(tmp_path: Path) -> None:
    _journal(tmp_path, "none", ())
    _journal(tmp_path, "one", _ended("one"))
    journal = server_folder(tmp_path, "chat") / "starts" / "one.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"fact":"Exi')
    assert record_finished_starts(_host(tmp_path)) == 1


async def test_a_console_that_opens_takes_them_in(tmp_path: Path) -> None:
    _journal(tmp_path, "one", _ended("one"))
    host = _host(tmp_path)
    app = InferctlApp(host, None)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: host.history_file.exists() and bool(_recorded(host)))
        assert [record.start.start_id for record in _recorded(host)] == ["one"]
