"""Lines of an access log that name what they say: ``key=value`` pairs, JSON within the line."""

import json
import re
from typing import Any

from backends.traffic.json_records import Record, records_of

_PAIR = re.compile(r"([A-Za-z_][\w.@/-]*)\s?[=:]\s?(\"(?:[^\"\\]|\\.)*\"|[^\s,;\"{}\[\]()|]+)")
_CLF_TIME = re.compile(r"\[(\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?)\]")
_ISO_TIME = re.compile(
    r"(?<![\w-])(\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?"
    r"(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)"
)
_STATUS = re.compile(r"\" (\d{3})(?: |$)")
_ASKED = re.compile(r"\"(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH) \S+ HTTP/[\d.]+\"")


def record_in(line: str) -> Record:
    """Return what a line of a log names, with its instant as ``time`` and its status."""
    record: Record = {}
    opened = line.find("{")
    if opened >= 0 and (inner := _json(line[opened:])) is not None:
        record.update(inner)
        line = line[:opened]
    if found := _CLF_TIME.search(line) or _ISO_TIME.search(line):
        record["log_time"] = found[1].replace(",", ".")
    if found := _STATUS.search(line):
        record["status"] = found[1]
    rest = _ISO_TIME.sub(" ", _CLF_TIME.sub(" ", _ASKED.sub(" ", line)))
    for key, value in _PAIR.findall(rest):
        record.setdefault(key.strip("\"'"), value.strip('"'))
    return record


def _json(text: str) -> Any:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    return next(records_of(value), None) if isinstance(value, dict) else None
