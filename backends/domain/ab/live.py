"""An A/B as it stands: what each lane streams now, and the runs that ended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from backends.domain.ab.facts import (
    AbFact,
    RunBegan,
    RunEnded,
    SeriesBegan,
    SeriesEnded,
    TextArrived,
)
from backends.domain.ab.run import LaneName, Run
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.stamp import Stamp

TAIL_CHARACTERS = 4000
"""Text kept of a running request: more than any screen shows, and a bound on memory."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of what a model wrote; `reasoning` marks thoughts apart from the answer."""

    text: str
    reasoning: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One side of the A/B.

    Attributes:
        sent_at: when the running request was sent; None between runs.
        first_text_at: when its first text reached us, on our own clock: for the live display only.
        tokens: tokens of the running request as far as its usage tells, else None.
        runs: ended runs in the order of their end.
    """

    name: LaneName
    endpoint: str
    model: str = ""
    sent_at: Stamp | None = None
    first_text_at: Stamp | None = None
    last_text_at: Stamp | None = None
    tokens: int | None = None
    pieces: tuple[TextPiece, ...] = ()
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Ab:
    """A series, and each of its lanes as it streams."""

    series: AbSeries
    lanes: tuple[Lane, ...]

    @property
    def ended(self) -> bool:
        """Whether no run follows."""
        return self.series.ended


def ab_after(ab: Ab | None, fact: AbFact) -> Ab | None:
    """Return the A/B after one fact; facts of a series that never began change nothing."""
    if isinstance(fact, SeriesBegan):
        models = fact.models or ("",) * len(fact.lanes)
        lanes = tuple(
            Lane(name, endpoint, model)
            for (name, endpoint), model in zip(fact.lanes, models, strict=True)
        )
        return Ab(AbSeries(fact), lanes)
    if ab is None:
        return None
    ab = replace(ab, series=advance_series(ab.series, fact) or ab.series)
    match fact:
        case SeriesEnded():
            idle = tuple(replace(lane, sent_at=None) for lane in ab.lanes)
            return replace(ab, lanes=idle)
        case RunBegan():
            return _with_lane(ab, fact.lane, lambda lane: _begun(lane, fact))
        case TextArrived():
            return _with_lane(ab, fact.lane, lambda lane: _with_text(lane, fact))
        case RunEnded():
            return _with_lane(
                ab,
                fact.run.lane,
                lambda lane: replace(lane, sent_at=None, runs=(*lane.runs, fact.run)),
            )
        case _:
            assert_never(fact)


def _with_lane(ab: Ab, name: LaneName, change: Callable[[Lane], Lane]) -> Ab:
    return replace(
        ab, lanes=tuple(change(lane) if lane.name == name else lane for lane in ab.lanes)
    )


def _begun(lane: Lane, fact: RunBegan) -> Lane:
    return replace(
        lane, sent_at=fact.at, first_text_at=None, last_text_at=None, tokens=None, pieces=()
    )


def _with_text(lane: Lane, fact: TextArrived) -> Lane:
    pieces = lane.pieces
    if pieces and pieces[-1].reasoning == fact.reasoning:
        pieces = (*pieces[:-1], TextPiece(pieces[-1].text + fact.text, fact.reasoning))
    else:
        pieces = (*pieces, TextPiece(fact.text, fact.reasoning))
    return replace(
        lane,
        pieces=_tail(pieces),
        tokens=fact.tokens if fact.tokens is not None else lane.tokens,
        first_text_at=lane.first_text_at or fact.at,
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
