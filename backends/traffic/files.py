"""Files of traffic by what they hold, never by their names, as records with their line numbers."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from glob import glob
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from backends.domain.values import NOT_JSON
from backends.traffic import instants
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.json_records import counts_tokens, records_of
from backends.traffic.json_tables import NoTable
from backends.traffic.log_lines import record_in
from backends.traffic.names import ROLES, ranked
from backends.traffic.vllm_log import is_vllm_log, vllm_records

Form = Literal["csv", "json lines", "json", "log", "vllm log", "parquet"]
Compression = Literal["none", "gzip", "bz2", "xz"]
Numbered = Iterator[tuple[int, Mapping[str, Any]]]

LOG_HEAD_LINES = 20_000
"""How far into a log its first request is looked for: it begins with the server's start."""

DELIMITERS = ",;\t|"
CHUNK = 1 << 20
HEAD = CHUNK // 4

_SIGNS: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
_OPENERS: dict[Compression, Any] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT = {
    b"\x28\xb5\x2f\xfd": "is compressed by zstd; unpack it with zstd -d",
    b"PK\x03\x04": "is a zip archive or a spreadsheet; unpack it, or save its sheet as CSV",
    b"SQLite": "is a database; export the table as CSV",
    b"ORC": "is ORC; write it as Parquet or CSV",
    b"Obj\x01": "is Avro; write it as Parquet or CSV",
}


_UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error, csv.Error, NoTable)


@dataclass(frozen=True, slots=True)
class TrafficFile:
    """One file and how it is written.

    Attributes:
        compression: it is unpacked while it is read.
        delimiter: between the cells of a CSV.
        header: the names of a CSV's columns; None where its first row is one of data.
        skipped_lines: before the header.
        dot_groups: a point in a CSV's numbers is between groups of three digits.
        json_cells: no column of a CSV names tokens, and cells hold JSON that may.
    """

    path: Path
    form: Form
    compression: Compression = "none"
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    header: tuple[str, ...] | None = None
    skipped_lines: int = 0
    dot_groups: bool = False
    json_cells: bool = False


def files_in(patterns: tuple[str, ...]) -> list[Path]:
    """Return the files that paths, folders or patterns such as ``logs/*.gz`` name, in order.

    Raises:
        UnreadableTraffic: a pattern names none.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file())
        elif path.exists() or not any(sign in pattern for sign in "*?["):
            inside = [path]
        else:
            inside = [Path(each) for each in sorted(glob(str(path), recursive=True))]  # noqa: PTH207
        if not inside:
            raise UnreadableTraffic(f"{pattern} names no file; give a path or a pattern that does")
        found |= dict.fromkeys(inside)
    return list(found)


def described(path: Path) -> TrafficFile:
    """Return how a file is written, from its beginning.

    Raises:
        UnreadableTraffic: it cannot be read, is empty, or is no text.
    """
    with _readable(path):
        with path.open("rb") as file:
            magic = file.read(8)
        if magic[:4] == b"PAR1":
            return TrafficFile(path, "parquet")
        found = (kind for sign, kind in _SIGNS.items() if magic.startswith(sign))
        compression: Compression = next(found, "none")
        with _OPENERS.get(compression, open)(path, "rb") as raw:
            head = raw.read(HEAD)
    for sign, why in _NO_TEXT.items():
        if head.startswith(sign):
            raise UnreadableTraffic(f"{path} {why}")
    encoding = "utf-16" if head[:2] in _UTF16 else "utf-8-sig"
    if encoding != "utf-16" and b"\0" in head:
        raise UnreadableTraffic(f"{path} is not text; give CSV, JSON, JSON lines, Parquet or a log")
    lines = head.decode(encoding, "replace").splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableTraffic(f"{path} is empty; give a file with a row for each request")
    file_ = TrafficFile(path, "log", compression, encoding)
    with _readable(path):
        return _form(file_, lines, whole=len(head) < HEAD)


def records(file: TrafficFile) -> Numbered:
    """Return the rows of a file by column, with the number of the line where each begins.

    Raises:
        UnreadableTraffic: a line is not of the form of the file.
    """
    with _readable(file.path), opened(file) as text:
        if file.form == "csv":
            yield from _csv(file, text)
        elif file.form == "json lines":
            for number, value in _objects(file.path, text):
                yield from ((number, record) for record in records_of(value))
        elif file.form == "json":
            yield from _json_values(file.path, text)
        elif file.form == "vllm log":
            written = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
            yield from vllm_records(text, written)
        else:
            yield from ((n, record_in(line)) for n, line in enumerate(text, 1) if line.strip())


@contextmanager
def opened(file: TrafficFile) -> Iterator[IO[str]]:
    """Open a file as text, unpacked; what is no text in its encoding is replaced."""
    with file.path.open("rb") as raw:
        opener = _OPENERS.get(file.compression)
        unpacked: Any = opener(raw, "rb") if opener else raw
        yield io.TextIOWrapper(unpacked, file.encoding, "replace", newline="")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (*_UNREADABLE, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnreadableTraffic(f"{path} cannot be read ({why}); name a readable file") from error


def _form(file: TrafficFile, lines: list[str], *, whole: bool) -> TrafficFile:
    first = next(line for line in lines if line.strip()).strip()
    if first[0] in "{[" and _begins_json(first, whole=whole or len(lines) > 1):
        one_line = _is_json(first) and first[0] == "{"
        return replace(file, form="json lines" if one_line else "json")
    if is_vllm_log(lines) or (whole is False and _vllm_later(file)):
        return replace(file, form="vllm log")
    found = _as_csv(file, lines)
    if found is None:
        return file
    cells = [cell for line in lines[:FIRST_LINES] for cell in _split(line, found.delimiter)]
    return replace(
        found,
        dot_groups=any(map(_TWO_DOTS.fullmatch, cells)),
        json_cells=any(cell.startswith('{"') for cell in cells)
        and not counts_tokens(dict.fromkeys(found.header or ())),
    )


def _vllm_later(file: TrafficFile) -> bool:
    with opened(file) as text:
        return is_vllm_log(islice(text, LOG_HEAD_LINES))


def _begins_json(first: str, *, whole: bool) -> bool:
    """Return whether a line begins JSON: a log's line may begin with a bracketed stamp."""
    if first in {"{", "["} or first[:2] in {'{"', "{ ", "[{", "[ ", "{}", "[]", "[["}:
        return True
    return whole and _is_json(first)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except NOT_JSON:
        return False
    return True


def _as_csv(file: TrafficFile, lines: list[str]) -> TrafficFile | None:
    """Return a file as CSV where one of its first lines names an instant and tokens."""
    for skipped, line in enumerate(lines[:FIRST_LINES]):
        plain = line.removeprefix("#Fields:").lstrip("# ")
        if any(sign in plain for sign in "{=") or line.startswith(" "):
            continue
        cells = _split(plain, _delimiter(plain, lines[skipped + 1 :]))
        named = [name.strip() for name in cells]
        numbers = any(map(instants.is_number, named))
        roles = sum(bool(ranked(role, named)) for role in ROLES)
        if roles >= 2 and not numbers:
            delimiter = _delimiter(plain, lines[skipped + 1 :])
            return replace(
                file, form="csv", delimiter=delimiter, header=tuple(named), skipped_lines=skipped
            )
    if any(counts_tokens(record_in(line)) for line in lines[:FIRST_LINES]):
        return None
    delimiter = _delimiter(lines[0], lines[1:])
    cells = [cell.strip() for cell in _split(lines[0], delimiter)]
    if len(cells) < 2 or any(len(_split(e, delimiter)) != len(cells) for e in lines[:FIRST_LINES]):
        return None
    if not any(map(instants.is_number, cells)):
        return replace(file, form="csv", delimiter=delimiter, header=tuple(cells))
    names = tuple(str(place) for place in range(1, len(cells) + 1))
    return replace(file, form="csv", delimiter=delimiter, header=names, skipped_lines=-1)


_TWO_DOTS = re.compile(r"\s*\d{1,3}(?:\.\d{3}){2}\s*")
"""A number of millions in groups; one group alone may be decimals, four parts are an address."""

_DOTTED = re.compile(r"\s*\d{1,3}(?:\.\d{3})+\s*")

FIRST_LINES = 20
"""A header may stand behind a few lines of remarks."""


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _delimiter(line: str, after: list[str]) -> str:
    """Return what separates the cells of a line, and as often those of the lines behind it."""
    following = [each for each in after[:5] if each.strip()]

    def agreement(sign: str) -> tuple[int, int]:
        cells = len(_split(line, sign))
        return sum(len(_split(each, sign)) == cells for each in following) * (cells > 1), cells

    return max(DELIMITERS, key=agreement)


def _csv(file: TrafficFile, text: IO[str]) -> Numbered:
    header = file.header or ()
    for _ in range(file.skipped_lines + 1):
        next(text, None)
    rows = csv.reader(text, delimiter=file.delimiter)
    for cells in rows:
        number = rows.line_num + file.skipped_lines + 1
        if len(cells) < 2 and not "".join(cells).strip():
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise UnreadableTraffic(
                f"{file.path}:{number}: it has {len(cells)} cells and the header "
                f"{len(header)}; correct or drop the row"
            )
        row = dict(zip(header, cells, strict=False))
        if file.dot_groups:
            groups = {
                k: cell.replace(".", "") for k, cell in row.items() if _DOTTED.fullmatch(cell)
            }
            row |= groups
        yield from ((number, each) for each in (records_of(row) if file.json_cells else (row,)))


def json_lines(file: TrafficFile) -> Iterator[dict[str, Any]]:
    """Return the objects of a file of JSON lines as they are."""
    with _readable(file.path), opened(file) as text:
        yield from (value for _, value in _objects(file.path, text))


def _objects(path: Path, text: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except NOT_JSON as error:
            raise UnreadableTraffic(
                f"{path}:{number}: no JSON ({error}); give one object a line"
            ) from error
        if not isinstance(value, dict):
            raise UnreadableTraffic(f"{path}:{number}: no object; give one object a line")
        yield number, value


def _json_values(path: Path, text: IO[str]) -> Numbered:
    """Return the records of JSON values one after another, or of one list, without keeping them."""
    decoder, rest, line, in_list, ended = json.JSONDecoder(), "", 1, False, False
    while True:
        plain = rest.lstrip(" \t\r\n,\ufeff")
        line += rest[: len(rest) - len(plain)].count("\n")
        rest = plain
        if not in_list and rest[:1] == "[":
            rest, in_list = rest[1:], True
            continue
        if in_list and rest[:1] == "]":
            rest, in_list = rest[1:], False
            continue
        try:
            value, stop = decoder.raw_decode(rest)
            if stop == len(rest) and not ended:  # a number may go on
                raise json.JSONDecodeError("it ends within a value", rest, stop)
        except json.JSONDecodeError as error:
            more = text.read(max(CHUNK, len(rest)))
            if not more:
                if not rest.strip():
                    return
                if ended:
                    raise UnreadableTraffic(
                        f"{path}:{line}: no JSON ({error.msg}); give it whole"
                    ) from error
                ended = True
            rest += more
            continue
        except NOT_JSON as error:  # it is whole, and a number or its nesting is beyond reading
            raise UnreadableTraffic(f"{path}:{line}: no JSON ({error}); correct it") from error
        yield from _located(path, line, value)
        line, rest = line + rest[:stop].count("\n"), rest[stop:]


def _located(path: Path, line: int, value: Any) -> Numbered:
    if not isinstance(value, dict | list):
        raise UnreadableTraffic(f"{path}:{line}: no object; give objects with tokens")
    yield from ((line, record) for record in records_of(value))
