"""Facts and values as JSON, for journals, sockets and ``--json``."""

import json
import math
from collections.abc import Collection
from decimal import Decimal
from pathlib import PurePath
from typing import Any, TypeVar, get_args

import msgspec

from backends.domain.facts import Fact
from backends.domain.redaction import without_keys, without_secrets
from backends.domain.visible import visible_json

T = TypeVar("T")

_FACT_CLASSES: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}


class UnreadableRecord(ValueError):
    """A line is not a record of this program; the message says what is wrong with it."""


def encode_fact(fact: Fact, keys: Collection[str] = ()) -> bytes:
    """Return a fact as one line of JSON without its newline, its class under ``fact``.

    Nothing in it shows a secret: those of `keys`, and what is known for one by its form.
    """
    shown = without_keys(without_secrets(plain(fact)), keys)
    return json_bytes({"fact": type(fact).__name__, **shown})


def json_bytes(value: Any) -> bytes:
    """Return plain data as JSON for a file; half a surrogate pair, which has no UTF-8 form, as ?.

    JSON may smuggle one in, and so may a command line.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def decode_fact(line: bytes) -> Fact:
    """Return the fact of one line.

    Raises:
        UnreadableRecord: the line is cut short, unknown, or lacks a field.
    """
    return fact_of(read_json(line))


def fact_of(record: Any) -> Fact:
    """Return the fact of a decoded line.

    Raises:
        UnreadableRecord: it is unknown, or lacks a field.
    """
    try:
        return msgspec.convert(with_infinity(record), type=_FACT_CLASSES[record["fact"]])
    except KeyError as error:
        raise UnreadableRecord(f"unknown fact {error}") from error
    except (msgspec.MsgspecError, TypeError) as error:
        raise UnreadableRecord(str(error)) from error


def with_infinity(data: Any) -> Any:
    """Put back, in place, the infinite last edge of each histogram, which JSON has as null."""
    values = data.values() if isinstance(data, dict) else data
    for value in values:
        if isinstance(value, dict | list):
            with_infinity(value)
    edges = data.get("edges") if isinstance(data, dict) else None
    if isinstance(edges, list) and edges and edges[-1] is None:
        edges[-1] = math.inf
    return data


def read_json(content: bytes | str, kind: Any = Any) -> Any:
    """Return what a JSON text holds, as a value of this kind.

    Raises:
        UnreadableRecord: it is no JSON, is nested too deep to be anybody's record, or does not fit.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnreadableRecord(str(error)) from error


def plain(value: Any) -> Any:
    """Return any value of the domain as dicts, lists, strings and numbers; Decimal as digits."""
    return msgspec.to_builtins(value, enc_hook=_encode_other)


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Return a value of the domain as JSON for people's eyes and for files.

    Letters of all languages are readable; what a terminal would obey stands as ``\uXXXX``.
    """
    return visible_json(json.dumps(plain(value), indent=indent, ensure_ascii=False))


def typed(data: Any, kind: type[T]) -> T:
    """Return plain data as a value of the domain.

    Raises:
        UnreadableRecord: the data does not fit; the message names the place.
    """
    try:
        return msgspec.convert(data, type=kind, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair
        raise UnreadableRecord(str(error)) from error


def _encode_other(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")
