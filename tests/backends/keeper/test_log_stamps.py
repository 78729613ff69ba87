import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import PhaseBegan, StartFact
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.keeper.log import RotatedLog
from backends.keeper.log_stamps import StampRemover, stamping, take_stamp, unstamped_because
from backends.keeper.pump import pump

AT = Stamp(500.0, 1_800_000_000.0)
MADE = "\x021799999999.750000\x03"
RECORD = "INFO 11-21 08:00:00 [a.py:1] Starting to load model org/model..."
PIECES = [f"{MADE}{RECORD}\r\n", f"(Worker pid=7) {MADE}é\n", "\x02 no stamp \x03", "\x02", "12.5"]


def test_the_users_own_prefix_stays_before_ours() -> None:
    told = stamping({"VLLM_LOGGING_PREFIX": "[gpu0] "})["VLLM_LOGGING_PREFIX"]
    assert told % {"created": 1.5} == "[gpu0] \x021.500000\x03"


@given(st.lists(st.sampled_from(PIECES)), st.lists(st.integers(1, 40)))
def test_what_is_no_stamp_is_kept_however_the_bytes_arrive(
    pieces: list[str], cuts: list[int]
) -> None:
    data, remover, written = "".join(pieces).encode(), StampRemover(), b""
    at = 0
    for size in [*cuts, len(data)]:
        written += remover.feed(data[at : at + size])
        at += size
    written += remover.rest()
    assert written == "".join(piece.replace(MADE, "") for piece in pieces).encode()


@pytest.mark.parametrize("before", ["", "(EngineCore_DP0 pid=12) "])
def test_a_line_tells_when_its_record_was_made(before: str) -> None:
    assert take_stamp(AT, f"{before}{MADE}{RECORD}") == (
        Stamp(499.75, 1_799_999_999.75),
        before + RECORD,
    )


@pytest.mark.parametrize("wall_s", [1_700_000_000.0, 1_800_000_000.5])
def test_a_stamp_of_another_time_than_the_clocks_counts_as_none(wall_s: float) -> None:
    assert take_stamp(AT, f"\x02{wall_s:f}\x03{RECORD}") == (AT, RECORD)


def test_a_line_without_stamp_came_when_it_arrived() -> None:
    assert take_stamp(AT, "INFO:     Application startup complete.") == (
        AT,
        "INFO:     Application startup complete.",
    )


def test_phases_begin_when_the_record_was_made_and_the_log_does_not_show_it(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{MADE}{RECORD}\n".encode())
    os.close(writing)
    told: list[StartFact] = []
    log = RotatedLog(tmp_path / "server.log")
    pump(reading, log, LineSplitter(), StartReader(), tell=told.append, now=lambda: AT)
    os.close(reading)
    assert PhaseBegan(Stamp(499.75, 1_799_999_999.75), PhaseName.LOAD_WEIGHTS) in told
    assert (tmp_path / "server.log").read_text() == f"{RECORD}\n"


@pytest.mark.parametrize(
    ("argv", "environment", "because"),
    [
        ((), {}, ""),
        (("--port", "1"), {"VLLM_CONFIGURE_LOGGING": "1"}, ""),
        ((), {"VLLM_LOGGING_CONFIG_PATH": "log.json"}, "VLLM_LOGGING_CONFIG_PATH"),
        ((), {"VLLM_CONFIGURE_LOGGING": "0"}, "VLLM_CONFIGURE_LOGGING"),
        (("--logging-config.formatter", "json"), {}, "--logging-config"),
        (("--log-config-file=log.json",), {}, "--logging-config"),
    ],
)
def test_a_logging_of_the_users_own_is_named(
    argv: tuple[str, ...], environment: dict[str, str], because: str
) -> None:
    assert unstamped_because(argv, environment) == because
