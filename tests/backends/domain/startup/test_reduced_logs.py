"""Reduced real logs of vLLM 0.8 to 0.32 give what the whole ones gave, and exercise the tables."""

import json
from pathlib import Path

import pytest

from backends.domain.startup.failures import TABLE as FAILURES
from backends.domain.startup.failures import classify
from backends.domain.startup.wordings import TABLE as WORDINGS
from tests.backends.domain.startup.logs import REDUCED, starts_in
from tests.backends.domain.startup.neutral import Names
from tests.backends.domain.startup.reduce_logs import (
    document,
    reduce_file,
    reduced_name,
    rows_of,
    without_line_numbers,
)
from tests.backends.domain.startup.test_failures import CASES
from tests.backends.domain.startup.test_families import CASES as BY_FAMILY
from tests.backends.domain.startup.test_mechanisms import CASES as BY_MECHANISM
from tests.backends.domain.startup.test_wordings import MESSAGES

NAMES = sorted(path.stem for path in REDUCED.glob("*.log"))


@pytest.mark.parametrize("name", NAMES)
def test_a_reduced_log(name: str) -> None:
    expected = json.loads((REDUCED / f"{name}.json").read_text())
    assert [document(start) for start in starts_in((REDUCED / f"{name}.log").read_bytes())] == (
        expected
    )


def test_every_log_has_its_document() -> None:
    assert sorted(path.stem for path in REDUCED.glob("*.json")) == NAMES
    assert len(NAMES) >= 59


def test_every_wording_has_a_line_that_it_is_found_by() -> None:
    seen = {row for name in NAMES for row in rows_of((REDUCED / f"{name}.log").read_bytes())}
    seen |= {row for message in MESSAGES for row in rows_of(message.encode())}
    assert [row.pattern.pattern for row in WORDINGS if row not in seen] == []


def test_every_failure_has_a_line_that_it_is_found_by() -> None:
    lines = [line for _, line, _, _ in CASES]
    for name in NAMES:
        starts = starts_in((REDUCED / f"{name}.log").read_bytes())
        lines += [start.failure.line for start in starts if start.failure is not None]
    told = [(line, "", [""]) for line in lines]
    for _, frames, message, _, _ in (*BY_FAMILY, *BY_MECHANISM):
        places = [frame.replace(" ", "") for frame in frames.split("|")]
        told += [(message, "profile_memory", places), (message, "", places)]
    seen = [found[0] for one in told if (found := classify(*one)) is not None]
    assert [row.pattern.pattern for row in FAILURES if row not in seen] == []


def test_whole_logs_still_give_the_documents_of_the_reduced_ones(
    shared: Path, tmp_path: Path
) -> None:
    for path in sorted((shared / "logs").glob("*.log")):
        assert reduce_file(path, tmp_path) == []
        name = f"{reduced_name(path)}.json"
        fresh, kept = (json.loads((folder / name).read_text()) for folder in (tmp_path, REDUCED))
        assert without_line_numbers(fresh) == without_line_numbers(kept), path.name


BANNER = (
    "INFO 03-01 16:04:20 [api_server.py:1] vLLM API server version 0.14.0\n"
    "INFO 03-01 16:04:21 [utils.py:253] non-default args: {'host': 'gpu7.corp', 'model': "
    "'/home/jane/secret-model', 'port': 8011, 'served_model_name': ['ours']}\n"
    "INFO 03-01 16:04:29 [x.py:1] a line of jane's own\n"
)
FAILED = "OSError: {}Cannot allocate memory for /home/jane/secret-model at 192.168.7.7\n"


def test_a_reduced_log_names_nobody(tmp_path: Path) -> None:
    whole = tmp_path / "v0.14.0_ok.log"
    whole.write_text(BANNER + FAILED.format(""))
    assert reduce_file(whole, tmp_path) == []
    assert (tmp_path / "v0.14.0_ready.log").read_text() == (
        "INFO 03-01 16:04:20 [api_server.py:1] vLLM API server version 0.14.0\n"
        "INFO 03-01 16:04:21 [utils.py:253] non-default args: {'model': '/path/model', "
        "'port': 8011, 'served_model_name': ['x']}\n"
        "INFO 03-01 16:04:29 [x.py:1] ...\n"
        "OSError: Cannot allocate memory for /path/model at 10.0.0.1\n"
    )


def test_a_log_that_cannot_be_reduced_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "v0.14.0_failed.log"
    whole.write_text(BANNER + FAILED.format("x" * 300))
    (wrong,) = reduce_file(whole, tmp_path)
    assert "failure.kind: 'host_out_of_memory' in the whole log, 'unknown'" in wrong
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    ("text", "neutral"),
    [
        ("see https://wiki.corp/page", "see https://host/page"),
        ("asked https://huggingface.co/x", "asked https://huggingface.co/x"),
        ("token hf_abcdefgh123", "token hf_token"),
        ("of jane.doe@corp.example", "of someone@example.com"),
        ("at 10.1.2.3, version 0.10.1.1+nv25", "at 10.0.0.1, version 0.10.1.1+nv25"),
        ("bound to 0.0.0.0 and 127.0.0.1", "bound to 0.0.0.0 and 127.0.0.1"),
        ("in /home/jane/cache/file.bin", "in /path/file.bin"),
    ],
)
def test_neutral_names(text: str, neutral: str) -> None:
    assert Names(()).neutral(text) == neutral


def test_the_host_before_a_line_of_journald_is_neutral() -> None:
    head = Names(()).neutral_head("Dec 07 18:59:10 janes-box bash[9938]: INFO 12-07 23:59:10 ")
    assert head == "Dec 07 18:59:10 host vllm[9938]: INFO 12-07 23:59:10 "
