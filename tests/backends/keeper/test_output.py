"""Lines with the times that their keeper, journal or pod wrote beside them."""

import os
import threading
import time
from pathlib import Path

import pytest

from backends.containers.container import wall_s
from backends.keeper.order import LogSource
from backends.keeper.output import (
    FollowedOutput,
    _just_after,
    _of_container_file,
    _of_journal_line,
    _stamped,
)


def test_a_line_of_the_journal_has_its_own_time() -> None:
    at_s, line = _of_journal_line(b"1796025629.123456 vllm[123]: INFO 11-30 08:00:29 hello: x\n")
    assert at_s == pytest.approx(1796025629.123456)
    assert line == b"INFO 11-30 08:00:29 hello: x\n"


@pytest.mark.parametrize(
    ("tag", "text"), [(b"F", b"INFO hello\n"), (b"P", b"INFO hello")], ids=["whole", "part"]
)
def test_a_line_of_a_pod_has_its_own_time_and_may_be_a_part(tag: bytes, text: bytes) -> None:
    at_s, line = _of_container_file(b"2026-11-30T08:00:29.959827876Z stdout %s INFO hello\n" % tag)
    assert at_s == pytest.approx(wall_s("2026-11-30T08:00:29.959827Z"))
    assert line == text


def test_what_follows_is_asked_from_the_next_nanosecond_on() -> None:
    assert _just_after("2026-11-30T08:00:29.999999999Z") == "1796025630.000000000"
    assert _just_after("no time") == ""


def test_each_bar_of_a_line_has_the_time_of_the_line() -> None:
    assert _stamped(1.5, b"\rone\rtwo\r\n").count(b"\x021.500000\x03") == 3


def test_the_file_of_a_server_in_another_zone_is_read_at_the_times_of_this_host(
    tmp_path: Path,
) -> None:
    began_s = time.time() - 120
    apart_s = 5.5 * 3600

    def line(after_s: float, text: str) -> str:
        shown = time.localtime(began_s + after_s + apart_s)
        return time.strftime("INFO %m-%d %H:%M:%S ", shown) + f"[x.py:1] {text}\n"

    path = tmp_path / "vllm.log"
    path.write_text(line(10, "first") + "no time\n" + line(119, "last"))
    ended = threading.Event()
    output = FollowedOutput(LogSource("file", str(path)), began_s, ended.is_set)
    receiver = output.begin()
    ended.set()
    with os.fdopen(receiver, "rb") as pipe:
        stamps = [float(one[1:18]) for one in pipe.read().split(b"\n") if one[:1] == b"\x02"]
    assert stamps == [
        pytest.approx(began_s + 10, abs=1.1),
        pytest.approx(began_s + 10, abs=1.1),
        pytest.approx(began_s + 119, abs=1.1),
    ]
