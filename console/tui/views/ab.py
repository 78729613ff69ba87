"""The A/B panel's view: what is live, and what a recorded series says beside it."""

from datetime import datetime
from decimal import Decimal
from statistics import median

from backends.domain.ab.comparability import comparability
from backends.domain.ab.live import Ab, Lane
from backends.domain.ab.run import LaneName, Run
from backends.domain.ab.series import AbSeries
from backends.domain.ab.summary import (
    FigureName,
    difference,
    output_tokens_per_s,
    spent_usd,
    summarise,
)
from backends.domain.ab.trust import limits
from backends.domain.prices.amounts import usd
from backends.domain.prices.cost import request_prices
from backends.domain.reports.ab_text import findings, how_measured
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.operations.ab import why_no_race
from backends.settings.config import Settings
from widgets.ab_panel import AbView, Comparison
from widgets.lane_pane import LaneState, LaneView, TextPiece
from widgets.run_dots import LaneRuns

SHOWN: FigureName = "ttft_s"
"""The figure that the dots and the difference are about."""


def ab_view(session: Session, settings: Settings, beside: AbSeries | None = None) -> AbView:
    """Return the lanes, their runs and the difference of the first two.

    Args:
        session: what is live.
        settings: which tells what each endpoint charges.
        beside: a recorded series that stands beside the live one.
    """
    ab = session.ab
    if ab is None and beside is not None:
        return recorded_view(beside)
    if ab is None:
        return AbView(reason=why_no_race(session, settings))
    done = sum(len(lane.runs) for lane in ab.lanes)
    planned = ab.series.began.runs * len(ab.lanes)
    past = _past_lanes(beside) if beside else ()
    runs = tuple(_runs(lane.name, lane.runs) for lane in ab.lanes) if done else ()
    if beside:
        runs += _past_runs(beside)
    a, b = (lane.runs for lane in ab.lanes[:2])
    return AbView(
        lanes=tuple(_lane(lane, ab, session.now, settings) for lane in ab.lanes),
        runs=runs,
        difference=difference(a, b, SHOWN),
        done=done,
        planned=planned,
        eta_s=None if ab.ended else _eta_s(ab, done, planned, session.now),
        not_comparable=tuple(found.why for found in comparability(a, b) if SHOWN in found.figures),
        client_limited=limits(ab.series),
        running=not ab.ended,
        past=past,
        comparisons=(*_against_a(ab.series), *(_against_past(ab.series, beside) if beside else ())),
    )


def recorded_view(series: AbSeries) -> AbView:
    """Return a series of the history on its own."""
    a, b = series.lane("a"), series.lane("b")
    others = [name for name, _ in series.began.lanes[1:]]
    return AbView(
        past=_past_lanes(series),
        runs=_past_runs(series),
        comparisons=(_comparison("B′", "A′", a, b), *_against_a(series, prime="′")),
        client_limited=limits(series),
        notes=(how_measured(series), *(told for name in others for told in findings(series, name))),
    )


def when(series: AbSeries) -> str:
    """Return the local date and time at which a series began."""
    began = datetime.fromtimestamp(series.began.at.wall_s).astimezone()
    return began.strftime("%Y-%m-%d %H:%M")


def _lane(lane: Lane, ab: Ab, now: Stamp, settings: Settings) -> LaneView:
    last = lane.runs[-1] if lane.runs and lane.sent_at is None else None
    judged = tuple(run for run in lane.runs if not run.cancelled)
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
        summary=summarise(judged) if len(judged) > 1 else None,
        spent=_spent(lane, settings),
        input_tokens=last.input_tokens if last else None,
    )


def _spent(lane: Lane, settings: Settings) -> str:
    """Return what a lane cost so far; a server of this host is paid for by the hour."""
    spent = spent_usd(lane.runs)
    if spent is not None:
        return usd(spent)
    if settings.profile(lane.endpoint) is not None:
        return "by the hour"
    endpoint = settings.endpoint(lane.endpoint)
    priced = endpoint is not None and request_prices(endpoint.prices).known
    if not priced:
        return "UNPRICED"
    return usd(None if lane.runs else Decimal(0))


def _state(lane: Lane) -> LaneState:
    if lane.sent_at is not None:
        if not lane.pieces and lane.tokens is None:
            return "waiting"
        return "reasoning" if lane.pieces and lane.pieces[-1].reasoning else "streaming"
    if not lane.runs:
        return "idle"
    if lane.runs[-1].cancelled:
        return "cancelled"
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


def _runs(name: LaneName, runs: tuple[Run, ...], *, past: bool = False) -> LaneRuns:
    values = tuple(run.ttft_s for run in runs if run.ttft_s is not None and not run.error)
    return LaneRuns(name, values, summarise(runs).ttft_s, past)


def _past_runs(series: AbSeries) -> tuple[LaneRuns, ...]:
    return tuple(_runs(name, series.lane(name), past=True) for name, _ in series.began.lanes)


def _past_lanes(series: AbSeries) -> tuple[LaneView, ...]:
    began = series.began
    models = began.models or ("",) * len(began.lanes)
    return tuple(
        LaneView(
            lane=name,
            endpoint=endpoint,
            model=model,
            state="done",
            summary=summarise(series.lane(name)),
            spent=usd(spent) if (spent := spent_usd(series.lane(name))) is not None else "",
            input_tokens=_middle([run.input_tokens for run in series.lane(name)]),
            tokens=_middle([run.output_tokens for run in series.lane(name)]),
            when=when(series),
        )
        for (name, endpoint), model in zip(began.lanes, models, strict=True)
    )


def _middle(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return round(median(known)) if known else None


def _against_a(series: AbSeries, prime: str = "") -> tuple[Comparison, ...]:
    """Return the third and the fourth lane against the first."""
    a = series.lane("a")
    return tuple(
        _comparison(name.upper() + prime, f"A{prime}", a, series.lane(name))
        for name, _ in series.began.lanes[2:]
    )


def _against_past(live: AbSeries, past: AbSeries) -> tuple[Comparison, ...]:
    """Return each live lane against the recorded one of the same endpoint and model."""
    earlier = dict(zip(_places(past), past.began.lanes, strict=True))
    found = []
    for place, (name, _) in zip(_places(live), live.began.lanes, strict=True):
        if place not in earlier:
            continue
        lane = earlier[place][0]
        other = f"{lane.upper()}′ of {when(past)}"
        unlike = _asked_otherwise(live, past)
        found.append(
            Comparison(name.upper(), other, why_not=unlike)
            if unlike
            else _comparison(name.upper(), other, past.lane(lane), live.lane(name))
        )
    if found:
        return tuple(found)
    return (Comparison("live", when(past), why_not="no endpoint and model stands in both"),)


def _places(series: AbSeries) -> list[tuple[str, str]]:
    models = series.began.models or ("",) * len(series.began.lanes)
    return [
        (endpoint, model) for (_, endpoint), model in zip(series.began.lanes, models, strict=True)
    ]


def _asked_otherwise(live: AbSeries, past: AbSeries) -> str:
    """Return how the two series differ in what they asked, empty where they do not."""
    checks = (
        ("the prompt", live.began.prompt_sha256, past.began.prompt_sha256),
        ("max_tokens", live.began.max_tokens, past.began.max_tokens),
        ("ignore_eos", live.began.ignore_eos, past.began.ignore_eos),
        ("the nonce", live.began.cached, past.began.cached),
        ("the order", live.began.order, past.began.order),
    )
    unlike = [name for name, ours, theirs in checks if ours != theirs]
    return f"{', '.join(unlike)} differed then" if unlike else ""


def _comparison(this: str, other: str, base: tuple[Run, ...], runs: tuple[Run, ...]) -> Comparison:
    doubts = [found.why for found in comparability(base, runs) if SHOWN in found.figures]
    if doubts:
        return Comparison(this, other, why_not=doubts[0])
    return Comparison(this, other, difference(base, runs, SHOWN))


def _eta_s(ab: Ab, done: int, planned: int, now: Stamp) -> float | None:
    if not done:
        return None
    return (now.mono_s - ab.series.began.at.mono_s) / done * (planned - done)
