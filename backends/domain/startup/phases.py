"""Boundaries in time -> phases that tile it, each with what its ranks and vLLM itself say of it."""

from collections.abc import Iterable, Mapping, Sequence

from backends.domain.start import Phase, PhaseName, RankPhase
from backends.domain.startup.state import Boundary, Download, StartState

Stretch = tuple[float, float]

_OF_WORKERS = frozenset(
    {
        PhaseName.LOAD_WEIGHTS,
        PhaseName.COMPILE,
        PhaseName.WARM_UP_KERNELS,
        PhaseName.CAPTURE_GRAPHS,
        PhaseName.JIT_BUILD,
    }
)
"""What the workers of one engine tell each for itself; of the rest only its engine speaks."""
_OF_ENGINES = _OF_WORKERS | {
    PhaseName.INIT_DEVICES,
    PhaseName.PROFILE_MEMORY,
    PhaseName.ALLOCATE_KV_CACHE,
}
"""What the engines of a data parallel server tell each for itself."""


def phases_of(state: StartState, end_s: float) -> tuple[tuple[Phase, ...], float]:
    """Return the phases of the time until `end_s`, and the seconds that belong to none.

    Phases come in the order of `PhaseName`, one for each name: a phase that was gone through again
    (a draft model, a second compilation) has the sum of its stretches as `duration_s`, its first
    beginning as `start_s` and their number in `detail`.
    """
    stretches = _stretches(with_downloads(state.boundaries, state.downloads, end_s), end_s)
    ranks = _ranks(state, end_s)
    phases = tuple(
        _phase(state, name, stretches[name], ranks.get(name, {}))
        for name in PhaseName
        if name is not PhaseName.UNLOGGED and _was_seen(name, stretches.get(name, ()))
    )
    return phases, sum(stop_s - at_s for at_s, stop_s in stretches.get(PhaseName.UNLOGGED, ()))


def with_downloads(
    boundaries: Sequence[Boundary], downloads: Iterable[Download], end_s: float
) -> tuple[Boundary, ...]:
    """Return the boundaries with each download cut out of whatever phases it went on beside."""
    told = tuple(boundaries)
    for since_s, until_s, over in downloads:
        back_s = until_s if over else end_s
        resumed = [boundary for boundary in told if boundary.at_s <= back_s][-1:]
        told = (
            *(boundary for boundary in told if boundary.at_s < since_s),
            Boundary(since_s, PhaseName.DOWNLOAD),
            *(Boundary(back_s, boundary.phase) for boundary in resumed if over),
            *(boundary for boundary in told if boundary.at_s > back_s),
        )
    return told


def reports_by_rank(
    state: StartState, *, phase: PhaseName | None = None, measure: str = ""
) -> dict[int, float]:
    """Return each rank's figure in seconds: of a measure, or of all that belong to a phase."""
    by_rank: dict[int, float] = {}
    for (of_phase, of_measure, rank), seconds in state.reports:
        of_this = of_phase is phase and of_measure != "engine_init_s"
        if of_this if phase is not None else of_measure == measure:
            by_rank[rank] = by_rank.get(rank, 0.0) + seconds
    return by_rank


def _stretches(boundaries: Sequence[Boundary], end_s: float) -> dict[PhaseName, list[Stretch]]:
    stretches: dict[PhaseName, list[Stretch]] = {}
    starts = [(min(at_s, end_s), name) for at_s, name, _ in boundaries if at_s <= end_s]
    for place, (start_s, name) in enumerate(starts):
        stop_s = starts[place + 1][0] if place + 1 < len(starts) else end_s
        told = stretches.setdefault(name, [])
        if told and told[-1][1] == start_s:
            told[-1] = (told[-1][0], stop_s)
        else:
            told.append((start_s, stop_s))
    return stretches


def _was_seen(name: PhaseName, told: Sequence[Stretch]) -> bool:
    # A log that begins with the banner does not cover the launch; it is absent, not 0 s.
    return any(stop_s > start_s for start_s, stop_s in told) or bool(
        told and name is not PhaseName.LAUNCH
    )


def _phase(
    state: StartState, name: PhaseName, told: list[Stretch], of_ranks: Mapping[int, Stretch]
) -> Phase:
    lasting = [stretch for stretch in told if stretch[1] > stretch[0]] or told[:1]
    duration_s = sum(stop_s - start_s for start_s, stop_s in lasting)
    detail = [(item, str(total)) for (phase, item), total in state.items if phase is name]
    if len(lasting) > 1:
        detail.append(("times", str(len(lasting))))
    if name is PhaseName.JIT_BUILD and state.built:
        detail.append(("modules", ", ".join(state.built)))
    if name is PhaseName.DOWNLOAD:
        detail += _fetched(state, duration_s)
    reports = reports_by_rank(state, phase=name)
    ranks = _rank_phases(state, of_ranks, reports)
    return Phase(
        name=name,
        start_s=lasting[0][0] - state.began_s,
        duration_s=duration_s,
        reported_s=max(reports.values(), default=None),
        rank=_slowest(ranks),
        detail=tuple(detail),
        ranks=ranks,
    )


def _fetched(state: StartState, duration_s: float) -> list[tuple[str, str]]:
    if state.fetched is None:
        return []
    detail = [("bytes", str(state.fetched.done_bytes))]
    if state.fetched.total_bytes is not None:
        detail.append(("total_bytes", str(state.fetched.total_bytes)))
    if duration_s > 0:
        detail.append(("bytes_per_s", f"{state.fetched.done_bytes / duration_s:.0f}"))
    return detail


def _ranks(state: StartState, end_s: float) -> dict[PhaseName, dict[int, Stretch]]:
    """Return for each phase when each rank began it, and for how long it was in it."""
    by_rank: dict[int, list[Boundary]] = {}
    for boundary in state.rank_boundaries:
        by_rank.setdefault(boundary.rank or 0, []).append(boundary)
    engines = dict(state.settings).get("data_parallel_size", "1")
    names = _OF_WORKERS if engines == "1" else _OF_ENGINES
    ranks: dict[PhaseName, dict[int, Stretch]] = {}
    for rank, boundaries in by_rank.items():
        for name, told in _stretches(boundaries, end_s).items():
            lasted_s = sum(stop_s - start_s for start_s, stop_s in told)
            if name in names and lasted_s > 0:
                ranks.setdefault(name, {})[rank] = (told[0][0], lasted_s)
    return ranks


def _rank_phases(
    state: StartState, stretches: Mapping[int, Stretch], reports: Mapping[int, float]
) -> tuple[RankPhase, ...]:
    several = sorted(stretches.keys() | reports.keys())
    if len(several) < 2:
        return ()
    return tuple(
        RankPhase(
            rank,
            start_s=stretches[rank][0] - state.began_s if rank in stretches else None,
            duration_s=stretches[rank][1] if rank in stretches else None,
            reported_s=reports.get(rank),
        )
        for rank in several
    )


def _slowest(ranks: tuple[RankPhase, ...]) -> int | None:
    """Return the slowest rank, None where none is slower than the others."""
    # What ranks say that it took is exact; by our clock each also waits for the others.
    told = {share.rank: share.reported_s for share in ranks if share.reported_s is not None}
    timed = {share.rank: share.duration_s for share in ranks if share.duration_s is not None}
    times = told if len(told) > 1 else timed
    if len(set(times.values())) < 2:
        return None
    return max(times, key=lambda rank: times[rank])
