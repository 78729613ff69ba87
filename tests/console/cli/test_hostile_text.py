"""Text of others in everything that leaves as text: nothing in it is obeyed or forges a line."""

import argparse
import ast
import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.run import Run
from backends.domain.ab.series import AbSeries
from backends.domain.decision.answer import Verdict
from backends.domain.gpu import GpuSample
from backends.domain.reports.ab_picture import ab_svg
from backends.domain.reports.ab_text import ab_csv, ab_markdown
from backends.domain.reports.cold_probe import (
    ColdProbeReport,
    cold_probe_csv,
    cold_probe_markdown,
    cold_probe_svg,
)
from backends.domain.reports.load import LoadReport, load_csv, load_markdown, load_svg
from backends.domain.server import Server
from backends.domain.start import Start
from backends.domain.vram_owners import Held
from backends.history.entries import Found
from backends.history.records import SeriesRecord, StartRecord
from backends.keeper.folder import ServerFolder, server_folder
from backends.operations.capacity import Capacity
from backends.problem import Problem
from backends.settings.paths import state_folder
from backends.wire import plain
from console import __main__ as command_line
from console.cli import ab, cost_report, explain, export, history, host, servers, status, verdict
from console.cli.output import document, documents, say, show, table
from tests.console.cli.hostile import MARK, forged, hostile, obeyed

ROOT = Path(__file__).resolve().parents[3]
MARKUP = set("|`<>[]")

SERIES = replace(
    hostile(AbSeries),
    began=replace(hostile(SeriesBegan), targets=(("a", MARK), ("b", MARK)), models=(MARK, MARK)),
    runs=(hostile(Run), replace(hostile(Run), target="b")),
)
LOAD, HUNT = hostile(LoadReport), hostile(ColdProbeReport)
START_RECORD, SERIES_RECORD = hostile(StartRecord), hostile(SeriesRecord)
RUN_RECORD = {"series_id": MARK, **plain(hostile(Run))}


class Cards:
    """A driver whose every word is an attacker's."""

    def sample(self, *, processes: bool = False) -> GpuSample:
        assert processes
        sample: GpuSample = hostile(GpuSample)
        return sample

    def close(self) -> None:
        """Nothing is held."""


def tell_gpus() -> None:
    host.gpus(argparse.Namespace(json=False))


def tell_server() -> None:
    server: Server = hostile(Server)
    table([status.HEAD, status.row(server, hostile(Held))])
    for remark in status.remarks(server):
        show(remark)


def tell_log() -> None:
    log = ServerFolder(server_folder(state_folder(), "chat")).log
    log.parent.mkdir(parents=True)
    log.write_bytes(MARK.replace("\n", " ").encode(errors="surrogatepass"))
    servers.logs(argparse.Namespace(name="chat", follow=False, lines=9, json=False))


NOTES = {START_RECORD.start.start_id: MARK, SERIES_RECORD.series_id: MARK}

VERBS: dict[str, Callable[[], None]] = {
    "ab": lambda: ab._tell(SERIES),
    "explain": lambda: explain._tell([hostile(Start)]),
    "gpus": tell_gpus,
    "history starts": lambda: history._tell_starts(
        Found(starts=(START_RECORD,)), {START_RECORD.start.start_id: MARK}
    ),
    "history series": lambda: history._tell_series(
        Found(series=(SERIES_RECORD,)), {SERIES_RECORD.series_id: MARK}
    ),
    "logs": tell_log,
    "status": tell_server,
    "verdict": lambda: verdict._tell(hostile(Verdict)),
    "say": lambda: say(MARK),
}

CSV: dict[str, Callable[[], str]] = {
    "ab": lambda: ab_csv(SERIES),
    "load": lambda: load_csv(LOAD),
    "coldprobe": lambda: cold_probe_csv(HUNT),
}

MARKDOWN: dict[str, Callable[[], str]] = {
    "ab": lambda: ab_markdown(SERIES),
    "load": lambda: load_markdown(LOAD),
    "coldprobe": lambda: cold_probe_markdown(HUNT),
    "cost report, starts": lambda: "\n".join(cost_report._starts([START_RECORD])),
    "cost report, series": lambda: "\n".join(cost_report._series([SERIES_RECORD])),
    "cost report, capacity": lambda: "\n".join(cost_report._capacity([hostile(Capacity)])),
}

SVG: dict[str, Callable[[], str]] = {
    "ab": lambda: ab_svg(SERIES),
    "load": lambda: load_svg(LOAD),
    "coldprobe": lambda: cold_probe_svg(HUNT),
}


def unescaped(line: str) -> str:
    """Return what of a line of Markdown is markup."""
    kept, escaped = "", False
    for each in line:
        if not escaped and each != "\\":
            kept += each
        escaped = each == "\\" and not escaped
    return kept


@pytest.fixture
def hostile_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "open_this_hosts_gpus", Cards)


@pytest.mark.usefixtures("hostile_cards")
@pytest.mark.parametrize("tell", VERBS.values(), ids=VERBS)
def test_no_verb_prints_what_a_terminal_obeys(
    tell: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tell()
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "FORGED" in text
    assert obeyed(text) == set()
    assert forged(text) == []


@pytest.mark.parametrize("written", CSV.values(), ids=CSV)
def test_csv_holds_neither_commands_nor_formulas(written: Callable[[], str]) -> None:
    text = written()
    assert obeyed(text) == set()
    head, *rows = csv.reader(io.StringIO(text))
    assert rows
    assert all(len(row) == len(head) for row in rows)
    cells = [cell for row in rows for cell in row]
    assert any(cell.startswith("'=cmd") for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)


@pytest.mark.parametrize("written", MARKDOWN.values(), ids=MARKDOWN)
def test_markdown_holds_no_markup_of_others(written: Callable[[], str]) -> None:
    text = written()
    assert "FORGED" in text
    assert obeyed(text) == set()
    assert forged(text) == []
    for line in text.splitlines():
        markup = MARKUP & set(unescaped(line))
        assert markup <= ({"|"} if line.startswith("|") else set()), line
    borders = {unescaped(line).count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(borders) <= 1


@pytest.mark.parametrize("drawn", SVG.values(), ids=SVG)
def test_a_picture_stays_the_picture_of_one_document(drawn: Callable[[], str]) -> None:
    text = drawn()
    assert obeyed(text) == set()
    kinds = {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(text).iter()}
    assert kinds <= {"svg", "rect", "text", "line", "circle"}


@pytest.mark.parametrize(
    ("kind", "record"),
    [("starts", {**plain(START_RECORD), "note": MARK}), ("runs", RUN_RECORD)],
    ids=["starts", "runs"],
)
def test_the_history_is_exported_harmless(
    kind: str, record: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    row = export.COLUMNS[kind](record)
    export._as_csv(iter([row]))
    export._as_markdown(iter([row]))
    documents(kind, [record])
    text = capsys.readouterr().out
    assert obeyed(text) == set()
    assert forged(text) == []
    assert "'=cmd" in text


def test_json_keeps_the_value_and_escapes_what_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document({"model": MARK})
    text = capsys.readouterr().out
    assert obeyed(text) == set()
    assert "é語" in text
    assert json.loads(text) == {"model": MARK}


def test_of_a_very_long_name_the_length_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    table([("MODEL", "STATE"), ("m" * 3_000_000, "ready")])
    text = capsys.readouterr().out
    assert len(text) < 2_000
    assert "2,999,500 more characters" in text


def test_a_problem_is_told_without_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: argparse.Namespace) -> int:
        raise Problem(MARK)

    monkeypatch.setattr(status, "run", fail)
    assert command_line.main(["status"]) == 1
    text = capsys.readouterr().err
    assert obeyed(text) == set()
    assert forged(text) == []


def test_words_leave_by_one_module_alone() -> None:
    for file in sorted((ROOT / "console").rglob("*.py")):
        if file == ROOT / "console" / "cli" / "output.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                assert node.id != "print", f"{file}:{node.lineno}"
            if isinstance(node, ast.Attribute) and node.attr in {"write", "writelines"}:
                assert not ast.unparse(node.value).startswith("sys.std"), f"{file}:{node.lineno}"
