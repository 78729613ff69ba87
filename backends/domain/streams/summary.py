"""Runs of two lanes: what each says, how they differ, and whether they may be compared."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from backends.domain.run import Difference, LaneSummary, Run
from backends.domain.streams import statistics

FigureName = Literal["ttft_s", "e2e_s", "output_tokens_per_s"]

INPUT_TOLERANCE = 0.02
OUTPUT_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class NotComparable:
    """Why figures of two lanes must not be compared, in one sentence."""

    figures: tuple[FigureName, ...]
    why: str


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


def summarise(runs: Sequence[Run]) -> LaneSummary:
    """Return what the runs of one lane say together; a run with an error counts only as one."""
    medians = [median(run.itl_s) for run in runs if run.itl_s and not run.error]
    return LaneSummary(
        n=len(runs),
        errors=sum(1 for run in runs if run.error),
        ttft_s=statistics.spread(values(runs, "ttft_s")),
        output_tokens_per_s=statistics.spread(values(runs, "output_tokens_per_s")),
        e2e_s=statistics.spread(values(runs, "e2e_s")),
        itl_s=statistics.spread(medians),
    )


def difference(a: Sequence[Run], b: Sequence[Run], figure: FigureName) -> Difference | None:
    """Return how lane b differs from lane a in a figure; None for fewer than four runs a side."""
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


def comparability(a: Sequence[Run], b: Sequence[Run]) -> tuple[NotComparable, ...]:
    """Return why figures of two lanes are not about the same work; empty when they are."""
    ours = [run for run in a if not run.error]
    theirs = [run for run in b if not run.error]
    checks = (_input_lengths, _output_lengths, _finish_reasons)
    return tuple(found for check in checks if (found := check(ours, theirs)) is not None)


def _input_lengths(a: Sequence[Run], b: Sequence[Run]) -> NotComparable | None:
    lengths = _medians(a, b, lambda run: run.input_tokens)
    if lengths is None or _apart(*lengths) <= INPUT_TOLERANCE:
        return None
    why = (
        f"the prompt is {lengths[0]:g} tokens in lane a and {lengths[1]:g} in lane b: tokenizer,"
        " chat template or system prompt differ, so TTFT is not about the same work"
    )
    return NotComparable(("ttft_s", "e2e_s"), why)


def _output_lengths(a: Sequence[Run], b: Sequence[Run]) -> NotComparable | None:
    lengths = _medians(a, b, lambda run: run.output_tokens)
    if lengths is None or _apart(*lengths) <= OUTPUT_TOLERANCE:
        return None
    why = (
        f"lane a wrote {lengths[0]:g} tokens and lane b {lengths[1]:g}: end-to-end time compares"
        " different lengths; compare TTFT and tokens per second"
    )
    return NotComparable(("e2e_s",), why)


def _finish_reasons(a: Sequence[Run], b: Sequence[Run]) -> NotComparable | None:
    ours, theirs = _usual_finish(a), _usual_finish(b)
    if ours is None or theirs is None or ours == theirs:
        return None
    why = (
        f"lane a mostly ends with '{ours}' and lane b with '{theirs}': one was cut off where the"
        " other was not"
    )
    return NotComparable(("e2e_s",), why)


def _usual_finish(runs: Sequence[Run]) -> str | None:
    seen = Counter(run.finish_reason for run in runs if run.finish_reason)
    return seen.most_common(1)[0][0] if seen else None


def _medians(
    a: Sequence[Run], b: Sequence[Run], read: Callable[[Run], int | None]
) -> tuple[float, float] | None:
    ours = [value for run in a if (value := read(run)) is not None]
    theirs = [value for run in b if (value := read(run)) is not None]
    return (median(ours), median(theirs)) if ours and theirs else None


def _apart(one: float, other: float) -> float:
    larger = max(abs(one), abs(other))
    return abs(one - other) / larger if larger else 0.0
