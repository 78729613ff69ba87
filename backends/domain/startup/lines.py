"""Bytes of a log -> lines -> records: colour, progress bars, process prefixes, headers, JSON."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from backends.domain.startup.log_bytes import utf8

LONGEST_LINE_BYTES = 256 * 1024
"""A longer line is cut, so that a file without newlines needs no more memory than this."""

SEARCHED_BYTES = 4 << 20
SAMPLE_CHARACTERS = 32 * 1024
"""A server colours all of its lines or none, so that what follows so much needs only samples."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[()][A-Z0-9]|)")
_LOGFMT = re.compile(
    r'^time="?(?P<time>[^" \n]{1,40})"? level=\w{1,10} msg="(?P<message>(?:[^"\\\n]|\\.)*)"[^\n]*',
    re.MULTILINE,
)
"""A line inside one of another program's log: ``time="…" level=info msg="…" component=vllm``."""
_WITHOUT_ESC = re.compile(r"(?:\^\[|#033|\\u001b|\\x1b|\\033|\ufffd|\u241b)?\[[0-9;]{1,10}m")
"""Colours whose escape character a terminal's copy, rsyslog or a JSON encoder took or spelt out."""

# Each process writes its prefix before what reaches it, so a line may carry a chain of them:
# (EngineCore pid=9) (RayWorkerProc pid=4, ip=10.0.0.2) (Worker_TP1 pid=4). The last one spoke.
_IP = r"(?:, ip=[\w.:]{0,50})?"
_NAME = r"[A-Za-z][\w.:-]*(?: [A-Z]P\d{1,4})?"
_ONE_PROCESS = rf"\((?:(?:{_NAME}(?: rank=\d{{1,6}})? )?pid=\d+|raylet){_IP}\) ?"
_CHAIN = (
    rf"(?:{_ONE_PROCESS}(?=\()){{0,8}}"
    rf"(?:\((?:(?P<process>{_NAME})(?: rank=(?P<rank>\d{{1,6}}))? )?pid=\d+{_IP}\) ?"
    rf"|\((?P<raylet>raylet){_IP}\) ?|\[rank(?P<torch_rank>\d{{1,6}})\]: ?)?"
)

# (EngineCore_DP0 pid=12) INFO 11-21 08:09:22 [core.py:133] [backbone] Using max model len 1024
#  process                level stamp                         tag        word
_HEAD = re.compile(
    _CHAIN + r"(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)"
    r"(?: (?P<stamp>\d\d-\d\d \d\d:\d\d:\d\d) \[?[^\]\s]*\] ?|: +| (?=\[\w)))?"
    r"(?:\[\d{4}-(?P<bracket>\d\d-\d\d \d\d:\d\d:\d\d)\] [A-Z]+ \S+:\d+: )?"
    r"(?:\[[\w/]{1,80}\.py:\d+\] )?"
    r"(?:\[(?P<tag>[a-z_]+)\] )?"
    r"(?P<word>  Value error| *[▀▄█][▀▄█ ]* (?:version|model)(?= )|Engine 000:|The above|\S*)"
)

# Nearly every line of a server's log; what it does not match, `_HEAD` does more slowly.
_BARE_RECORD = (
    r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (\d\d-\d\d \d\d:\d\d:\d\d) \[?[^\]\s]*\] "
    r"((?!Engine |The )[^\s\[▀▄█]\S*)"
)
_RECORD = re.compile(_BARE_RECORD)
_RECORD_OF_PROCESS = re.compile(rf"(?:{_ONE_PROCESS}){{1,9}}{_BARE_RECORD}")

# What docker, compose, kubernetes and journald put before each line, with their own time.
_OUTER = re.compile(
    r"(?:[\w.-]+ +\| )?(?:\[pod/[^\]]+\] )?"
    r"(?:(?:\d{4}-(?P<date>\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d(?:[.,]\d+)?)"
    r"(?:Z|[+-]\d\d:?\d\d)?|(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) "
    r"(?P<clock>\d\d:\d\d:\d\d(?:\.\d+)?)) )?"
    r"(?:std(?:out|err) [FP] )?(?:[\w.-]+ (?:[\w@./-]+\[\d+\]|kernel): )?"
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
_OUTER_BEGINS = "2["
_OUTER_WORDS = frozenset((*_MONTHS, "std"))
_RECORD_INSIDE = re.compile(
    rf"(?:{_ONE_PROCESS}){{0,9}}"
    r"(?:INFO|WARNING|ERROR) (?P<stamp>\d\d-\d\d \d\d:\d\d:\d\d) (?:\[|\w+\.py:\d)"
)
# Two patterns, as one with all between them would take quadratic time where the second is missing.
_JSON_TIME = re.compile(r'"asctime": "\d{4}-(\d\d-\d\d \d\d:\d\d:\d\d[,.]?\d*)')
_JSON_MESSAGE = re.compile(r'"message": "(?:\[[a-z_]+\] )?(Engine 000:|[^\s"\\]*)')


class Glimpse(NamedTuple):
    """The little of a line that tells whether it is worth reading.

    Attributes:
        word: first word of the message.
        stamp: ``MM-DD HH:MM:SS`` with any fraction, empty where the line has no time.
        outer: the time is that of a prefix put by a container runtime or journald.
        offset: where the process prefix begins.
    """

    word: str
    stamp: str
    outer: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """One line, taken apart.

    Attributes:
        process: as vLLM names it, for example ``EngineCore_DP0``, empty where it names none.
        rank: as the oldest prefix gives it, else None.
        level: of the logger, empty for what no logger wrote.
        tag: ``aiter``, ``shutdown``, ``backbone``; the bracket before some messages.
        message: without prefix, header and tag.
        trace: the lines of a JSON record's traceback, last one last.
    """

    process: str
    rank: int | None
    level: str
    tag: str
    word: str
    message: str
    trace: tuple[str, ...] = ()


class LineSplitter:
    """Cuts bytes, in whatever pieces they arrive, into clean lines.

    Attributes:
        numbers: of the lines that were returned last, from 1 on, as ``grep -n`` gives them; what
            only a carriage return separates shares one.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._number = 1
        self._pending = b""
        self._after_return = False

    def feed(self, data: bytes) -> list[str]:
        r"""Return the lines that `data` completes; ``\n``, ``\r`` and ``\r\n`` end a line."""
        self.numbers = []
        if self._after_return and data[:1] == b"\n":
            data = data[1:]
            self._after_return = False
            self._number += 1
        if not data:
            return []
        self._after_return = data[-1:] == b"\r"
        whole, end, rest = _cut_off(self._pending + data)
        lines = self._split(whole, end) if end else []
        self._pending = rest
        while len(self._pending) > LONGEST_LINE_BYTES:
            self.numbers.append(self._number)
            lines.append(clean(self._pending[:LONGEST_LINE_BYTES]))
            self._pending = self._pending[LONGEST_LINE_BYTES:]
        return lines

    def rest(self) -> list[str]:
        """Return what was left without an end of line, and forget it."""
        pending, self._pending = self._pending, b""
        self.numbers = [self._number] if pending else []
        return [clean(pending)] if pending else []

    def _split(self, whole: bytes, end: bytes) -> list[str]:
        text, first = clean(whole), self._number
        lines = text.split("\n")
        self._number += len(lines) - (end != b"\n")
        if "\r" not in text:
            self.numbers = list(range(first, first + len(lines)))
            return lines
        parts = [
            (number, part) for number, line in enumerate(lines, first) for part in line.split("\r")
        ]
        self.numbers = [number for number, _ in parts]
        return [part for _, part in parts]


def _cut_off(block: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what is before the last end of a line, that end, and what is behind it."""
    if b"\r" not in block:
        return block.rpartition(b"\n")
    block = block.replace(b"\r\n", b"\n")
    at = max(block.rfind(b"\n"), block.rfind(b"\r"))
    return block[: max(at, 0)], block[at : at + 1] if at >= 0 else b"", block[at + 1 :]


def numbered_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    r"""Yield the lines of a file with their 1-based numbers as ``grep -n`` gives them.

    What a lone ``\r`` separates, as progress bars do, shares one number.
    """
    number, pending, read_bytes = 1, b"", 0
    for chunk in utf8(chunks):
        whole, newline, pending = (pending + chunk).rpartition(b"\n")
        if newline:
            read_bytes += len(whole)
            lines = clean(whole, sample=read_bytes > SEARCHED_BYTES).split("\n")
            yield from _numbered(number, lines) if b"\r" in whole else enumerate(lines, number)
            number += len(lines)
        while len(pending) > LONGEST_LINE_BYTES:
            yield number, clean(pending[:LONGEST_LINE_BYTES])
            pending = pending[LONGEST_LINE_BYTES:]
    if pending:
        yield from _numbered(number, [clean(pending)])


def clean(block: bytes, *, sample: bool = False) -> str:
    """Return bytes as text: what is not UTF-8 replaced, colours and other escapes gone.

    A carriage return that rsyslog spelt out at the end of a line is gone as well.

    Args:
        block: whole lines.
        sample: look for colours that lost their escape character in its first and last lines only.
    """
    text = block.decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if text.startswith("time=") and ' msg="' in text[:SAMPLE_CHARACTERS]:
        text = _LOGFMT.sub(_out_of_logfmt, text)
    sought = text
    if sample and len(text) > 2 * SAMPLE_CHARACTERS:
        sought = text[:SAMPLE_CHARACTERS] + text[-SAMPLE_CHARACTERS:]
    # A single character is sought many times faster than several.
    coloured = "[" in sought and ("[0m" in sought or "[0;0m" in sought)
    if "#015" in sought:
        text = text.replace("#015\n", "\n").removesuffix("#015")
    return _WITHOUT_ESC.sub("", text) if coloured else text


def _out_of_logfmt(line: re.Match[str]) -> str:
    message = re.sub(r"\\(.)", r"\1", line["message"])
    return f"{line['time']} {message}"


def head_of(line: str) -> Glimpse:
    """Return what decides whether `line` is worth reading; as fast as Python allows."""
    record = _RECORD.match(line)
    if record is None and line[:1] == "(":
        record = _RECORD_OF_PROCESS.match(line)
    if record is not None:
        return _glimpse(record[2], record[1])
    if line[:1].islower() and not _may_have_prefix(line):
        return _glimpse(line.split(None, 1)[0], "")
    return _head_of_json(line) if line[:2] == '{"' else head_of_text(line)


@lru_cache(maxsize=512)  # nearly all lines are alike in this, and to make one anew takes longer
def _glimpse(word: str, stamp: str) -> Glimpse:
    return Glimpse(word, stamp, False, 0)


def head_of_text(line: str) -> Glimpse:
    """Return the same as `head_of` for any line that is no JSON, by looking at all of its head."""
    head = _HEAD.match(line)
    assert head is not None  # every part is optional
    word, stamp, bracket, level = head.group("word", "stamp", "bracket", "level")
    if stamp:
        return Glimpse(word, stamp, False, 0)
    if word == "" or level or line[0] == "(":
        if word[:2] == "20" and word[:4].isdigit():
            return _head_behind_prefix(line, head.start("word"))
        return _glimpse(word, bracket or "")
    if bracket or not _may_have_prefix(line):
        return _glimpse(word, bracket or "")
    return _head_behind_prefix(line, 0)


def is_outer_prefix(line: str, end: int) -> bool:
    """Tell whether the first `end` characters are a prefix that `head_of` reads the time of."""
    outer = _OUTER.match(line)
    return outer is not None and outer.end() == end


def _may_have_prefix(line: str) -> bool:
    """Tell whether something may stand before the line's own head; no for nearly all lines."""
    return (
        line[0] in _OUTER_BEGINS
        or "| " in line
        or "]: " in line
        or line[:3] in _OUTER_WORDS
        or "INFO " in line
        or "WARNING " in line
        or "ERROR " in line
    )


def read(line: str, glimpse: Glimpse) -> Record:
    """Return the whole of a line whose glimpse was interesting."""
    if line[:2] == '{"':
        return _read_json(line)
    head = _HEAD.match(line, glimpse.offset)
    assert head is not None
    rank = int(head["rank"]) if head["rank"] else None
    return Record(
        process=_process_of(head),
        rank=rank,
        level=head["level"] or "",
        tag=head["tag"] or "",
        word=head["word"],
        message=line[head.start("word") :].rstrip(),
    )


def _process_of(head: re.Match[str]) -> str:
    if head["torch_rank"] is not None:
        return f"rank {head['torch_rank']}"
    return head["process"] or head["raylet"] or ""


def _head_behind_prefix(line: str, start: int) -> Glimpse:
    outer = _OUTER.match(line, start)
    assert outer is not None
    offset = outer.end()
    if offset == start:
        inside = _RECORD_INSIDE.search(line, start, start + 400)
        if inside and "](" in line:  # it is glued to a progress bar, which comes first
            return Glimpse(_first_word(line, start), inside["stamp"], False, start)
        offset = inside.start() if inside else start
    head = _HEAD.match(line, offset)
    assert head is not None
    stamp = _outer_stamp(outer)
    inner = head.start("word")
    if start == 0 < inner and head["word"][:2] == "20" and head["word"][:4].isdigit():
        word, _, _, offset = _head_behind_prefix(line, inner)
        return Glimpse(word, stamp, stamp != "", offset)
    if stamp and start == 0:
        return Glimpse(head["word"], stamp, True, offset)
    return Glimpse(head["word"], head["stamp"] or head["bracket"] or stamp, False, offset)


def _first_word(line: str, start: int) -> str:
    return line[start : start + 80].partition(" ")[0]


def _outer_stamp(outer: re.Match[str]) -> str:
    if outer["date"]:
        return f"{outer['date']} {outer['time'].replace(',', '.')}"
    if outer["month"] in _MONTHS:
        month = _MONTHS.index(outer["month"]) + 1
        return f"{month:02}-{int(outer['day']):02} {outer['clock']}"
    return ""


def _head_of_json(line: str) -> Glimpse:
    time = _JSON_TIME.search(line)
    found = _JSON_MESSAGE.search(line, time.end()) if time else None
    if time is None or found is None:
        return Glimpse("", "", False, 0)
    word = "Traceback" if '"exc_info"' in line else found[1]
    return Glimpse(word, time[1].replace(",", "."), False, 0)


def _read_json(line: str) -> Record:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        return Record("", None, "", "", "", line)
    head = _HEAD.match(str(entry.get("message", "")))
    assert head is not None
    trace = [text for text in str(entry.get("exc_info", "")).split("\n") if text.strip()]
    return Record(
        process=str(entry.get("vllm_process_name", "")),
        rank=None,
        level=str(entry.get("levelname", "")),
        tag=head["tag"] or "",
        word=head["word"],
        message=head.string[head.start("word") :].rstrip(),
        trace=tuple(trace),
    )


def _numbered(number: int, lines: list[str]) -> Iterator[tuple[int, str]]:
    for place, line in enumerate(lines, number):
        if "\r" not in line:
            yield place, line
        else:
            for part in line.split("\r"):
                if part:
                    yield place, part
