"""Whether two targets were given the same work, and did it: only then may figures be compared."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.summary import FigureName
from backends.domain.model_names import quantisation_in, same_model

INPUT_TOLERANCE = 0.02
OUTPUT_TOLERANCE = 0.1
CACHED_TOLERANCE = 0.1
THOUGHT_TOLERANCE = 0.2
REFUSED = "refused_"
EVERY_FIGURE: tuple[FigureName, ...] = ("ttft_s", "e2e_s", "output_tokens_per_s")


@dataclass(frozen=True, slots=True)
class NotComparable:
    """Why figures of two targets must not be compared, in one sentence."""

    figures: tuple[FigureName, ...]
    why: str


def comparability(
    a: Sequence[Run], b: Sequence[Run], name: TargetName = "b"
) -> tuple[NotComparable, ...]:
    """Return why figures of target a and another are not about the same work; empty if they are."""
    ours = [run for run in a if not run.error]
    theirs = [run for run in b if not run.error]
    checks = (
        *(_models, _quantisations, _input_lengths, _cached_lengths),
        *(_output_lengths, _finish_reasons, _sampling, _thinking),
    )
    return tuple(found for check in checks if (found := check(ours, theirs, name)) is not None)


def _models(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    ours, theirs = answered_model(a), answered_model(b)
    if ours is None or theirs is None or same_model(ours, theirs) is not False:
        return None
    why = f"target a answered as {ours} and target {name} as {theirs}: not the same model"
    return NotComparable(EVERY_FIGURE, why)


def _quantisations(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    ours, theirs = (quantisation_in(answered_model(runs) or "") for runs in (a, b))
    if ours is None or theirs is None or ours == theirs:
        return None
    why = f"target a serves {ours} weights and target {name} {theirs}: not the same computation"
    return NotComparable(EVERY_FIGURE, why)


def answered_model(runs: Sequence[Run]) -> str | None:
    """Return which model answered most of the runs, None where none says."""
    seen = Counter(run.answered_model for run in runs if run.answered_model)
    return seen.most_common()[0][0] if seen else None


def thought_share(runs: Sequence[Run]) -> float | None:
    """Return which share of the output tokens were thoughts, None where no run counts them."""
    shares = [(run.reasoning_tokens or 0) / run.output_tokens for run in runs if run.output_tokens]
    counted = any(run.reasoning_tokens is not None for run in runs)
    return median(shares) if shares and counted else None


def _thinking(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    ours, theirs = thought_share(a), thought_share(b)
    if ours is None or theirs is None or abs(ours - theirs) <= THOUGHT_TOLERANCE:
        return None
    why = (
        f"{ours:.0%} of the output are thoughts in target a and {theirs:.0%} in target {name}:"
        " their reasoning effort differs"
    )
    return NotComparable(("e2e_s",), why)


def _input_lengths(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    lengths = _medians(a, b, lambda run: run.input_tokens)
    if lengths is None or _apart(*lengths) <= INPUT_TOLERANCE:
        return None
    why = (
        f"the prompt is {lengths[0]:g} tokens in target a and {lengths[1]:g} in target {name}:"
        " tokenizer, chat template or system prompt differ, so TTFT is not about the same work"
    )
    return NotComparable(("ttft_s", "e2e_s"), why)


def _cached_lengths(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    """A target that tells nothing of its cache is taken to have none, as its price says."""
    shares = [_cached_share(runs) for runs in (a, b)]
    if abs(shares[0] - shares[1]) <= CACHED_TOLERANCE:
        return None
    why = (
        f"{shares[0]:.0%} of the prompt came from a cache in target a and {shares[1]:.0%} in target"
        f" {name}, so TTFT is not about the same work"
    )
    return NotComparable(("ttft_s", "e2e_s"), why)


def _cached_share(runs: Sequence[Run]) -> float:
    told = [(run.cached_tokens or 0) / run.input_tokens for run in runs if run.input_tokens]
    return median(told) if told else 0.0


def _output_lengths(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    lengths = _medians(a, b, lambda run: run.output_tokens)
    if lengths is None or _apart(*lengths) <= OUTPUT_TOLERANCE:
        return None
    why = (
        f"target a wrote {lengths[0]:g} tokens and target {name} {lengths[1]:g}: end-to-end time"
        " compares different lengths; compare TTFT and tokens per second"
    )
    return NotComparable(("e2e_s",), why)


def _finish_reasons(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    ours, theirs = _usual_finish(a), _usual_finish(b)
    if ours is None or theirs is None or ours == theirs:
        return None
    why = (
        f"target a mostly ends with '{ours}' and target {name} with '{theirs}': one was cut off "
        "where the other was not"
    )
    return NotComparable(("e2e_s",), why)


def _sampling(a: Sequence[Run], b: Sequence[Run], name: TargetName) -> NotComparable | None:
    """A target that refused a parameter of the sampling wrote by a rule of its own."""
    refused = [
        {
            flag.removeprefix(REFUSED)
            for run in runs
            for flag in run.flags
            if flag.startswith(REFUSED)
        }
        for runs in (a, b)
    ]
    if refused[0] == refused[1]:
        return None
    target = "a" if refused[0] - refused[1] else name
    told = ", ".join(sorted(refused[0] ^ refused[1]))
    why = f"target {target} refused {told}, so its replies were not sampled like the other's"
    return NotComparable(("e2e_s",), why)


def _usual_finish(runs: Sequence[Run]) -> str | None:
    seen = Counter(run.finish_reason for run in runs if run.finish_reason)
    return seen.most_common()[0][0] if seen else None


def _medians(
    a: Sequence[Run], b: Sequence[Run], read: Callable[[Run], int | None]
) -> tuple[float, float] | None:
    ours = [value for run in a if (value := read(run)) is not None]
    theirs = [value for run in b if (value := read(run)) is not None]
    return (median(ours), median(theirs)) if ours and theirs else None


def _apart(one: float, other: float) -> float:
    larger = max(abs(one), abs(other))
    return abs(one - other) / larger if larger else 0.0
