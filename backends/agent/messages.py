"""What whoever keeps the record of a host tells those who show it, as values and as JSON lines.

The lines are documented in ``docs/agent.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from backends.agent.greeting import Hello, Status
from backends.domain.billing.account import Account
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import Fact, GpusSampled
from backends.domain.session import Session
from backends.wire import (
    UnreadableRecord,
    encode_fact,
    fact_of,
    plain,
    read_json,
    typed,
    with_infinity,
)


@dataclass(frozen=True, slots=True)
class Series:
    """Figures of one server over time.

    Attributes:
        figures: what a row holds after its instant, in seconds since 1970.
        rows: oldest first; None where a figure was not known.
    """

    server: str
    step_s: float
    figures: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """One server whose counters are read.

    Attributes:
        session: its traffic and rates; without its life, which its journal tells, and the account.
        shown: its plan as it holds over windows of ten minutes.
    """

    session: Session
    shown: ShownPlan = field(default_factory=ShownPlan)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole record at one instant; the facts that follow continue it.

    Attributes:
        gpus: the newest sample, None before the first.
        servers: what was read of each server, by its name.
        problem: why the record cannot be written, one sentence with the remedy; empty if it can.
    """

    account: Account
    gpus: GpusSampled | None = None
    servers: Mapping[str, Read] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PlanJudged:
    """A window of a server's traffic was judged."""

    server: str
    shown: ShownPlan


Message = Snapshot | PlanJudged | Fact

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Hello, Status, Series, Snapshot, PlanJudged)
}


def encode(message: Message | Series) -> bytes:
    """Return a message as one line of JSON, its kind under ``message`` or ``fact``."""
    if isinstance(message, Series | Snapshot | PlanJudged):
        line = msgspec.json.encode({"message": type(message).__name__, **plain(message)})
    else:
        line = encode_fact(message)
    return line + b"\n"


def decode(line: bytes) -> Message | Hello | Status | Series:
    """Return the message of one line.

    Raises:
        UnreadableRecord: it is cut short, unknown, or lacks a field.
    """
    try:
        record = read_json(line)
        kind = record.pop("message", None)
    except (AttributeError, TypeError) as error:
        raise UnreadableRecord(str(error)) from error
    if kind is None:
        return fact_of(record)
    if kind not in _KINDS:
        raise UnreadableRecord(f"unknown message {kind}")
    message: Message | Hello | Status | Series = typed(with_infinity(record), _KINDS[kind])
    return message


def with_snapshot(session: Session, snapshot: Snapshot) -> Session:
    """Return a session with what a snapshot tells of its host, and of the server it watches."""
    session = replace(session, account=snapshot.account)
    if snapshot.gpus is not None:
        session = replace(session, gpus=snapshot.gpus.sample)
    name = session.life.server.name if session.life else ""
    if (read := snapshot.servers.get(name)) is None:
        return session
    return replace(
        read.session,
        now=session.now,
        life=session.life,
        gpus=session.gpus,
        memory=session.memory,
        account=session.account,
        ab=session.ab,
        failed_sources={**session.failed_sources, **read.session.failed_sources},
    )
