"""Open-loop load: what one step of a rate showed, and which rate comes next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import fmean as mean
from statistics import median
from typing import Literal

from backends.domain.ab.run import Run, Spread
from backends.domain.ab.statistics import share_at_least, spread

# The share of requests that must keep the limits, as a p99 limit says.
KEPT_SHARE = 0.99
REFINEMENTS = 3
CLIENT_BUSY_PERCENT = 80.0


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What a request must keep: TTFT from its planned send, and its mean inter-token latency."""

    ttft_s: float
    itl_s: float | None = None


@dataclass(frozen=True, slots=True)
class LoadSamples:
    """The requests of a step that count, one value of each tuple for each of them.

    Attributes:
        ttft_s: from the send; None where no token came.
        planned_to_sent_s: how late the client itself was.
        itl_s: the request's mean; None for a single arrival.
        error: one line; None where it succeeded.
    """

    ttft_s: tuple[float | None, ...] = ()
    planned_to_sent_s: tuple[float | None, ...] = ()
    itl_s: tuple[float | None, ...] = ()
    input_tokens: tuple[int | None, ...] = ()
    output_tokens: tuple[int | None, ...] = ()
    error: tuple[str | None, ...] = ()


NO_SAMPLES = LoadSamples()


@dataclass(frozen=True, slots=True)
class LoadStep:
    """One rate, held for one step.

    Attributes:
        planned_rps: mean rate of the Poisson arrivals.
        requests: those that count: planned after the step's first third.
        kept_share: share of them that kept all limits; None when none counted.
        kept_share_at_least: what that shows of all requests at this rate, 95 % sure.
        goodput_rps: requests a second that kept all limits.
        output_tokens_per_s: tokens of the counted requests, by the length of their window.
        concurrency: most streams open at once.
        ttft_s: from the planned send, so that a late client or a full queue shows.
        itl_s: of each request's mean.
        planned_to_sent_max_s: how late the client itself was.
        broke: why the rate is too high, empty where it is not.
        outcome: ``unknown`` where no request counted, so that the step says nothing of its rate.
        input_tokens: median of the counted requests' usage, of mixed lengths the mean, like
            `output_tokens`; None where no usage came.
        client_cpu_percent: of one core, by the measuring process.
        client_limited: it may have been the client that could not keep up.
        spent_usd: what the load has cost by the end of the step, decimal digits; None unpriced.
        replayed_speed: how many times faster than recorded traffic came; None for a rate that is
            searched.
        planned: arrivals of recorded traffic within the step, `sent` of them sent.
        sent_late_s: how long after its plan each request left.
        window_s: how long requests that count were sent; None in steps of earlier versions.
        mixed: its requests have different lengths.
        samples: what all of this is computed from; the history keeps none.
    """

    planned_rps: float
    requests: int
    errors: int
    kept_share: float | None
    goodput_rps: float
    output_tokens_per_s: float
    concurrency: int
    ttft_s: Spread | None
    itl_s: Spread | None
    planned_to_sent_max_s: float | None
    broke: str = ""
    client_cpu_percent: float | None = None
    client_limited: bool = False
    outcome: Literal["kept", "broke", "unknown"] = "kept"
    input_tokens: float | None = None
    output_tokens: float | None = None
    kept_share_at_least: float | None = None
    spent_usd: str | None = None
    replayed_speed: float | None = None
    planned: int | None = None
    sent: int | None = None
    sent_late_s: Spread | None = None
    window_s: float | None = None
    mixed: bool = False
    samples: LoadSamples = NO_SAMPLES


@dataclass(frozen=True, slots=True)
class LoadEnded:
    """The measurement is over.

    Attributes:
        reason: why it ended.
        best: the highest rate that kept the limits, without its samples; None when none did.
        bounded: the endpoint broke them at a higher rate, so `best` is its capacity and not just a
            lower bound.
        steps: the curve, in order of rate.
        cost_usd: decimal digits, None without prices.
        cut_unpriced: requests that were cut off at the end and whose cost nobody told: `cost_usd`
            is without them.
        not_sent: fields that the endpoint refused.
    """

    reason: str
    best: LoadStep | None
    bounded: bool
    steps: tuple[LoadStep, ...]
    cost_usd: str | None = None
    cut_unpriced: int = 0
    not_sent: tuple[str, ...] = ()


def judge(
    planned_rps: float,
    runs: Sequence[Run],
    window_s: float,
    limits: LoadLimits,
    *,
    concurrency: int,
    broke: str = "",
    mixed: bool = False,
) -> LoadStep:
    """Return what the counted runs of a step show; `broke` is what ended it before its time.

    Requests of mixed lengths are known by their mean tokens, which is what they cost and occupy.
    """
    middle = mean if mixed else median
    good = [run for run in runs if run.error is None]
    kept = sum(1 for run in good if keeps(run, limits))
    share = kept / len(runs) if runs else None
    if share is not None and share < KEPT_SHARE:
        broke = broke or _why(len(runs), kept, len(good))
    late = [run.planned_to_sent_s for run in runs if run.planned_to_sent_s is not None]
    return LoadStep(
        planned_rps=planned_rps,
        requests=len(runs),
        errors=len(runs) - len(good),
        kept_share=share,
        goodput_rps=kept / window_s,
        output_tokens_per_s=sum(run.output_tokens or 0 for run in good) / window_s,
        concurrency=concurrency,
        ttft_s=spread([ttft for run in good if (ttft := planned_ttft_s(run)) is not None]),
        itl_s=spread([itl for run in good if (itl := mean_itl_s(run)) is not None]),
        planned_to_sent_max_s=max(late, default=None),
        sent_late_s=spread(late),
        broke=broke,
        outcome="broke" if broke else "kept" if runs else "unknown",
        input_tokens=_of_known(middle, [run.input_tokens for run in good]),
        output_tokens=_of_known(middle, [run.output_tokens for run in good]),
        kept_share_at_least=share_at_least(kept, len(runs)) if runs else None,
        window_s=window_s,
        mixed=mixed,
        samples=_samples_of(runs),
    )


def _samples_of(runs: Sequence[Run]) -> LoadSamples:
    return LoadSamples(
        ttft_s=tuple(run.ttft_s for run in runs),
        planned_to_sent_s=tuple(run.planned_to_sent_s for run in runs),
        itl_s=tuple(mean_itl_s(run) for run in runs),
        input_tokens=tuple(run.input_tokens for run in runs),
        output_tokens=tuple(run.output_tokens for run in runs),
        error=tuple(run.error for run in runs),
    )


def judged_again(step: LoadStep, limits: LoadLimits) -> LoadStep | None:
    """Return a step computed from its samples; None for one of an earlier version without any.

    Raises:
        ValueError: the samples of one request are not as many as those of another.
    """
    if step.window_s is None:
        return None
    kept = step.samples
    columns = (kept.ttft_s, kept.planned_to_sent_s, kept.itl_s)
    counted = (kept.input_tokens, kept.output_tokens, kept.error)
    runs = [
        Run(
            "a",
            index,
            ttft_s=ttft_s,
            planned_to_sent_s=late_s,
            itl_s=() if itl_s is None else (itl_s,),
            input_tokens=read,
            output_tokens=wrote,
            error=error,
        )
        for index, (ttft_s, late_s, itl_s, read, wrote, error) in enumerate(
            zip(*columns, *counted, strict=True)
        )
    ]
    found = judge(
        step.planned_rps,
        runs,
        step.window_s,
        limits,
        concurrency=step.concurrency,
        broke=step.broke,
        mixed=step.mixed,
    )
    busy = step.client_cpu_percent
    return replace(
        found,
        client_cpu_percent=busy,
        client_limited=busy is not None and busy > CLIENT_BUSY_PERCENT,
        spent_usd=step.spent_usd,
        replayed_speed=step.replayed_speed,
        planned=step.planned,
        sent=step.sent,
    )


def without_samples(ended: LoadEnded) -> LoadEnded:
    """Return a finding without its single requests, of which the history keeps none."""
    steps = tuple(replace(step, samples=NO_SAMPLES) for step in ended.steps)
    return replace(ended, steps=steps)


def planned_ttft_s(run: Run) -> float | None:
    """Return TTFT from the planned send: what a user waits who comes when he comes."""
    return None if run.ttft_s is None else run.ttft_s + (run.planned_to_sent_s or 0.0)


def mean_itl_s(run: Run) -> float | None:
    """Return the time per output token after the first chunk, None for a single arrival."""
    return sum(run.itl_s) / len(run.itl_s) if run.itl_s else None


def keeps(run: Run, limits: LoadLimits) -> bool:
    """Return whether a run kept the limits; a failed one did not."""
    ttft_s, itl_s = planned_ttft_s(run), mean_itl_s(run)
    if run.error is not None or ttft_s is None or ttft_s > limits.ttft_s:
        return False
    return limits.itl_s is None or itl_s is None or itl_s <= limits.itl_s


def next_rate(steps: Sequence[LoadStep], first_rps: float, growth: float) -> float | None:
    """Return the rate to try next, None when the limit is known well enough.

    Rates grow until one breaks, then the gap between the highest that kept the limits and the
    lowest that broke them is halved three times. A step in which no request counted kept nothing.
    A rate that so few requests broke that most runs of a good one look the same is tried twice.
    """
    if not steps:
        return first_rps
    rates = list(dict.fromkeys(step.planned_rps for step in steps))
    tries = sum(step.planned_rps == steps[-1].planned_rps for step in steps)
    if steps[-1].broke and tries == 1 and not _shows_it(steps[-1]):
        return rates[-1]
    broken = broken_rates(steps)
    if not broken:
        return max(rates) * growth
    kept = (step.planned_rps for step in steps if step.outcome == "kept")
    good = max((rate for rate in kept if rate < broken[0]), default=0.0)
    halvings = len(rates) - 1 - next(i for i, rate in enumerate(rates) if rate in broken)
    if halvings >= REFINEMENTS:
        return None
    return (good + broken[0]) / 2


def broken_rates(steps: Sequence[LoadStep]) -> list[float]:
    """Return the rates at which the limits were broken each time they were tried, lowest first."""
    kept = {step.planned_rps for step in steps if step.outcome == "kept"}
    return sorted({step.planned_rps for step in steps if step.broke} - kept)


def _shows_it(step: LoadStep) -> bool:
    """Whether a broken step shows that too few requests keep the limits, 95 % sure."""
    if step.kept_share is None or step.kept_share >= KEPT_SHARE:
        return True  # it broke by something else than missed limits
    missed = step.requests - round(step.kept_share * step.requests)
    return share_at_least(missed, step.requests) > 1 - KEPT_SHARE


def summarise_load(
    steps: Sequence[LoadStep], reason: str, cost_usd: str | None, cut_unpriced: int = 0
) -> LoadEnded:
    """Return the finding: the highest rate below every one that broke the limits."""
    broken = broken_rates(steps)
    kept = [s for s in steps if s.outcome == "kept" and s.planned_rps < min(broken, default=inf)]
    best = max(kept, key=lambda step: step.planned_rps, default=None)
    return LoadEnded(
        reason=reason,
        best=None if best is None else replace(best, samples=NO_SAMPLES),
        bounded=any(s.planned_rps in broken and not s.client_limited for s in steps),
        steps=tuple(sorted(steps, key=lambda step: step.planned_rps)),
        cost_usd=cost_usd,
        cut_unpriced=cut_unpriced,
    )


def _why(requests: int, kept: int, answered: int) -> str:
    parts = []
    if late := answered - kept:
        parts.append(f"{late} of {requests} requests missed a limit")
    if errors := requests - answered:
        parts.append(f"{errors} of {requests} requests failed")
    return " and ".join(parts)


def _of_known(
    middle: Callable[[Sequence[float]], float], values: Sequence[int | None]
) -> float | None:
    known = [float(value) for value in values if value is not None]
    return middle(known) if known else None
