"""After a flag was tried: keep, revert or not enough runs, by figures before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from backends.domain.ab.statistics import more_runs_to_settle, smallest_detectable
from backends.domain.study.intervals import Interval, of_difference
from backends.domain.vllm_arguments import options


class Decision(StrEnum):
    """What to do with a flag that was tried."""

    KEEP = "keep"
    REVERT = "revert"
    NOT_ENOUGH_RUNS = "not_enough_runs"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with one set of arguments, one value per load test or run.

    Attributes:
        capacity_rps: of load tests that met their limit, requests a second.
        ttft_s: of A/B runs, in seconds; so is `itl_s`, each run's mean.
    """

    capacity_rps: tuple[float, ...] = ()
    ttft_s: tuple[float, ...] = ()
    itl_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """One figure before and after.

    Attributes:
        shift: after minus before with its interval; None where so few values tell none.
        better: None where the interval holds zero, or there is none.
    """

    figure: str
    unit: str
    before: int
    after: int
    shift: Interval | None
    better: bool | None

    @property
    def has_interval(self) -> bool:
        """Whether there are values enough for an interval."""
        return self.shift is not None and self.shift.low is not None


@dataclass(frozen=True, slots=True)
class Trial:
    """The judgement of a flag that was tried.

    Attributes:
        changes: the arguments that differ, as ``without --max-num-seqs 1``.
    """

    changes: tuple[str, ...]
    decision: Decision
    reason: str
    figures: tuple[Changed, ...]


FIGURES = (
    ("capacity_rps", "capacity", "req/s", True),
    ("ttft_s", "TTFT", "s", False),
    ("itl_s", "ITL", "s", False),
)
"""Field, name, unit, and whether more of it is better; what decides comes first."""


def trial_of(
    args_before: Sequence[str], args_after: Sequence[str], before: Measured, after: Measured
) -> Trial:
    """Return whether to keep what changed between two sets of arguments.

    The first figure whose interval is known decides alone, so that one try in twenty that changed
    nothing is judged wrongly and no more; what else differs is named. The intervals are those of
    studies: Hodges-Lehmann, below four values a side Welch's.
    """
    figures = tuple(
        _changed(
            name, unit, getattr(before, field), getattr(after, field), more_is_better=more_is_better
        )
        for field, name, unit, more_is_better in FIGURES
    )
    old, new = options(args_before), options(args_after)
    changes = (
        *(f"without {each}" for each in old if each not in new),
        *(f"with {each}" for each in new if each not in old),
    )
    decisive = next((each for each in figures if each.has_interval), None)
    if decisive is None or decisive.better is None:
        return Trial(changes, Decision.NOT_ENOUGH_RUNS, _missing(figures), figures)
    said = [
        f"{each.figure} is {'better' if each.better else 'worse'} beyond the noise"
        for each in figures
        if each.better is not None
    ]
    decision = Decision.KEEP if decisive.better else Decision.REVERT
    return Trial(changes, decision, ", ".join(said), figures)


def _changed(
    name: str, unit: str, before: Sequence[float], after: Sequence[float], *, more_is_better: bool
) -> Changed:
    shift = of_difference(before, after)
    better = None
    if shift is not None and shift.low is not None and shift.high is not None:
        if shift.low > 0:
            better = more_is_better
        elif shift.high < 0:
            better = not more_is_better
    return Changed(name, unit, len(before), len(after), shift, better)


def _missing(figures: Sequence[Changed]) -> str:
    """Return what was measured too little, and how much more would settle it."""
    measured = [each for each in figures if each.before and each.after]
    if not measured:
        return "nothing was measured the same way before and after"
    said = []
    for each in measured:
        runs = min(each.before, each.after)
        text = f"{each.figure}: {each.before} before and {each.after} after show no difference"
        if each.shift is not None and each.shift.low is not None and each.shift.high is not None:
            least = smallest_detectable((each.shift.low, each.shift.high))
            more = more_runs_to_settle(each.shift.value, least, runs)
            text += "" if not more else f", {more} more a side would settle this one"
        said.append(text)
    return "; ".join(said)
