"""Runs of two targets: what each says, and how they differ."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import median
from typing import Literal

from backends.domain.ab import statistics
from backends.domain.ab.run import Difference, Run, TargetSummary

FigureName = Literal["ttft_s", "e2e_s", "output_tokens_per_s"]


def output_tokens_per_s(run: Run) -> float | None:
    """Return how fast a run streamed after its first chunk, None for fewer than two arrivals."""
    seconds = sum(run.itl_s)
    return len(run.itl_s) / seconds if seconds > 0 else None


FIGURES: dict[FigureName, Callable[[Run], float | None]] = {
    "ttft_s": lambda run: run.ttft_s,
    "e2e_s": lambda run: run.e2e_s,
    "output_tokens_per_s": output_tokens_per_s,
}
LARGER_IS_FASTER: frozenset[FigureName] = frozenset({"output_tokens_per_s"})


def values(runs: Sequence[Run], figure: FigureName) -> list[float]:
    """Return a figure of every run that succeeded and has it."""
    read = FIGURES[figure]
    return [value for run in runs if not run.error and (value := read(run)) is not None]


def summarise(runs: Sequence[Run]) -> TargetSummary:
    """Return what the runs of one target say together.

    A run with an error counts only as one; a run that its user cancelled does not count at all.
    """
    runs = [run for run in runs if not run.cancelled]
    medians = [median(run.itl_s) for run in runs if run.itl_s and not run.error]
    return TargetSummary(
        n=len(runs),
        errors=sum(1 for run in runs if run.error),
        ttft_s=statistics.spread(values(runs, "ttft_s")),
        output_tokens_per_s=statistics.spread(values(runs, "output_tokens_per_s")),
        e2e_s=statistics.spread(values(runs, "e2e_s")),
        itl_s=statistics.spread(medians),
    )


def difference(a: Sequence[Run], b: Sequence[Run], figure: FigureName) -> Difference | None:
    """Return how b differs from a in a figure; None for fewer than four runs of each."""
    ours, theirs = values(a, figure), values(b, figure)
    estimate = statistics.hodges_lehmann(ours, theirs)
    if estimate is None:
        return None
    shift, interval = estimate
    p_value = statistics.mann_whitney_p(ours, theirs)
    settled = p_value < 1 - statistics.CONFIDENCE and (interval[0] > 0 or interval[1] < 0)
    b_wins = (shift > 0) == (figure in LARGER_IS_FASTER)
    detectable = statistics.smallest_detectable(interval)
    runs = min(len(ours), len(theirs))
    return Difference(
        shift=shift,
        ci95=interval,
        p_value=p_value,
        verdict=("b_faster" if b_wins else "a_faster") if settled else "too_close",
        smallest_detectable=detectable,
        more_runs=None if settled else statistics.more_runs_to_settle(shift, detectable, runs),
    )


def spent_usd(runs: Sequence[Run]) -> Decimal | None:
    """Return what the runs cost together; None where no run has a price, never 0 for that."""
    known = [Decimal(run.cost_usd) for run in runs if run.cost_usd is not None]
    return sum(known, Decimal(0)) if known else None
