"""After a start: its largest phases, what would shorten each, how much that saves and costs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from backends.domain.format import GIB
from backends.domain.start import Outcome, Phase, PhaseName, Start
from backends.domain.startup.lessons import Advice, Saving
from backends.domain.startup.levers import LEVERS, Lever, Version
from backends.domain.startup.openings import Settings
from backends.domain.values import whole

LEAST_SHARE = 0.05
LEAST_S = 2.0
"""A phase that took less than these is not worth a flag."""


def advise(
    start: Start, others: Sequence[Start] = (), environment: Mapping[str, str] | None = None
) -> tuple[Advice, ...]:
    """Return the best lever for each of the phases that took most, the largest first.

    See `all_levers` for the arguments.
    """
    best: dict[PhaseName, Advice] = {}
    for advice in all_levers(start, others, environment):
        best.setdefault(advice.phase, advice)
    return tuple(best.values())


def all_levers(
    start: Start, others: Sequence[Start] = (), environment: Mapping[str, str] | None = None
) -> tuple[Advice, ...]:
    """Return every lever for the phases that took most, the largest phase first.

    Only levers that this version of vLLM has and that this start did not already use; none for a
    start that did not become ready, whose version is unknown, or whose phases are all short.

    Args:
        start: a start that is over.
        others: starts of the same model on this host with whatever settings; those that used a
            lever tell what it saves here.
        environment: variables that the server was started with.
    """
    version = _version(start.vllm_version)
    if start.outcome is not Outcome.READY or version is None or not start.ready_s:
        return ()
    settings = _settings(start, environment or {})
    told = []
    for phase in sorted(_large(start), key=lambda phase: -(phase.duration_s or 0.0)):
        for lever in _open(phase.name, version, settings):
            text = _filled(lever.lever, start)
            if text is not None:
                took_s = phase.duration_s or 0.0
                saving = _saving(lever, phase, start, others)
                share = took_s / start.ready_s
                made = Advice(phase.name, took_s, share, text, lever.effect, lever.price, saving)
                told.append(made)
    return tuple(told)


def _large(start: Start) -> list[Phase]:
    least_s = max(LEAST_S, LEAST_SHARE * (start.ready_s or 0.0))
    return [phase for phase in start.phases if (phase.duration_s or 0.0) >= least_s]


def _settings(start: Start, environment: Mapping[str, str]) -> Settings:
    variables = {f"${name}": value for name, value in environment.items() if value}
    on_rocm = {"platform": "rocm"} if "rocm" in (start.vllm_version or "") else {}
    return dict(start.settings) | variables | on_rocm


def _open(phase: PhaseName, version: Version, settings: Settings) -> Iterator[Lever]:
    told = set()
    for lever in LEVERS:
        fits = lever.phase is phase and lever.exists_in(version) and lever.is_open(settings)
        if fits and lever.lever not in told:
            told.add(lever.lever)
            yield lever


def _saving(lever: Lever, phase: Phase, start: Start, others: Sequence[Start]) -> Saving | None:
    spared = lever.spares or (lever.phase,)
    took_s = _spent(start, spared)
    users = [other for other in others if _used(lever, other, start)]
    if users:
        saved = [took_s - _spent(other, spared) for other in users]
        starts = "1 start" if len(users) == 1 else f"{len(users)} starts"
        basis = f"measured here, in {starts} with it"
        least_s, most_s = (min(saved), max(saved)) if len(saved) < 3 else (median(saved),) * 2
        return Saving(least_s, most_s, basis) if least_s > 0 else None
    if lever.spares:
        return Saving(0.0, took_s, "what it took in this start")
    if lever.largest_batch is not None:
        return _fewer_graphs(phase, took_s, lever.largest_batch)
    if lever.published is not None:
        shares = (lever.published.least_share, lever.published.most_share)
        return Saving(
            shares[0] * took_s,
            shares[1] * took_s,
            f"published: {lever.published.source}; not measured here",
            published=True,
        )
    return None


def _used(lever: Lever, other: Start, start: Start) -> bool:
    """Return whether another ready start of this version is known to have used a lever."""
    alike = other.model == start.model and other.vllm_version == start.vllm_version
    if not alike or other.outcome is not Outcome.READY or other.start_id == start.start_id:
        return False
    return lever.is_used_by(dict(other.settings))


def _fewer_graphs(phase: Phase, took_s: float, largest: int) -> Saving | None:
    """Return the share of the graphs above a batch size; vLLM captures 1, 2, 4, then each 8th."""
    told = (whole(n) for item, n in phase.detail if item.endswith("graph"))
    counts = [n for n in told if n is not None]
    kept = 3 + largest // 8
    if not counts or max(counts) <= kept:
        return None
    share = 1 - sum(min(kept, count) for count in counts) / sum(counts)
    basis = f"linear in the graphs, {sum(counts)} in this start"
    return Saving(share * took_s, share * took_s, basis)


def _spent(start: Start, names: Sequence[PhaseName]) -> float:
    return sum(phase.duration_s or 0.0 for phase in start.phases if phase.name in names)


def _filled(lever: str, start: Start) -> str | None:
    if "{model}" in lever:
        return lever.format(model=start.model) if start.model else None
    if "{kv_cache_bytes}" in lever:
        per_rank = [rank.kv_cache_gib for rank in start.memory.ranks]
        gib = min((gib for gib in per_rank if gib is not None), default=0.0)
        return lever.format(kv_cache_bytes=int(gib * GIB)) if gib > 0 else None
    return lever


def _version(text: str | None) -> Version | None:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text or "")
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
