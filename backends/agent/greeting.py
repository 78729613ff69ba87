"""What every connection to an agent begins with, and what it says of itself.

Whoever only starts or ends an agent loads no more than this.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

PROTOCOL = 1

RELEASE = "0.1.0"
"""The release of inferctl; reading it from the installed package would take 30 ms."""

LINE_LIMIT_BYTES = 32 << 20
"""A snapshot of ten busy servers takes some megabytes; what is longer is no message of ours."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of an agent.

    Attributes:
        version: the release of inferctl that it runs.
    """

    protocol: int
    version: str
    pid: int


@dataclass(frozen=True, slots=True)
class Status:
    """What an agent is doing.

    Attributes:
        began_wall_s: since when, seconds since 1970.
        reads: the servers whose counters it reads.
        listeners: how many consoles and others follow the record.
        writes: whether it writes the record; another process may hold that.
        problem: why the record cannot be written, one sentence with the remedy; empty if it can.
    """

    protocol: int
    version: str
    pid: int
    began_wall_s: float
    reads: tuple[str, ...]
    listeners: int
    writes: bool
    problem: str


G = TypeVar("G", Hello, Status)


class NoGreeting(ValueError):
    """A line is none of these; the message says why."""


def greeting(message: Hello | Status) -> bytes:
    """Return one of these as a line of JSON, its kind under ``message``."""
    fields = msgspec.to_builtins(message)
    return msgspec.json.encode({"message": type(message).__name__, **fields}) + b"\n"


def greeting_of(line: bytes, kind: type[G]) -> G:
    """Return the message of one line.

    Raises:
        NoGreeting: it is cut short, of another kind, or lacks a field.
    """
    try:
        record: Any = msgspec.json.decode(line)
        if record.pop("message", None) != kind.__name__:
            raise NoGreeting(f"no {kind.__name__}")
        return msgspec.convert(record, type=kind)
    except (AttributeError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise NoGreeting(str(error)) from error
