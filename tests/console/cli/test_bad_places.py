"""A folder that is read-only, full, another's or no folder at all is a sentence of every verb.

`places.matrix` plays all cells; here each kind of bad place is played once for each folder, so that
every user meets every kind and every folder.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backends.host.files import NotAFile, read_file
from backends.settings import paths
from tests.console.cli.conftest import Cli, configure
from tests.console.cli.places.matrix import (
    KINDS,
    PLACES,
    REPOSITORY,
    USERS,
    Cell,
    can_play,
    wrong_in,
)

SAMPLE = [
    Cell(kind, place, tuple(USERS)[(row + column) % len(USERS)])
    for row, kind in enumerate(KINDS)
    for column, place in enumerate(PLACES)
]
"""28 cells of 112."""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(not can_play(), reason="needs root, who may mount folders of its own")
@pytest.mark.parametrize("cell", SAMPLE, ids=str)
def test_every_verb_answers_with_a_sentence(cell: Cell) -> None:
    assert wrong_in(cell) == []


def test_a_state_folder_that_cannot_be_made_is_a_sentence_with_its_remedy(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "state"))
    ran = cli("history")
    assert ran.code == 1
    assert "cannot be made: Not a directory; set XDG_STATE_HOME" in ran.err
    assert cli("status").code == 0
    assert cli("gpus").code == 0
    told = {each["name"]: each for each in cli("doctor", "--json").json()["findings"]}
    assert told["disk for state"]["state"] == "fail"


def test_a_user_without_a_home_is_told_which_variables_to_set(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", dict[int, object]().__getitem__)
    ran = cli("status")
    assert ran.code == 1
    assert "no home folder; set HOME, or XDG_STATE_HOME and XDG_CONFIG_HOME" in ran.err


def test_a_configuration_that_is_a_pipe_is_not_waited_for(cli: Cli, tmp_path: Path) -> None:
    path = configure("")
    path.unlink()
    os.mkfifo(path)
    ran = cli("cost")
    assert ran.code == 2
    assert "config.toml: cannot be read: not a regular file" in ran.err
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAFile):
        read_file(tmp_path / "pipe")


DEEP = "[" * 100_000


def test_records_nested_too_deep_hide_nothing_else(cli: Cli, tmp_path: Path) -> None:
    journal = paths.state_folder() / "servers" / "deep" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    for name in ("journal.jsonl", "keeper.json", "order.json"):
        (journal.parent / name).write_text(DEEP)
    for name in ("watched.json", "capacity.json"):
        (paths.state_folder() / name).write_text(DEEP)
    configure('[server.chat]\nmodel = "org/model"\n')
    assert "chat" in cli("status").out
    for argv in (("verdict",), ("stop", "deep"), ("adopt", "--port", "9")):
        ran = cli(*argv)
        assert ran.code in {0, 1, 3}
        assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["traffic.jsonl", "traffic.csv"])
def test_traffic_that_no_reader_can_hold_is_a_sentence(name: str, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(f"at,input_tokens,output_tokens\n{DEEP}{DEEP},1,1\n")
    ran = cli("verdict", "--traffic", str(file))
    assert ran.code in {1, 2}
    assert name in ran.err


@pytest.mark.parametrize("name", ["scenario.json", "prices.json"])
def test_deep_files_of_the_user_are_named(name: str, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(DEEP)
    argv = ("verdict", "--scenario") if name == "scenario.json" else ("prices", "update")
    ran = cli(*argv, str(file))
    assert ran.code == 2
    assert name in ran.err


def verb(*argv: str, **around: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "console", *argv]
    return subprocess.run(command, cwd=REPOSITORY, stderr=subprocess.PIPE, check=False, **around)


@pytest.mark.process
def test_output_that_cannot_be_written_is_a_sentence_and_an_exit_code() -> None:
    with Path("/dev/full").open("wb") as full:
        ran = verb("prices", "list", stdout=full)
    assert ran.returncode == 1
    (said,) = ran.stderr.decode().splitlines()
    assert said.startswith("inferctl: the output cannot be written: No space left on device")


@pytest.mark.process
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_locale_that_lacks_a_character_loses_no_line(encoding: str) -> None:
    around = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = verb("doctor", env=around, stdout=subprocess.PIPE)
    assert b"Traceback" not in ran.stderr
    assert rb"\u2714 ok    Python" in ran.stdout


@pytest.mark.process
def test_closed_streams_are_nobodys_files() -> None:
    ran = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m console prices list <&- >&-"],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
