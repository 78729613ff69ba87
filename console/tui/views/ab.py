"""The A/B panel's view: what is live, and what a recorded series says beside it."""

from decimal import Decimal
from statistics import median

from backends.domain.ab.comparability import comparability
from backends.domain.ab.live import Ab, Target
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.ab.summary import (
    FigureName,
    difference,
    output_tokens_per_s,
    spent_usd,
    summarise,
)
from backends.domain.ab.trust import limits
from backends.domain.format import local_minute, usd
from backends.domain.prices.cost import request_prices
from backends.domain.reports.ab_text import findings, how_measured
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.operations.ab import why_no_ab
from backends.prober.prompts import PROMPTS, Prompt, sha256_of
from backends.settings.config import Settings
from widgets.ab_panel import AbView, Comparison
from widgets.run_dots import TargetRuns
from widgets.target_pane import TargetState, TargetView

SHOWN: FigureName = "ttft_s"
"""The figure that the dots and the difference are about."""


def ab_view(session: Session, settings: Settings, beside: AbSeries | None = None) -> AbView:
    """Return the targets, their runs and the difference of the first two.

    Args:
        session: what is live.
        settings: which tells what each endpoint charges.
        beside: a recorded series that stands beside the live one.
    """
    ab = session.ab
    if ab is None and beside is not None:
        return recorded_view(beside)
    if ab is None:
        return AbView(reason=why_no_ab(session, settings))
    done = len(ab.series.runs)
    planned = ab.series.began.runs * len(ab.targets)
    past = _past_targets(beside) if beside else ()
    runs = (
        tuple(_runs(each.name, ab.series.target(each.name)) for each in ab.targets) if done else ()
    )
    if beside:
        runs += _past_runs(beside)
    a, b = ab.series.target("a"), ab.series.target("b")
    return AbView(
        targets=tuple(_target(target, ab, session.now, settings) for target in ab.targets),
        runs=runs,
        difference=difference(a, b, SHOWN),
        done=done,
        planned=planned,
        eta_s=None if ab.ended else _eta_s(ab, done, planned, session.now),
        not_comparable=tuple(found.why for found in comparability(a, b) if SHOWN in found.figures),
        client_limited=limits(ab.series),
        running=not ab.ended,
        cut_short=ab.series.reason if ab.ended else "",
        past=past,
        comparisons=(*_against_a(ab.series), *(_against_past(ab.series, beside) if beside else ())),
    )


def recorded_view(series: AbSeries) -> AbView:
    """Return a series of the history on its own."""
    a, b = series.target("a"), series.target("b")
    others = [name for name, _ in series.began.targets[1:]]
    return AbView(
        past=_past_targets(series),
        runs=_past_runs(series),
        comparisons=(_comparison("B′", "A′", a, b), *_against_a(series, prime="′")),
        client_limited=limits(series),
        notes=(how_measured(series), *(told for name in others for told in findings(series, name))),
    )


def prompt_words(session: Session, chosen: Prompt) -> str:
    """Return which prompt the A/B on screen sends, and which one the next will, if another."""
    coming = f"prompt {chosen.name}, {chosen.max_tokens:,} tokens"
    if session.ab is None:
        return coming
    began = session.ab.series.began
    sent = next(
        (each.name for each in (chosen, *PROMPTS) if sha256_of(each) == began.prompt_sha256),
        "typed",
    )
    most = "" if began.max_tokens is None else f", {began.max_tokens:,} tokens"
    shown = f"prompt {sent}{most}"
    return shown if shown == coming else f"{shown}; next: {chosen.name}"


def when(series: AbSeries) -> str:
    """Return the local date and time at which a series began."""
    return local_minute(series.began.at.wall_s)


def _target(target: Target, ab: Ab, now: Stamp, settings: Settings) -> TargetView:
    runs = ab.series.target(target.name)
    last = runs[-1] if runs and target.sent_at is None and not target.waits else None
    summary = summarise(runs)
    return TargetView(
        target=target.name,
        endpoint=target.endpoint,
        model=target.model,
        state=_state(target, runs),
        text=target.pieces,
        ttft_s=last.ttft_s if last else _live_ttft_s(target),
        waited_s=now.mono_s - target.sent_at.mono_s if target.sent_at else None,
        tokens_per_s=output_tokens_per_s(last) if last else _live_tokens_per_s(target),
        tokens=last.output_tokens if last else target.tokens,
        error=target.waits or ((last.error or "") if last else ""),
        run=min(len(runs) + (target.sent_at is not None), ab.series.began.runs) or None,
        runs=ab.series.began.runs,
        summary=summary if summary.n > 1 else None,
        spent=_spent(target.endpoint, runs, settings),
        input_tokens=last.input_tokens if last else None,
        cold_s=_cold_s(target.name, ab.series),
    )


def _cold_s(name: TargetName, series: AbSeries) -> float | None:
    """Return the longest cold start that runs, or the warm-up before them, had to wait for."""
    warm_ups = series.client.warm_ups if series.client else ()
    runs = (*warm_ups, *series.target(name))
    known = [run.cold_s for run in runs if run.target == name and run.cold_s is not None]
    return max(known, default=None)


def _spent(name: str, runs: tuple[Run, ...], settings: Settings) -> str:
    """Return what a target cost so far; a server of this host is paid for by the hour."""
    spent = spent_usd(runs)
    if spent is not None:
        return usd(spent)
    if settings.profile(name) is not None:
        return "billed hourly"
    endpoint = settings.endpoint(name)
    priced = endpoint is not None and request_prices(endpoint.prices).known
    if not priced:
        return "UNPRICED"
    return usd(None if runs else Decimal(0))


def _state(target: Target, runs: tuple[Run, ...]) -> TargetState:
    if target.waits:
        return "waiting"
    if target.sent_at is not None:
        if not target.pieces and target.tokens is None:
            return "waiting"
        return "reasoning" if target.pieces and target.pieces[-1].reasoning else "streaming"
    if not runs:
        return "idle"
    if runs[-1].cancelled:
        return "cancelled"
    return "error" if runs[-1].error else "done"


def _live_ttft_s(target: Target) -> float | None:
    if target.sent_at is None or target.first_text_at is None:
        return None
    return target.first_text_at.mono_s - target.sent_at.mono_s


def _live_tokens_per_s(target: Target) -> float | None:
    if target.tokens is None or target.first_text_at is None or target.last_text_at is None:
        return None
    streamed_s = target.last_text_at.mono_s - target.first_text_at.mono_s
    return target.tokens / streamed_s if streamed_s > 0 else None


def _runs(name: TargetName, runs: tuple[Run, ...], *, past: bool = False) -> TargetRuns:
    values = tuple(run.ttft_s for run in runs if run.ttft_s is not None and not run.error)
    return TargetRuns(name, values, summarise(runs).ttft_s, past)


def _past_runs(series: AbSeries) -> tuple[TargetRuns, ...]:
    return tuple(_runs(name, series.target(name), past=True) for name, _ in series.began.targets)


def _past_targets(series: AbSeries) -> tuple[TargetView, ...]:
    began = series.began
    models = began.models or ("",) * len(began.targets)
    return tuple(
        TargetView(
            target=name,
            endpoint=endpoint,
            model=model,
            state="done",
            summary=summarise(series.target(name)),
            spent=usd(spent) if (spent := spent_usd(series.target(name))) is not None else "",
            input_tokens=_middle([run.input_tokens for run in series.target(name)]),
            tokens=_middle([run.output_tokens for run in series.target(name)]),
            when=when(series),
        )
        for (name, endpoint), model in zip(began.targets, models, strict=True)
    )


def _middle(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return round(median(known)) if known else None


def _against_a(series: AbSeries, prime: str = "") -> tuple[Comparison, ...]:
    """Return the third and the fourth target against the first."""
    a = series.target("a")
    return tuple(
        _comparison(name.upper() + prime, f"A{prime}", a, series.target(name))
        for name, _ in series.began.targets[2:]
    )


def _against_past(live: AbSeries, past: AbSeries) -> tuple[Comparison, ...]:
    """Return each live target against the recorded one of the same endpoint and model."""
    earlier = dict(zip(_places(past), past.began.targets, strict=True))
    found = []
    for place, (name, _) in zip(_places(live), live.began.targets, strict=True):
        if place not in earlier:
            continue
        target = earlier[place][0]
        other = f"{target.upper()}′ of {when(past)}"
        unlike = _asked_otherwise(live, past)
        found.append(
            Comparison(name.upper(), other, why_not=unlike)
            if unlike
            else _comparison(name.upper(), other, past.target(target), live.target(name))
        )
    if found:
        return tuple(found)
    return (Comparison("live", when(past), why_not="no endpoint and model appears in both"),)


def _places(series: AbSeries) -> list[tuple[str, str]]:
    models = series.began.models or ("",) * len(series.began.targets)
    return [
        (endpoint, model) for (_, endpoint), model in zip(series.began.targets, models, strict=True)
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
