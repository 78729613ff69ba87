import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.startup.lines import (
    LONGEST_LINE_BYTES,
    SEARCHED_BYTES,
    LineSplitter,
    head_of,
    head_of_text,
    numbered_lines,
    read,
)
from tests.backends.domain.startup.logs import recorded

PIECES = st.sampled_from(
    [
        b"a",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x1b[1;36m",
        b"\x1b",
        b"\xe2\x96\x84",
        b"\xe2",
        b"\xff",
        b"INFO ",
    ]
)


def lines_of(data: bytes, sizes: list[int]) -> list[str]:
    splitter, lines, at = LineSplitter(), list[str](), 0
    for size in [*sizes, len(data)]:
        lines += splitter.feed(data[at : at + size])
        at += size
    return lines + splitter.rest()


@given(st.lists(PIECES).map(b"".join), st.lists(st.integers(0, 7)))
def test_the_same_lines_wherever_the_bytes_are_cut(data: bytes, sizes: list[int]) -> None:
    assert lines_of(data, sizes) == lines_of(data, [])


@given(st.lists(PIECES).map(b"".join), st.integers(1, 5))
def test_the_same_numbered_lines_wherever_the_bytes_are_cut(data: bytes, size: int) -> None:
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(numbered_lines(chunks)) == list(numbered_lines([data]))


@given(st.lists(PIECES).map(b"".join), st.lists(st.integers(0, 7)))
def test_live_lines_have_the_numbers_of_the_file(data: bytes, sizes: list[int]) -> None:
    splitter, lines, at = LineSplitter(), list[tuple[int, str]](), 0
    for size in [*sizes, len(data)]:
        cut = splitter.feed(data[at : at + size])
        lines += zip(splitter.numbers, cut, strict=True)
        at += size
    rest = splitter.rest()
    lines += zip(splitter.numbers, rest, strict=True)
    in_file = [each for each in numbered_lines([data]) if each[1]]
    assert [each for each in lines if each[1]] == in_file


def test_progress_bars_end_with_a_return_and_share_a_number() -> None:
    log = b"one\nbar 1/2 [\rbar 2/2 [\r\nthree\n"
    assert lines_of(log, []) == ["one", "bar 1/2 [", "bar 2/2 [", "three"]
    assert list(numbered_lines([log])) == [
        (1, "one"),
        (2, "bar 1/2 ["),
        (2, "bar 2/2 ["),
        (3, "three"),
    ]


def test_a_line_without_end_is_cut_instead_of_kept() -> None:
    splitter = LineSplitter()
    lines = splitter.feed(b"x" * (2 * LONGEST_LINE_BYTES + 10))
    assert [len(line) for line in lines] == [LONGEST_LINE_BYTES] * 2
    assert splitter.rest() == ["x" * 10]


MESSAGE = "Using max model len 1024"
HEADER = "INFO 11-21 08:09:22 [model.py:2152] "
STAMP = "11-21 08:09:22"
PREFIXES = {
    "none": ("", "", STAMP, False),
    "worker up to 0.10.0": ("(VllmWorker rank=3 pid=775160) ", "VllmWorker", STAMP, False),
    "engine 0.10.1": ("(EngineCore_0 pid=194) ", "EngineCore_0", STAMP, False),
    "engine up to 0.17": ("(EngineCore_DP0 pid=12) ", "EngineCore_DP0", STAMP, False),
    "worker of a group": ("(Worker_DP0_TP1_EP1 pid=12) ", "Worker_DP0_TP1_EP1", STAMP, False),
    "docker": ("2026-11-21T08:09:23.123456789Z ", "", "11-21 08:09:23.123456789", True),
    "containerd": ("2026-11-21T08:09:23.5Z stderr F ", "", "11-21 08:09:23.5", True),
    "compose": ("vllm-1  | ", "", STAMP, False),
    "kubectl": ("[pod/vllm-0/vllm] ", "", STAMP, False),
    "journald": ("Nov  1 07:00:39 gpu-host vllm[103]: ", "", "11-01 07:00:39", True),
    "journald with process": (
        "Dec 07 19:00:39 gpu-host bash[1]: (EngineCore_0 pid=195) ",
        "EngineCore_0",
        "12-07 19:00:39",
        True,
    ),
    "VLLM_LOGGING_PREFIX": ("[blue] ", "", STAMP, False),
}


@pytest.mark.parametrize(("prefix", "process", "stamp", "outer"), PREFIXES.values(), ids=PREFIXES)
def test_every_prefix_is_taken_off(prefix: str, process: str, stamp: str, outer: bool) -> None:
    line = f"{prefix}{HEADER}{MESSAGE}"
    glimpse = head_of(line)
    record = read(line, glimpse)
    assert (glimpse.word, glimpse.stamp, glimpse.outer) == ("Using", stamp, outer)
    assert (record.message, record.process, record.level) == (MESSAGE, process, "INFO")


def test_an_indented_line_of_a_traceback_has_no_first_word() -> None:
    line = "(EngineCore pid=7) ERROR 11-21 08:09:22 [core.py:1510]     raise ValueError("
    assert head_of(line).word == ""
    assert head_of("(APIServer pid=7)     raise ValueError(").word == ""


def test_a_json_record_is_read_as_its_message() -> None:
    line = (
        '{"asctime": "2026-11-21 08:10:27,886", "levelname": "ERROR", "name": "vllm.v1.core", '
        '"process": 19269, "message": "EngineCore failed to start.", '
        '"exc_info": "Traceback (most recent call last):\\n  File \\"a\\"\\nValueError: no", '
        '"vllm_process_name": "EngineCore"}'
    )
    glimpse = head_of(line)
    record = read(line, glimpse)
    assert glimpse.stamp == "11-21 08:10:27.886"
    assert record.process == "EngineCore"
    assert record.trace[-1] == "ValueError: no"


@pytest.mark.parametrize("name", ["compiled", "eager", "max_model_len", "bad_flag"])
def test_the_quick_look_at_a_line_sees_what_the_thorough_one_sees(name: str) -> None:
    lines = recorded(name).decode().splitlines()
    odd = [
        "(Worker_TP1 rank=3 pid=7) INFO 11-21 08:00:00 [a.py:1] Engine 000: Avg prompt",
        "ERROR 11-21 08:00:00 [a.py:1] The above exception was the direct cause",
        "INFO 11-21 08:00:00 [a.py:1] [backbone] Using max model len 1024",
        "INFO 11-21 08:00:00 [a.py:1]   Value error, no",
        "another program's words",
        "vllm-1  | INFO 11-21 08:00:00 [a.py:1] Using max model len 1024",
        "host vllm[12]: INFO 11-21 08:00:00 [a.py:1] Using max model len 1024",
        "stdout F INFO 11-21 08:00:00 [a.py:1] Using max model len 1024",
        "x\ty",
    ]
    for line in lines + odd:
        if not line.startswith('{"'):
            assert head_of(line) == head_of_text(line)


def test_a_json_line_without_a_message_takes_time_in_proportion_to_its_length() -> None:
    def cpu_s(times: int) -> float:
        line = '{"' + '"asctime": "2026-09-14 07:07:02 ' * times
        begin_s = time.process_time()
        head_of(line)
        return time.process_time() - begin_s

    assert cpu_s(2000) < 100 * max(cpu_s(20), 0.0002)


def test_colours_without_escape_are_found_in_a_long_log_that_had_none_before() -> None:
    plain = [f"INFO 11-21 08:00:00 [a.py:{n}] a line of no colour" for n in range(200_000)]
    coloured = ["[0;36m(EngineCore pid=9)[0;0m ValueError: no room"] * 2000
    text = ("\n".join([*plain, *coloured]) + "\n").encode()
    chunks = [text[at : at + (1 << 20)] for at in range(0, len(text), 1 << 20)]
    assert len(chunks) > SEARCHED_BYTES >> 20
    told = [line for _, line in numbered_lines(chunks)]
    assert told[-1] == "(EngineCore pid=9) ValueError: no room"


@pytest.mark.parametrize("cut", [4, 5])
def test_a_return_and_its_newline_end_one_line_wherever_they_are_parted(cut: int) -> None:
    data = b"one\r\ntwo\n\nthree\n"
    splitter = LineSplitter()
    assert [*splitter.feed(data[:cut]), *splitter.feed(data[cut:])] == ["one", "two", "", "three"]


def test_what_a_container_runtime_writes_before_a_line_is_passed_over() -> None:
    said, plain = head_of("stdout F ValueError: no"), head_of("ValueError: no")
    assert (said.word, said.offset) == (plain.word, len("stdout F "))


def test_colours_without_their_escape_are_sought_within_the_first_four_mebibytes() -> None:
    half = b"x" * (SEARCHED_BYTES // 2)
    coloured = half[:-4] + b"[0m\n" + half
    (_, first), (_, second) = numbered_lines([coloured + b"\n"])
    assert "[0m" not in first + second
    (_, first), (_, second) = numbered_lines([b"x" + coloured + b"\n"])
    assert "[0m" in first + second
