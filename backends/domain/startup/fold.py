"""Facts -> one `Start`: phases and `unlogged` tile the whole time, in whatever order facts come."""

from bisect import insort_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from backends.domain.facts import (
    BecameReady,
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
    ServerFact,
    Spawned,
    StartIdentified,
    StopOrdered,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.stamp import Stamp
from backends.domain.start import (
    Failure,
    Outcome,
    Phase,
    PhaseName,
    Progress,
    RankMemory,
    Start,
)
from backends.domain.startup.memory import smaller, start_memory, with_part

_NO_RANK = 0
"""The place of a report without rank among those with one."""


@dataclass(frozen=True, slots=True)
class StartState:
    """All that is known of one start; times in seconds of the monotonic clock.

    Attributes:
        boundaries: where phases began, in order of time.
        reports: vLLM's own figures by phase, measure and rank, in seconds; repeats add up.
        items: how many items each phase had to do, the latest figure.
    """

    start_id: str
    began_s: float
    boundaries: tuple[tuple[float, PhaseName], ...] = ()
    reports: tuple[tuple[tuple[PhaseName, str, int], float], ...] = ()
    items: tuple[tuple[tuple[PhaseName, str], int], ...] = ()
    progress: PhaseProgressed | None = None
    memory: tuple[RankMemory, ...] = ()
    kv_cache: KvCacheSized | None = None
    vllm_version: str | None = None
    model: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    ready_s: float | None = None
    first_token_s: float | None = None
    stop_ordered_s: float | None = None
    ended_s: float | None = None
    failure: Failure | None = None


def begin(start_id: str, at: Stamp) -> StartState:
    """Return the state of a start that was launched at `at` and of which nothing is known."""
    return StartState(start_id, at.mono_s, boundaries=((at.mono_s, PhaseName.LAUNCH),))


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
        case MemoryReported():
            return replace(state, memory=with_part(state.memory, fact))
        case KvCacheSized():
            return replace(state, kv_cache=smaller(state.kv_cache, fact))
        case FailureSeen():
            return _failed(state, fact)
        case BecameReady():
            return state if state.ready_s is not None else replace(state, ready_s=fact.at.mono_s)
        case FirstTokenSeen():
            return _first_token(state, fact)
        case FirstTokenUnavailable():
            kept = tuple(b for b in state.boundaries if b[1] is not PhaseName.FIRST_TOKEN)
            return replace(state, boundaries=kept)
        case StopOrdered():
            return replace(state, stop_ordered_s=_first(state.stop_ordered_s, fact.at))
        case Exited() | Stopped():
            return replace(state, ended_s=_first(state.ended_s, fact.at))
        case Spawned():
            return replace(state, model=state.model or fact.model)
        case HealthChanged() | StopProgressed() | SurvivorsFound():
            return state
        case _:
            assert_never(fact)


def as_start(state: StartState, now: Stamp) -> Start:
    """Return what is known as a `Start`; the running phase reaches to `now`.

    Phases come in the order of `PhaseName`, one for each name: a phase that was gone through again
    (a draft model, a second compilation) has the sum of its stretches as `duration_s`, its first
    beginning as `start_s` and their number in `detail`; where several ranks reported how long it
    took, `detail` has each, and `reported_s` is the slowest.
    """
    end_s = max(state.began_s, _end_s(state, now))
    stretches = _stretches(state, end_s)
    phases = tuple(
        _phase(state, name, stretches[name])
        for name in PhaseName
        if name is not PhaseName.UNLOGGED and _was_seen(name, stretches.get(name, ()))
    )
    return Start(
        start_id=state.start_id,
        vllm_version=state.vllm_version,
        model=state.model,
        outcome=_outcome(state),
        total_s=end_s - state.began_s,
        ready_s=_since_begin(state, state.ready_s),
        first_token_s=_since_begin(state, state.first_token_s),
        phases=phases,
        unlogged_s=sum(e - b for b, e in stretches.get(PhaseName.UNLOGGED, ())),
        progress=_progress(state),
        weights_load_s=_slowest(state, "weights_load_s"),
        compile_s=_slowest(state, "compile_s"),
        cuda_graph_s=_slowest(state, "cuda_graph_s"),
        engine_init_s=_slowest(state, "engine_init_s"),
        memory=start_memory(state.memory, state.kv_cache),
        failure=state.failure,
        settings=state.settings,
    )


def running_phase(state: StartState) -> PhaseName | None:
    """Return the phase that goes on, None once the start is over."""
    awaits_token = state.first_token_s is None and any(
        name is PhaseName.FIRST_TOKEN for _, name in state.boundaries
    )
    if _outcome(state) is Outcome.INCOMPLETE or (awaits_token and state.ended_s is None):
        return state.boundaries[-1][1]
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
    boundaries = list(state.boundaries)
    insort_right(boundaries, (at_s, fact.phase), key=lambda boundary: boundary[0])
    return replace(state, boundaries=tuple(boundaries))


def _progressed(state: StartState, fact: PhaseProgressed) -> StartState:
    if fact.total is None or fact.item == "bytes":
        return replace(state, progress=fact)
    items = dict(state.items) | {(fact.phase, fact.item): fact.total}
    return replace(state, progress=fact, items=tuple(items.items()))


def _failed(state: StartState, fact: FailureSeen) -> StartState:
    if state.stop_ordered_s is not None or state.failure is not None:
        return state
    ended_s = state.ended_s if state.ready_s is not None else _first(state.ended_s, fact.at)
    return replace(state, failure=fact.failure, ended_s=ended_s)


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
    awaits_token = any(name is PhaseName.FIRST_TOKEN for _, name in state.boundaries)
    if state.ready_s is not None and not awaits_token:
        return state.ready_s
    return now.mono_s if state.ended_s is None else state.ended_s


def _stretches(state: StartState, end_s: float) -> dict[PhaseName, list[tuple[float, float]]]:
    stretches: dict[PhaseName, list[tuple[float, float]]] = {}
    starts = [(min(at_s, end_s), name) for at_s, name in state.boundaries if at_s <= end_s]
    for place, (start_s, name) in enumerate(starts):
        stop_s = starts[place + 1][0] if place + 1 < len(starts) else end_s
        told = stretches.setdefault(name, [])
        if told and told[-1][1] == start_s:
            told[-1] = (told[-1][0], stop_s)
        else:
            told.append((start_s, stop_s))
    return stretches


def _was_seen(name: PhaseName, told: Sequence[tuple[float, float]]) -> bool:
    # A log that begins with the banner does not cover the launch; it is absent, not 0 s.
    return any(stop_s > start_s for start_s, stop_s in told) or bool(
        told and name is not PhaseName.LAUNCH
    )


def _phase(state: StartState, name: PhaseName, told: list[tuple[float, float]]) -> Phase:
    lasting = [stretch for stretch in told if stretch[1] > stretch[0]] or told[:1]
    detail = [(item, str(total)) for (phase, item), total in state.items if phase is name]
    if len(lasting) > 1:
        detail.append(("times", str(len(lasting))))
    by_rank = _by_rank(state, name, "")
    if len(by_rank) > 1:
        detail += [(f"rank {rank}", f"{took_s:g} s") for rank, took_s in sorted(by_rank.items())]
    return Phase(
        name=name,
        start_s=lasting[0][0] - state.began_s,
        duration_s=sum(stop_s - start_s for start_s, stop_s in lasting),
        reported_s=max(by_rank.values(), default=None),
        detail=tuple(detail),
    )


def _reported(state: StartState, fact: PhaseReported) -> StartState:
    reports = dict(state.reports)
    key = (fact.phase, fact.measure, _NO_RANK if fact.rank is None else fact.rank)
    reports[key] = reports.get(key, 0.0) + fact.reported_s
    return replace(state, reports=tuple(reports.items()))


def _slowest(state: StartState, measure: str) -> float | None:
    return max(_by_rank(state, None, measure).values(), default=None)


def _by_rank(state: StartState, phase: PhaseName | None, measure: str) -> dict[int, float]:
    """Return each rank's figure in seconds: of a measure, or of all that belong to a phase."""
    by_rank: dict[int, float] = {}
    for (of_phase, of_measure, rank), seconds in state.reports:
        of_this = of_phase is phase and of_measure != "engine_init_s"
        if of_this if phase is not None else of_measure == measure:
            by_rank[rank] = by_rank.get(rank, 0.0) + seconds
    return by_rank


def _progress(state: StartState) -> Progress | None:
    told = state.progress
    if told is None or running_phase(state) is not told.phase:
        return None
    return Progress(told.phase, told.item, told.done, told.total)


def _outcome(state: StartState) -> Outcome:
    if state.ready_s is not None:
        return Outcome.READY
    if state.failure is not None:
        return Outcome.FAILED
    if state.stop_ordered_s is not None or state.ended_s is not None:
        return Outcome.STOPPED
    return Outcome.INCOMPLETE


def _since_begin(state: StartState, at_s: float | None) -> float | None:
    return None if at_s is None else at_s - state.began_s
