"""What a start should take, from earlier starts of the same model with the same settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from backends.domain.start import Outcome, PhaseName, Start
from backends.domain.startup.lessons import Expected, Slower, slower_sentence
from backends.domain.startup.settings import DECISIVE

_ORDER = {phase: place for place, phase in enumerate(PhaseName)}
_INTERLEAVED = frozenset({PhaseName.COMPILE, PhaseName.PROFILE_MEMORY})
FEWEST_FOR_A_JUDGEMENT = 3
"""Below this many earlier starts their spread says too little to call anything slower."""
LEAST_DIFFERENCE_S = 1.0
"""The resolution of vLLM's own log; what differs by less is not called a difference."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """How long a running start will still take until it is ready.

    Attributes:
        left: one earlier start gives a figure and no spread; `Expected.n` says so.
        overdue: the running phase already lasts longer than in any earlier start.
    """

    left: Expected
    overdue: bool


def comparable(earlier: Sequence[Start], start: Start) -> tuple[Start, ...]:
    """Return the earlier starts that became ready with this start's model, version and settings.

    What is not yet known of a running start does not tell two starts apart.
    """
    return tuple(other for other in earlier if _is_like(other, start))


def expected_total(earlier: Sequence[Start]) -> Expected | None:
    """Return what comparable starts took from launch to ready; None where there are none."""
    return _spread([start.ready_s for start in earlier if start.ready_s is not None])


def expected_phases(earlier: Sequence[Start]) -> dict[PhaseName, Expected]:
    """Return what each phase took, in order; a start without a phase counts as 0 s of it."""
    spreads: dict[PhaseName, Expected] = {}
    for name in PhaseName:
        durations = [_spent(start, name) for start in earlier]
        spread = _spread(durations)
        if spread is not None and spread.max_s > 0 and name is not PhaseName.UNLOGGED:
            spreads[name] = spread
    return spreads


def remaining(earlier: Sequence[Start], running: Start, phase: PhaseName) -> Remaining | None:
    """Return how long a start that now is in `phase` will take until it is ready.

    Every earlier start is asked how long it still took from this point, which gives the median and
    the spread. None where there is no earlier start.
    """
    left = _spread([_left(start, running, phase) for start in earlier])
    if left is None:
        return None
    spent_s = _spent(running, phase)
    return Remaining(left, overdue=all(spent_s > _spent(start, phase) for start in earlier))


def beside_usual(earlier: Sequence[Start], start: Start) -> str | None:
    """Return how long the phase in which a start ends or stands takes in earlier ones, in words.

    It is called unusual only where it has lasted longer than in any of them, by more than they
    differ. None where no earlier start had such a phase.
    """
    if not start.phases:
        return None
    phase = max(start.phases, key=lambda one: one.start_s + (one.duration_s or 0.0)).name
    usual = expected_phases(earlier).get(phase)
    if usual is None:
        return None
    spent_s = _spent(start, phase)
    span = f" ({usual.min_s:.0f} to {usual.max_s:.0f})" if usual.n > 1 else ""
    starts = "start" if usual.n == 1 else "starts"
    so_far = "not usual" if _stands_out(spent_s, usual) else "not longer than usual"
    return (
        f"{phase} takes {usual.median_s:.0f} s{span} in {usual.n} {starts} of this model on this "
        f"host; {spent_s:.0f} s so far is {so_far}"
    )


def slower_phases(earlier: Sequence[Start], start: Start) -> tuple[Slower, ...]:
    """Return what of a start that is over stands out as slow, the largest excess first.

    Each phase, or, where none does, the whole start. None stands out beside fewer than
    `FEWEST_FOR_A_JUDGEMENT` earlier starts, nor within the noise: what counts exceeds the longest
    of them by as much as they differ among each other, and by `LEAST_DIFFERENCE_S`.
    """
    total = expected_total(earlier)
    if total is None or total.n < FEWEST_FOR_A_JUDGEMENT or start.ready_s is None:
        return ()
    usual = expected_phases(earlier)
    never = Expected(0.0, 0.0, 0.0, len(earlier))
    why = _why(earlier, start)
    found = [
        Slower(phase.name, phase.duration_s, known, why.get(phase.name, ""))
        for phase in start.phases
        if phase.duration_s is not None
        and phase.name is not PhaseName.FIRST_TOKEN
        and _stands_out(phase.duration_s, known := usual.get(phase.name, never))
    ]
    if not found and _stands_out(start.ready_s, total):
        return (Slower(None, start.ready_s, total),)
    return tuple(sorted(found, key=lambda slow: slow.usual.median_s - slow.took_s))


def slower_than_usual(earlier: Sequence[Start], start: Start) -> str | None:
    """Return everything that `slower_phases` finds as one line, None where it finds nothing."""
    return "; ".join(slower_sentence(slow) for slow in slower_phases(earlier, start)) or None


def _stands_out(took_s: float, usual: Expected) -> bool:
    noise_s = max(LEAST_DIFFERENCE_S, usual.max_s - usual.min_s)
    return took_s > usual.max_s + noise_s


def _why(earlier: Sequence[Start], start: Start) -> dict[PhaseName, str]:
    """Return what is known to have made a phase slow: a cache that the others had found filled."""
    theirs = {dict(other.settings).get("compile_cache") for other in earlier}
    if dict(start.settings).get("compile_cache") == "miss" and theirs == {"hit"}:
        return {PhaseName.COMPILE: "cache missed"}
    return {}


def _is_like(other: Start, start: Start) -> bool:
    if other.outcome is not Outcome.READY or other.model != start.model:
        return False
    versions = {other.vllm_version, start.vllm_version}
    if None not in versions and len(versions) > 1:
        return False
    theirs, ours = dict(other.settings), dict(start.settings)
    return all(theirs[name] == ours[name] for name in DECISIVE if name in theirs and name in ours)


def _left(earlier: Start, running: Start, phase: PhaseName) -> float:
    left_s = max(0.0, earlier.unlogged_s - running.unlogged_s)
    for done in earlier.phases:
        if done.duration_s is None or done.name is PhaseName.FIRST_TOKEN:
            continue
        if done.name is phase or _is_interleaved(done.name, phase):
            left_s += max(0.0, done.duration_s - _spent(running, done.name))
        elif _ORDER[done.name] > _ORDER[phase] and done.name is not PhaseName.JIT_BUILD:
            left_s += done.duration_s
    return left_s


def _is_interleaved(name: PhaseName, phase: PhaseName) -> bool:
    return name in _INTERLEAVED and phase in _INTERLEAVED


def _spent(start: Start, name: PhaseName) -> float:
    return sum(phase.duration_s or 0.0 for phase in start.phases if phase.name is name)


def _spread(seconds: list[float]) -> Expected | None:
    if not seconds:
        return None
    return Expected(median(seconds), min(seconds), max(seconds), len(seconds))
