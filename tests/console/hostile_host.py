"""A host on which everything that others write is an attacker's: files, records, cards, servers."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from backends.domain.ab.run import Run
from backends.domain.facts import Fact, ServerFact, Spawned, Stopped
from backends.domain.gpu import GpuSample
from backends.domain.redaction import without_secrets
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.history.history import open_history
from backends.history.records import FindingRecord, SeriesRecord, StartRecord
from backends.keeper.folder import ServerFolder, server_folder
from backends.operations.capacity import Capacity
from backends.wire import plain, typed
from tests.console.cli.hostile import MARK, hostile

STORED = MARK.replace("\ud800", "")
"""What a file can hold of it: half a pair has no UTF-8 form."""

SERVER = "chat"
SERIES_ID, LOAD_ID, PROBE_ID = "series-1", "load-1", "probe-1"


class Cards:
    """A driver whose every word is an attacker's."""

    def sample(self, *, processes: bool = False) -> GpuSample:
        sample: GpuSample = hostile(GpuSample)
        return sample

    def close(self) -> None:
        """Nothing is held."""


def stored(value: Any) -> Any:
    """Return plain data as a file can hold it."""
    return json.loads(json.dumps(plain(value)).replace("\\ud800", ""))


def facts(of: Any = Fact) -> list[Any]:
    """Return one fact of each class, every text of it an attacker's."""
    return [hostile(kind) for kind in get_args(of)]


def journal_facts() -> list[ServerFact]:
    """Return the facts of a start that failed, with every text an attacker's but the server's."""
    told = sorted(facts(ServerFact), key=lambda fact: isinstance(fact, Stopped))
    spawned = next(fact for fact in told if isinstance(fact, Spawned))
    begun = replace(spawned, server=SERVER, start_id="start-1")
    return [begun, *(fact for fact in told if not isinstance(fact, Spawned))]


def fill_state(folder: Path) -> None:
    """Write everything that a state folder holds."""
    _fill_server(ServerFolder(server_folder(folder, SERVER)))
    _fill_history(folder / "history.sqlite")
    (folder / "capacity.json").write_text(
        json.dumps({"capacities": [stored(hostile(Capacity))]}), encoding="utf-8"
    )


def _fill_server(server: ServerFolder) -> None:
    server.starts.mkdir(parents=True)
    lines = [json.dumps(stored(json.loads(_encoded(fact)))) for fact in journal_facts()]
    (server.starts / "start-1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    server.journal.symlink_to("starts/start-1.jsonl")
    server.log.write_text(log_text(), encoding="utf-8")


def _encoded(fact: Any) -> str:
    return json.dumps({"fact": type(fact).__name__, **plain(fact)})


def log_text() -> str:
    """Return a log of a start that failed, with an attacker's text in each of its lines."""
    line = STORED.replace("\n", " ")
    return (
        f"INFO 11-30 08:00:00 [api_server.py:1] vLLM API server version 0.32.0 {line}\n"
        f"INFO 11-30 08:00:00 [utils.py:2] non-default args: {{'model': '{line}'}}\n"
        f"ERROR 11-30 08:00:01 [core.py:3] RuntimeError: {line}\n{line}\n"
    )


def _fill_history(path: Path) -> None:
    with closing(open_history(path)) as history:
        record = hostile(StartRecord)
        start = replace(record.start, start_id="start-1")
        history.add_start(_storable(StartRecord, replace(record, start=start)))
        targets = (("a", STORED), ("b", STORED))
        record = _storable(SeriesRecord, replace(hostile(SeriesRecord), targets=targets))
        history.add_series(replace(record, series_id=SERIES_ID, report={"text": STORED}))
        for target in ("a", "b"):
            history.add_run(SERIES_ID, replace(_storable(Run, hostile(Run)), target=target))
        load = stored(replace(hostile(LoadReport), load_id=LOAD_ID))
        probe = stored(replace(hostile(ColdProbeReport), probe_id=PROBE_ID))
        history.findings.keep(FindingRecord("load", LOAD_ID, 1.0, STORED, load))
        history.findings.keep(FindingRecord("coldprobe", PROBE_ID, 1.0, STORED, probe))


def _storable(kind: type, value: Any) -> Any:
    return typed(without_secrets(stored(value)), kind)
