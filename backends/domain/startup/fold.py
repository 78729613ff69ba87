"""Facts -> one `Start`: phases and `unlogged` tile the whole time, in whatever order facts come."""

from bisect import insort_right
from dataclasses import replace
from typing import assert_never

from backends.domain.facts import (
    BecameReady,
    ContainerStarted,
    DownloadSeen,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    FirstTokenUnavailable,
    HealthChanged,
    KvCacheSized,
    MemoryReported,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    RecordingChanged,
    RequestErrorsCounted,
    ServerFact,
    SleepChanged,
    Spawned,
    StartIdentified,
    StartWaits,
    StopOrdered,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.stamp import Stamp
from backends.domain.start import (
    FailureKind,
    Outcome,
    PhaseName,
    Progress,
    Start,
)
from backends.domain.startup.memory import smaller, start_memory, with_part
from backends.domain.startup.phases import phases_of, reports_by_rank
from backends.domain.startup.state import Boundary, Download, Fetched, StartState, begin

__all__ = ["StartState", "apply", "as_start", "begin", "running_phase"]

_NO_RANK = 0
"""The place of a report without rank among those with one."""


def apply(state: StartState, fact: ServerFact) -> StartState:  # noqa: PLR0911, PLR0912
    """Return the state with one more fact."""
    match fact:
        case StartIdentified():
            return _identified(state, fact)
        case PhaseBegan():
            return _phase_began(state, fact)
        case PhaseReported():
            return _reported(state, fact)
        case PhaseProgressed():
            return _progressed(state, fact)
        case StartWaits():
            return replace(state, waiting=fact.reason)
        case DownloadSeen():
            return _download_seen(state, fact)
        case MemoryReported():
            return replace(state, memory=with_part(state.memory, fact))
        case KvCacheSized():
            return replace(state, kv_cache=smaller(state.kv_cache, fact))
        case FailureSeen():
            return _failed(state, fact)
        case BecameReady(seen=True):
            ready_s = fact.at.mono_s if state.ready_s is None else state.ready_s
            return replace(state, ready_s=ready_s, waiting="")
        case FirstTokenSeen():
            return _first_token(state, fact)
        case FirstTokenUnavailable():
            kept = tuple(b for b in state.boundaries if b.phase is not PhaseName.FIRST_TOKEN)
            return replace(state, boundaries=kept)
        case RequestErrorsCounted():
            return replace(state, request_errors=fact.errors)
        case StopOrdered():
            return replace(state, stop_ordered_s=_first(state.stop_ordered_s, fact.at))
        case Exited() | Stopped():
            return replace(state, ended_s=_first(state.ended_s, fact.at), waiting="")
        case Spawned():
            return replace(state, model=state.model or fact.model)
        case (
            BecameReady()
            | ContainerStarted()
            | HealthChanged()
            | RecordingChanged()
            | SleepChanged()
            | StopProgressed()
            | SurvivorsFound()
        ):
            return state
        case _:
            assert_never(fact)


def as_start(state: StartState, now: Stamp) -> Start:
    """Return what is known as a `Start`; the running phase reaches to `now`."""
    end_s = max(state.began_s, _end_s(state, now))
    phases, unlogged_s = phases_of(state, end_s)
    outcome = _outcome(state)
    return Start(
        start_id=state.start_id,
        vllm_version=state.vllm_version,
        model=state.model,
        outcome=outcome,
        total_s=end_s - state.began_s,
        ready_s=_since_begin(state, state.ready_s),
        first_token_s=_since_begin(state, state.first_token_s),
        phases=phases,
        unlogged_s=unlogged_s,
        progress=_progress(state),
        weights_load_s=_slowest(state, "weights_load_s"),
        compile_s=_slowest(state, "compile_s"),
        cuda_graph_s=_slowest(state, "cuda_graph_s"),
        engine_init_s=_slowest(state, "engine_init_s"),
        memory=start_memory(state.memory, state.kv_cache),
        failure=state.failure,
        served_s=_served_s(state),
        request_errors=state.request_errors,
        settings=state.settings,
        standing=(state.waiting or None) if outcome is Outcome.INCOMPLETE else None,
    )


def running_phase(state: StartState) -> PhaseName | None:
    """Return the phase that goes on, None once the start is over."""
    awaits_token = state.first_token_s is None and any(
        boundary.phase is PhaseName.FIRST_TOKEN for boundary in state.boundaries
    )
    if _outcome(state) is Outcome.INCOMPLETE or (awaits_token and state.ended_s is None):
        return PhaseName.DOWNLOAD if _downloads(state) else state.boundaries[-1].phase
    return None


def _identified(state: StartState, fact: StartIdentified) -> StartState:
    settings = dict(state.settings) | dict(fact.settings)
    return replace(
        state,
        vllm_version=state.vllm_version or fact.vllm_version,
        model=state.model or fact.model,
        settings=tuple(settings.items()),
    )


def _phase_began(state: StartState, fact: PhaseBegan) -> StartState:
    at_s = max(fact.at.mono_s, state.began_s)
    came_after = state.ready_s is not None and at_s >= state.ready_s
    if came_after and fact.phase is not PhaseName.FIRST_TOKEN:
        return state
    state = replace(state, waiting="")
    boundaries = list(state.boundaries if fact.rank is None else state.rank_boundaries)
    insort_right(boundaries, Boundary(at_s, fact.phase, fact.rank), key=lambda one: one.at_s)
    if fact.rank is not None:
        return replace(state, rank_boundaries=tuple(boundaries))
    return replace(state, boundaries=tuple(boundaries))


def _download_seen(state: StartState, fact: DownloadSeen) -> StartState:
    since_s = max(fact.since.mono_s, state.began_s)
    stretch = Download(since_s, max(since_s, fact.at.mono_s), fact.over)
    others = (known for known in state.downloads if known.since_s != since_s)
    return replace(
        state,
        downloads=tuple(sorted((*others, stretch))),
        fetched=Fetched(fact.fetched_bytes, fact.total_bytes, fact.bytes_per_s),
    )


def _progressed(state: StartState, fact: PhaseProgressed) -> StartState:
    counted = fact.done if fact.total is None else fact.total
    items = dict(state.items) | {(fact.phase, fact.item): counted}
    return replace(state, progress=fact, items=tuple(items.items()))


def _failed(state: StartState, fact: FailureSeen) -> StartState:
    # Processes that are stopped log errors; that one hung is why it was stopped.
    hung = fact.failure.kind is FailureKind.ENGINE_HUNG
    if state.failure is not None or (state.stop_ordered_s is not None and not hung):
        return state
    if state.ready_s is not None:
        served_until_s = _first(state.ended_s, fact.at)
        return replace(state, failure=fact.failure, served_until_s=served_until_s)
    return replace(state, failure=fact.failure, ended_s=_first(state.ended_s, fact.at))


def _first_token(state: StartState, fact: FirstTokenSeen) -> StartState:
    if state.first_token_s is not None:
        return state
    since_s = fact.at.mono_s if state.ready_s is None else state.ready_s
    with_phase = _phase_began(state, PhaseBegan(Stamp(since_s, 0.0), PhaseName.FIRST_TOKEN))
    return replace(with_phase, first_token_s=fact.at.mono_s)


def _first(known_s: float | None, at: Stamp) -> float:
    return at.mono_s if known_s is None else min(known_s, at.mono_s)


def _end_s(state: StartState, now: Stamp) -> float:
    if state.first_token_s is not None:
        return state.first_token_s
    awaits_token = any(one.phase is PhaseName.FIRST_TOKEN for one in state.boundaries)
    if state.ready_s is not None and not awaits_token:
        return state.ready_s
    return now.mono_s if state.ended_s is None else state.ended_s


def _reported(state: StartState, fact: PhaseReported) -> StartState:
    reports = dict(state.reports)
    key = (fact.phase, fact.measure, _NO_RANK if fact.rank is None else fact.rank)
    reports[key] = reports.get(key, 0.0) + fact.reported_s
    built = dict.fromkeys((*state.built, fact.item)) if fact.item else state.built
    return replace(state, reports=tuple(reports.items()), built=tuple(built))


def _slowest(state: StartState, measure: str) -> float | None:
    return max(reports_by_rank(state, measure=measure).values(), default=None)


def _progress(state: StartState) -> Progress | None:
    if _downloads(state) and state.fetched is not None:
        done, total, per_s = state.fetched
        return Progress(PhaseName.DOWNLOAD, "bytes", done, total, per_s)
    told = state.progress
    if told is None or running_phase(state) is not told.phase:
        return None
    return Progress(told.phase, told.item, told.done, told.total)


def _downloads(state: StartState) -> bool:
    return any(not stretch.over for stretch in state.downloads)


def _outcome(state: StartState) -> Outcome:
    if state.ready_s is not None:
        return Outcome.READY
    if state.failure is not None:
        return Outcome.FAILED
    if state.stop_ordered_s is not None or state.ended_s is not None:
        return Outcome.STOPPED
    return Outcome.INCOMPLETE


def _served_s(state: StartState) -> float | None:
    if state.ready_s is None or state.served_until_s is None:
        return None
    return state.served_until_s - state.ready_s


def _since_begin(state: StartState, at_s: float | None) -> float | None:
    return None if at_s is None else at_s - state.began_s
