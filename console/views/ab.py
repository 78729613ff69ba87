"""The A/B panel's view."""

from backends.domain.ab import Ab, Lane
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.domain.streams.summary import (
    FigureName,
    comparability,
    difference,
    output_tokens_per_s,
    summarise,
)
from widgets.ab_panel import AbView
from widgets.lane_pane import LaneState, LaneView, TextPiece
from widgets.run_dots import LaneRuns

SHOWN: FigureName = "ttft_s"
"""The figure that the dots and the difference are about."""


def ab_view(session: Session) -> AbView:
    """Return the lanes, their runs and the difference of the first two."""
    ab = session.ab
    if ab is None:
        return AbView()
    done = sum(len(lane.runs) for lane in ab.lanes)
    planned = ab.series.began.runs * len(ab.lanes)
    a, b = (lane.runs for lane in ab.lanes[:2])
    return AbView(
        lanes=tuple(_lane(lane, ab, session.now) for lane in ab.lanes),
        runs=tuple(_runs(lane) for lane in ab.lanes) if done else (),
        difference=difference(a, b, SHOWN),
        done=done,
        planned=planned,
        eta_s=None if ab.ended else _eta_s(ab, done, planned, session.now),
        not_comparable=tuple(found.why for found in comparability(a, b) if SHOWN in found.figures),
        running=not ab.ended,
    )


def _lane(lane: Lane, ab: Ab, now: Stamp) -> LaneView:
    last = lane.runs[-1] if lane.runs and lane.sent_at is None else None
    return LaneView(
        lane=lane.name,
        endpoint=lane.endpoint,
        model=lane.model,
        state=_state(lane),
        text=tuple(TextPiece(piece.text, piece.reasoning) for piece in lane.pieces),
        ttft_s=last.ttft_s if last else _live_ttft_s(lane),
        waited_s=now.mono_s - lane.sent_at.mono_s if lane.sent_at else None,
        tokens_per_s=output_tokens_per_s(last) if last else _live_tokens_per_s(lane),
        tokens=last.output_tokens if last else lane.tokens,
        error=(last.error or "") if last else "",
        run=min(len(lane.runs) + (lane.sent_at is not None), ab.series.began.runs) or None,
        runs=ab.series.began.runs,
        summary=summarise(lane.runs) if len(lane.runs) > 1 else None,
    )


def _state(lane: Lane) -> LaneState:
    if lane.sent_at is not None:
        if not lane.pieces and lane.tokens is None:
            return "waiting"
        return "reasoning" if lane.pieces and lane.pieces[-1].reasoning else "streaming"
    if not lane.runs:
        return "idle"
    return "error" if lane.runs[-1].error else "done"


def _live_ttft_s(lane: Lane) -> float | None:
    if lane.sent_at is None or lane.first_text_at is None:
        return None
    return lane.first_text_at.mono_s - lane.sent_at.mono_s


def _live_tokens_per_s(lane: Lane) -> float | None:
    if lane.tokens is None or lane.first_text_at is None or lane.last_text_at is None:
        return None
    streamed_s = lane.last_text_at.mono_s - lane.first_text_at.mono_s
    return lane.tokens / streamed_s if streamed_s > 0 else None


def _runs(lane: Lane) -> LaneRuns:
    values = tuple(run.ttft_s for run in lane.runs if run.ttft_s is not None and not run.error)
    return LaneRuns(lane.name, values, summarise(lane.runs).ttft_s)


def _eta_s(ab: Ab, done: int, planned: int, now: Stamp) -> float | None:
    if not done:
        return None
    return (now.mono_s - ab.series.began.at.mono_s) / done * (planned - done)
