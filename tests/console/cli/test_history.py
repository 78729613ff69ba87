"""``inferctl history`` of a host on which little or nothing was recorded."""

from contextlib import closing
from dataclasses import replace

import pytest

from backends.domain.ab.load import LoadEnded, LoadStep
from backends.domain.ab.run import Spread
from backends.domain.reports.load import LoadReport
from backends.domain.start import Outcome, Phase, PhaseName, Start
from backends.history.history import open_history
from backends.history.records import FindingRecord, StartRecord
from backends.history.spool import write_record
from backends.settings.paths import history_file
from backends.wire import plain
from tests.console.cli.conftest import Cli


def test_an_empty_history_says_of_every_kind_what_would_fill_it(cli: Cli) -> None:
    ran = cli("history")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        "no start was recorded yet: one is kept when it ends",
        "no A/B was recorded yet: one is kept when it ends",
    ]


@pytest.mark.parametrize(
    ("kind", "verb"), [("--loads", "inferctl load"), ("--coldprobes", "inferctl coldprobe")]
)
def test_a_kind_that_was_asked_for_and_never_recorded_names_its_verb(
    cli: Cli, kind: str, verb: str
) -> None:
    ran = cli("history", kind)
    assert ran.code == 0, ran.err
    assert verb in ran.out


PHASE = Phase(PhaseName.LOAD_WEIGHTS, 4.0, 24.0)
WHO = "ana, pts/3, from 10.0.0.7"


def start(start_id: str, weights_s: float, args: tuple[str, ...], began_s: float) -> StartRecord:
    took_s = weights_s + 20.0
    loaded = replace(PHASE, duration_s=weights_s)
    found = Start(start_id, "0.32.0", "org/m", Outcome.READY, took_s, took_s - 1, took_s, (loaded,))
    return StartRecord("chat", "org/m", args, 1.79e9 + began_s, found, started_by=WHO)


def load(load_id: str, rps: float) -> FindingRecord:
    step = LoadStep(rps, 40, 0, 1.0, rps, 100.0, 4, Spread(0.3, 0.2, 0.4, 0.1, 0.5), None, None)
    ended = LoadEnded("SLO limit reached", step, bounded=True, steps=(step,))
    report = LoadReport(load_id, "chat", "org/m", 1.79e9 + rps, 32, "ab", 1.0, None, ended)
    return FindingRecord("load", load_id, report.began_wall_s, "chat", plain(report))


def keep(*records: StartRecord | FindingRecord) -> None:
    with closing(open_history(history_file())) as history:
        for record in records:
            write_record(history, record)


def test_two_single_starts_are_two_single_figures(cli: Cli) -> None:
    keep(start("st1", 24.0, ("--seed", "1"), 0), start("st2", 20.0, ("--seed", "2"), 100))
    ran = cli("history", "--compare", "st1", "st2")
    assert ran.code == 0, ran.err
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "load weights 24.0 s 20.0 s −4.0 s" in lines
    assert "whole start 44.0 s 40.0 s −4.0 s" in lines
    assert "arguments: - --seed 1" in lines
    assert "arguments: + --seed 2" in lines
    assert "noise" not in ran.out.replace("whether they differ by more than the noise", "")


def test_several_starts_of_each_say_whether_they_differ_by_more_than_the_noise(cli: Cli) -> None:
    keep(*(start(f"a{n}", 24.0 + n / 10, ("--seed", "1"), n) for n in range(4)))
    keep(*(start(f"b{n}", 20.0 + n / 10, ("--seed", "2"), 10 + n) for n in range(4)))
    keep(*(start(f"c{n}", 24.05 + n / 10, ("--seed", "3"), 20 + n) for n in range(4)))
    lines = cli("history", "--compare", "a0", "b0").out.splitlines()
    (whole,) = [line for line in lines if line.startswith("whole start")]
    assert "beyond the noise (−4." in whole
    lines = cli("history", "--compare", "a0", "c0").out.splitlines()
    (whole,) = [line for line in lines if line.startswith("whole start")]
    assert "inside the noise" in whole
    told = cli("history", "--compare", "a0", "a3").out
    assert "beyond the noise" not in told
    assert "4 such starts took 44.0 s to 44.3 s" in told


def test_two_load_tests_stand_side_by_side_with_the_arguments_of_their_server(cli: Cli) -> None:
    keep(start("st1", 24.0, ("--seed", "1"), 0), load("lo1", 4.0))
    keep(start("st2", 24.0, ("--seed", "2"), 5), load("lo2", 8.0))
    ran = cli("history", "--compare", "lo1", "lo2", "--json")
    document = ran.json()
    within = next(row for row in document["rows"] if row["title"] == "within SLO")
    assert (within["first"], within["second"], within["change"]) == (4.0, 8.0, "")
    assert document["arguments"] == ["- --seed 1", "+ --seed 2"]


def test_what_cannot_be_compared_is_said(cli: Cli) -> None:
    keep(start("st1", 24.0, (), 0), load("lo1", 4.0))
    ran = cli("history", "--compare", "st1", "lo1")
    assert (ran.code, "with a start" in ran.err) == (2, True), ran.err
    assert cli("history", "--compare", "st1", "nothing").code == 3


def test_a_note_is_shown_found_and_exported(cli: Cli) -> None:
    keep(start("st1", 24.0, (), 0), start("st2", 24.0, (), 9), load("lo1", 4.0))
    ran = cli("history", "st1", "--note", "before the  driver update")
    assert "note: before the driver update" in ran.out
    cli("history", "lo1", "--note", "quiet host")
    listed = cli("history").out
    assert "before the driver update" in listed
    assert "quiet host" in listed
    found = cli("history", "--find", "driver", "--json").json()
    assert [each["start"]["start_id"] for each in found["starts"]] == ["st1"]
    assert (found["loads"], found["notes"]) == ([], {"st1": "before the driver update"})
    assert "before the driver update" in cli("export", "starts", "--csv").out
    assert cli("export", "loads", "lo1").json()["note"] == "quiet host"
    cli("history", "lo1", "--note", "")
    assert cli("history", "--json").json()["notes"].keys() == {"st1"}
    assert cli("history", "--note", "of nothing").code == 2


def test_a_start_says_who_ordered_it_and_what_was_changed(cli: Cli) -> None:
    keep(start("st1", 24.0, ("--seed", "1"), 0), start("st2", 24.0, ("--seed", "2"), 9))
    told = cli("history", "st2").out
    assert f"started by {WHO}" in told
    assert "changed since the start before: - --seed 1, + --seed 2" in told
    assert cli("history", "--find", "10.0.0.7 kind:start", "--json").json()["starts"]
