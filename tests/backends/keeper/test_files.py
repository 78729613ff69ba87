"""What a keeper leaves on disk: log, journal, order."""

import resource
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import FirstTokenSeen, Stopped
from backends.domain.redaction import without_secrets
from backends.domain.stamp import Stamp
from backends.keeper.folder import ServerFolder, facts_in, link_journal, prepare, read_journal
from backends.keeper.journal import Journal
from backends.keeper.log import RotatedLog
from backends.keeper.order import (
    KeeperError,
    LaunchOrder,
    api_key,
    load_order,
    save_order,
    served_model,
)
from backends.wire import encode_fact

AT = Stamp(1.0, 2.0)
ORDER = LaunchOrder("n", ("vllm", "serve", "m"), {"A": "b"}, "127.0.0.1", 8000, "m", "s")


@given(
    chunks=st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"y", b"\n"))),
    limit=st.integers(1, 200),
)
def test_the_log_is_the_end_of_what_was_written_cut_between_lines(
    chunks: list[bytes], limit: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "server.log"
        log = RotatedLog(path, limit)
        for chunk in chunks:
            log.write(chunk)
        log.close()
        earlier = path.with_name("server.log.1")
        before = earlier.read_bytes() if earlier.exists() else b""
        assert b"".join(chunks).endswith(before + path.read_bytes())
        assert not before or before.endswith(b"\n")


def test_both_files_together_hold_at_least_the_limit(tmp_path: Path) -> None:
    log = RotatedLog(tmp_path / "server.log", 1000)
    lines = [b"%04d\n" % number for number in range(1000)]
    for line in lines:
        log.write(line)
    log.close()
    kept = (tmp_path / "server.log.1").read_bytes() + (tmp_path / "server.log").read_bytes()
    assert b"".join(lines).endswith(kept)
    assert 1000 <= len(kept) <= 2010


def test_each_start_begins_a_log_of_its_own(tmp_path: Path) -> None:
    for text in (b"first\n", b"second\n"):
        log = RotatedLog(tmp_path / "server.log")
        log.write(text)
        log.close()
    assert (tmp_path / "server.log").read_bytes() == b"second\n"
    assert (tmp_path / "server.log.1").read_bytes() == b"first\n"
    log = RotatedLog(tmp_path / "server.log", fresh=False)
    log.write(b"third\n")
    assert (tmp_path / "server.log").read_bytes() == b"second\nthird\n"


def test_a_full_disk_costs_lines_not_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    log = RotatedLog(Path("/dev/full"), fresh=False)
    log.write(b"line\n")
    log.write(b"line\n")
    assert "10 bytes lost" in capfd.readouterr().err


def test_a_limit_on_the_size_of_files_costs_no_line_that_two_files_can_hold(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        refused: list[OSError | None] = []
        log = RotatedLog(tmp_path / "server.log", on_refused=refused.append)
        lines = [b"%09d\n" % number for number in range(10_000)]
        for line in lines:
            log.write(line)
        log.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = (tmp_path / "server.log.1").read_bytes() + (tmp_path / "server.log").read_bytes()
    assert b"".join(lines).endswith(kept)
    assert refused == []


def test_a_log_says_once_that_the_disk_refuses_it_and_once_that_it_takes_it_again(
    tmp_path: Path,
) -> None:
    refused: list[OSError | None] = []
    log = RotatedLog(tmp_path / "server.log", on_refused=refused.append)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        log.write(b"longer than four\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.write(b"taken\n")
    log.write(b"taken\n")
    assert [error and error.strerror for error in refused] == ["File too large", None]


def test_a_cut_off_line_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole, cut = encode_fact(FirstTokenSeen(AT)), encode_fact(Stopped(AT))[:-5]
    path.write_bytes(whole + b"\n" + cut)
    assert read_journal(path) == [FirstTokenSeen(AT)]
    journal = Journal(path, lambda: None)
    journal.record(Stopped(AT))
    assert read_journal(path) == [FirstTokenSeen(AT), Stopped(AT)]


@given(st.lists(st.binary(max_size=30)))
def test_no_line_whatsoever_breaks_the_reading(lines: list[bytes]) -> None:
    good = encode_fact(Stopped(AT))
    assert [*facts_in([*lines, good])][-1] == Stopped(AT)


def test_a_record_tells_where_it_stands(tmp_path: Path) -> None:
    grown: list[int] = []
    journal = Journal(tmp_path / "journal.jsonl", lambda: grown.append(journal.size))
    assert journal.record(FirstTokenSeen(AT)) == 0
    offset = journal.record(Stopped(AT))
    assert [*facts_in(journal.read(offset).splitlines())] == [Stopped(AT)]
    assert len(grown) == 2
    assert grown[1] == journal.size


def test_the_current_journal_is_that_of_the_last_start(tmp_path: Path) -> None:
    folder = ServerFolder(tmp_path / "servers" / "n")
    prepare(folder)
    for start in ("one", "two"):
        link_journal(folder, start).write_text(start)
    assert folder.journal.read_text() == "two"
    assert (folder.starts / "one.jsonl").read_text() == "one"


def test_an_order_is_kept_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    secret = replace(
        ORDER,
        argv=(*ORDER.argv, "--api-key", "sesame", "sesame2", "--port", "1", "--hf_token=sesame"),
        environment={"HF_TOKEN": "sesame"},
    )
    save_order(path, secret)
    assert b"sesame" not in path.read_bytes()
    assert "sesame" not in repr(replace(secret, argv=()))
    assert load_order(path).argv[-3:] == ("--port", "1", "--hf-token=***")


def test_no_order_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeeperError, match="never started"):
        load_order(tmp_path / "order.json")
    (tmp_path / "order.json").write_text("{}")
    with pytest.raises(KeeperError, match="remove it"):
        load_order(tmp_path / "order.json")


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("m", ""),
        ("a", "--served-model-name a b"),
        ("a", "--served_model_name=a"),
        ("m", "--served-model-name"),
    ],
)
def test_the_served_name_is_the_first_given(expected: str, arguments: str) -> None:
    assert served_model(tuple(arguments.split()), "m") == expected


def test_the_key_is_found_where_vllm_finds_it() -> None:
    assert api_key(("--api-key", "a"), {"VLLM_API_KEY": "b"}) == "a"
    assert api_key((), {"VLLM_API_KEY": "b"}) == "b"
    assert api_key((), {"VLLM_API_KEY": ""}) is None


@given(st.lists(st.sampled_from(["--api-key", "--port", "x", "secret", "--hf-token=secret"])))
def test_nothing_but_values_of_secret_flags_is_concealed(arguments: list[str]) -> None:
    shown = without_secrets(arguments)
    assert len(shown) == len(arguments)
    changed = {before for before, after in zip(arguments, shown, strict=True) if before != after}
    assert changed <= {"x", "secret", "--hf-token=secret"}


def test_a_line_without_an_end_is_bounded_too(tmp_path: Path) -> None:
    log, longest = RotatedLog(tmp_path / "server.log", 1000), 2**20
    for _ in range(20):
        log.write(b"x" * 300_000)
    log.close()
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= longest + 300_000 + 1000


def test_a_new_file_begins_with_the_write_that_the_old_one_has_no_room_for(tmp_path: Path) -> None:
    log = RotatedLog(tmp_path / "server.log", 100)
    for _ in range(9):
        log.write(b"x" * 9 + b"\n")
        assert not (tmp_path / "server.log.1").exists()
    log.write(b"y" * 14 + b"\n")
    log.write(b"z" * 9 + b"\n")
    log.close()
    assert (tmp_path / "server.log.1").read_bytes().endswith(b"y" * 14 + b"\n")
    assert (tmp_path / "server.log").read_bytes() == b"z" * 9 + b"\n"
