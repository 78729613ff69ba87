"""Values whose every text was written by an attacker, and what makes their output harmful."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from unicodedata import category

MARK = (
    "=cmd|'/C calc'!A0\x1b[2J\x1b]52;c;eA==\x07\x9b31m\u202ea\u2066b\u200fc\u061cd"
    "\nFORGED row\r\x08\x7f\u200b\u2028<script>`x`![i](http://x)\U000e0041\ud800é語"
)
AMOUNT = "0.25"


@cache
def hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def hostile(kind: Any, name: str = "") -> Any:
    """Return a value of a type in which every `str` is `MARK`, and nothing is left out."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return hostile(next(each for each in arguments if each is not type(None)), name)
    if origin is tuple:
        several = arguments[:1] if arguments[-1] is Ellipsis else arguments
        return tuple(hostile(each, name) for each in several)
    is_mapping = origin is not None and issubclass(origin, Mapping)
    return {} if is_mapping else _without_arguments(kind, name)


def _without_arguments(kind: Any, name: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        told = hints(kind)
        return kind(**{each.name: hostile(told[each.name], each.name) for each in fields(kind)})
    if kind is date:
        return date(2026, 11, 1)
    if kind is str:
        return AMOUNT if "_usd" in name or "usd_per" in name else MARK
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return kind(1)


def obeyed(text: str) -> set[str]:
    """Return the characters of an output that a terminal would obey or not show."""
    return {
        each for each in text.replace("\n", "") if category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }


def forged(text: str) -> list[str]:
    """Return the lines that an attacker began."""
    return [line for line in text.splitlines() if line.lstrip().startswith("FORGED")]
