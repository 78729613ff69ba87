"""An A/B as it stands: what each target streams now, and the runs that ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from backends.domain.ab.facts import (
    AbFact,
    RunBegan,
    RunEnded,
    SeriesBegan,
    SeriesEnded,
    TargetWaits,
    TextArrived,
)
from backends.domain.ab.run import TargetName
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.stamp import Stamp

TAIL_CHARACTERS = 4000
"""Text kept of a running request: more than any screen shows, and a bound on memory."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of what a model wrote; `reasoning` marks thoughts apart from the answer."""

    text: str
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What one side of the A/B streams; its ended runs are those of the series.

    Attributes:
        sent_at: when the running request was sent; None between runs.
        first_text_at: when its first text reached us, on our own clock: for the live display only.
        waits: what the target is waited for, in a few words; empty where it is not.
        tokens: tokens of the running request as far as its usage tells, else None.
    """

    name: TargetName
    endpoint: str
    model: str = ""
    sent_at: Stamp | None = None
    first_text_at: Stamp | None = None
    last_text_at: Stamp | None = None
    tokens: int | None = None
    pieces: tuple[TextPiece, ...] = ()
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Ab:
    """A series, and each of its targets as it streams."""

    series: AbSeries
    targets: tuple[Target, ...]

    @property
    def ended(self) -> bool:
        """Whether no run follows."""
        return self.series.ended


def ab_after(ab: Ab | None, fact: AbFact) -> Ab | None:
    """Return the A/B after one fact; facts of a series that never began change nothing."""
    if isinstance(fact, SeriesBegan):
        models = fact.models or ("",) * len(fact.targets)
        targets = tuple(
            Target(name, endpoint, model)
            for (name, endpoint), model in zip(fact.targets, models, strict=True)
        )
        return Ab(AbSeries(fact), targets)
    if ab is None:
        return None
    ab = replace(ab, series=advance_series(ab.series, fact) or ab.series)
    if isinstance(fact, SeriesEnded):
        idle = tuple(replace(target, sent_at=None, waits="") for target in ab.targets)
        return replace(ab, targets=idle)
    name = fact.run.target if isinstance(fact, RunEnded) else fact.target
    return _with_target(ab, name, lambda target: _target_after(target, fact))


def _target_after(target: Target, fact: RunBegan | TargetWaits | TextArrived | RunEnded) -> Target:
    match fact:
        case RunBegan():
            return _begun(target, fact)
        case TargetWaits():
            return _waiting(target, fact)
        case TextArrived():
            return _with_text(target, fact)
        case RunEnded():
            return replace(target, sent_at=None, waits="")
        case _:
            assert_never(fact)


def _with_target(ab: Ab, name: TargetName, change: Callable[[Target], Target]) -> Ab:
    return replace(
        ab,
        targets=tuple(change(target) if target.name == name else target for target in ab.targets),
    )


def _begun(target: Target, fact: RunBegan) -> Target:
    return replace(
        target,
        sent_at=fact.at,
        first_text_at=None,
        last_text_at=None,
        tokens=None,
        pieces=(),
        waits="",
    )


def _waiting(target: Target, fact: TargetWaits) -> Target:
    what = "cold" if fact.cold else "waits"
    waits = f"{what} since {fact.waited_s:.0f} s, again in {fact.delay_s:.0f} s: {fact.why}"
    return replace(target, sent_at=None, waits=waits)


def _with_text(target: Target, fact: TextArrived) -> Target:
    pieces = target.pieces
    if pieces and pieces[-1].reasoning == fact.reasoning:
        pieces = (*pieces[:-1], TextPiece(pieces[-1].text + fact.text, fact.reasoning))
    else:
        pieces = (*pieces, TextPiece(fact.text, fact.reasoning))
    return replace(
        target,
        pieces=_tail(pieces),
        tokens=fact.tokens if fact.tokens is not None else target.tokens,
        first_text_at=target.first_text_at or fact.at,
        last_text_at=fact.at,
    )


def _tail(pieces: tuple[TextPiece, ...]) -> tuple[TextPiece, ...]:
    """Return the end of the text, `TAIL_CHARACTERS` of all pieces together at most."""
    kept: list[TextPiece] = []
    room = TAIL_CHARACTERS
    for piece in reversed(pieces):
        if room <= 0:
            break
        kept.append(replace(piece, text=piece.text[-room:]))
        room -= len(piece.text)
    return tuple(reversed(kept))
