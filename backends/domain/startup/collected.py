"""Lines that a collector of logs keeps in fields of JSON, or many on one, as they were written."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from backends.domain.startup.lines import clean

_UNSURE = '{ "F'
"""How JSON begins, and a traceback's frame."""
_SHORTEST = 160
"""Characters below which a line holds no second record, and no traceback."""
_FIRST_HEAD = 60
"""Characters within which a line's own record, which names a file of vLLM, mostly begins."""
_FIELD = re.compile(
    r'"(?:log|message|MESSAGE|msg|textPayload|line|@message|body)" ?: ?'
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")'
)
"""Where Docker, fluentd, journald, CloudWatch, Google Cloud and Loki keep a line."""
_TIME = re.compile(
    r'"(?:time|timestamp|@timestamp|ts)" ?: ?"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?)'
)
_PROCESS = r"\([A-Za-z][\w.:-]*(?: rank=\d{1,6}| [A-Z]P\d{1,4})? pid=\d+[^()\n]{0,60}\) ?"
_STAMPED = (
    r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[?[\w./-]{1,80}:\d+\] ?"
)
_HEAD = re.compile(
    r"(?:\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)? )?"
    rf"(?:(?:{_PROCESS})+(?:{_STAMPED})?|{_STAMPED})"
)
"""How a record of vLLM begins."""
_MARK = (
    r"Traceback \(most recent call last\):|File \"[^\"\n]{1,400}\", line \d|"
    r"During handling of the above|The above exception was|Fatal Python error: |"
    r"Memory access fault by GPU|(?<!error: )Segmentation fault|terminate called after|"
    r"(?<= )[\w.-]+:\d+:\d+ \[\d+\] [^\n]{0,80}?NCCL WARN|"
    r"(?<= )(?:vllm(?: \w+)?|api_server\.py): error: "
)
_MARKED = re.compile(_MARK)
"""How the lines of a traceback or crash begin, which stand in no message."""
_PART = re.compile(
    rf"{_MARK}|(?<= )Value error, |"
    r"(?<=[\s*^~)])(?<!Error: )(?<!Exception: )"
    r"(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt): "
)
"""The same, and what ends a traceback, behind its last line of source or the carets below it."""
_INDENTED = ("File ", "Value error, ")
_UNLOGGED = re.compile(r"(?:DEBUG|INFO|WARNING) .*")
_SPELT_OUT = re.compile(
    r"^Traceback \(most recent call last\):\\n|\\n(?:\(|[A-Z]{4,8} \d\d-|Traceback \()"
)
"""Ends of lines that a program wrote as two characters, for a line that begins as only one does."""
_QUOTES = "failed with error"
"""What only quotes another process's traceback stays whole."""


def is_one(line: str) -> bool:
    """Tell whether a line is as it was written; at the cost of a look-up for nearly all."""
    # A fixed word is sought many times faster than a pattern, and nearly no line has it here.
    return line[0] not in _UNSURE and (len(line) < _SHORTEST or line.find(".py", _FIRST_HEAD) < 0)


def lines_in(line: str) -> Iterator[str]:
    """Yield the lines that one may hold, as they were written, none of them empty.

    A time that a collector keeps beside a line comes before it, as `docker logs -t` puts it.
    """
    for part in _fields(line) if _may_be_json(line) else (line,):
        long = len(part) >= _SHORTEST and part.find(".py", _FIRST_HEAD) >= 0
        if long or part.startswith("File "):
            yield from filter(None, _records(part))
        else:
            yield part


def _may_be_json(line: str) -> bool:
    return line.lstrip()[:1] in {"{", '"'} and '"asctime"' not in line


def _fields(line: str) -> Iterator[str]:
    found = _FIELD.search(line)
    text = _unescaped(found["text"]) if found else None
    if text is None:
        yield line
        return
    time = _TIME.search(line)
    stamp = f"{time[1]}Z " if time else ""
    for part in text.replace("\r", "\n").split("\n"):
        if part.strip():
            yield stamp + part


def _unescaped(text: str) -> str | None:
    try:
        written = str(json.loads(text, strict=False))
    except ValueError:
        return None
    return clean(written.encode("utf-8", "replace"))


def _records(line: str) -> Iterator[str]:
    if _SPELT_OUT.search(line):
        for part in line.split("\\n"):
            if part:
                yield part.replace('\\"', '"')
        return
    heads = list(_HEAD.finditer(line))
    begins = [head.start() for head in heads]
    if len(heads) < 2:
        heads, begins = (heads, [0]) if begins == [0] else ([], [0])
    elif begins[0] > 0:
        yield line[: begins[0]]
    for place, (begin, end) in enumerate(zip(begins, [*begins[1:], len(line)], strict=True)):
        head = heads[place][0] if heads else ""
        yield from _traceback(head, line[begin + len(head) : end].rstrip())


def _traceback(head: str, text: str) -> Iterator[str]:
    if _QUOTES in text or not _MARKED.search(text):
        yield head + text
        return
    begins = [part.start() for part in _PART.finditer(text)]
    yield head + text[: begins[0]].rstrip()
    # No logger writes a traceback behind what it merely tells: this is what a process printed.
    head = _UNLOGGED.sub("", head)
    for begin, end in pairwise([*begins, len(text)]):
        part = text[begin:end].rstrip()
        yield f"{head}{'  ' if part.startswith(_INDENTED) else ''}{part}"
