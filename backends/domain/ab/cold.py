"""Cold hits: whether an endpoint that was left alone answers its next request late."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Literal

from backends.domain.ab.run import Spread
from backends.domain.ab.statistics import spread
from backends.domain.durations import DAY_S
from backends.domain.prices.cost import RequestPrices

SLOW_FACTOR = 2.0
FAR_OUT = 3.0
"""Interquartile ranges above the third quartile: the outer fence of Tukey, Exploratory Data
Analysis (1977), beyond which a value is far out."""

LEAST_WARM = 5
"""Warm requests below which there is no baseline."""

LEAST_SLOW = 2
"""One slow request after a pause may be an outlier; two of the same pause are not called one."""

LARGEST_WARM_FAILED_SHARE = 0.1
"""Above it an endpoint refuses without a pause too, so that a refusal after one proves nothing."""

WAKE_S = 1200.0
"""An endpoint that gives no token for so long after a pause is given up."""

REFUSALS_PER_PAUSE = 20
"""How many refused requests are allowed for each pause, on average over all of them."""

ROUNDING = 1e-6

RULE = (
    "a request is slow when its first token takes over twice the warm median and lies beyond the"
    " warm upper quartile by three interquartile ranges; an endpoint is cold after a pause when at"
    " least two requests after that pause, and at least half of them, are slow; a first token that"
    " refused requests came before is timed from the first of them, and proves nothing where over a"
    " tenth of the warm requests failed too"
)


@dataclass(frozen=True, slots=True)
class ColdProbe:
    """One request after a pause.

    Attributes:
        planned_idle_s: the pause asked for; 0 for a warm request, which follows another at once;
            None for one that ends a pause of which nothing is known.
        idle_s: the pause there really was, None where no earlier request is known.
        ended_at: seconds since 1970 UTC, when the endpoint was last known busy.
        ttft_s: from the first request after the pause, so that refused ones before this one count.
        input_tokens: as the endpoint's usage says.
        cost_usd: decimal digits, None without a price.
        error: one line; such a request is repeated.
        refused: it failed after a pause in a way that passes, as while an endpoint wakes up.
        waited_s: the part of `ttft_s` before this request was sent.
        fetches: how often its reply was fetched from where the endpoint said it would be.
    """

    planned_idle_s: float | None
    idle_s: float | None
    ended_at: float
    ttft_s: float | None
    error: str | None
    input_tokens: int | None = None
    cost_usd: str | None = None
    refused: bool = False
    waited_s: float = 0.0
    fetches: int = 0


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """What one start of the probe may use at most, agreed before it and kept by it.

    Attributes:
        usd: None without prices. A request that reports no cost counts as `usd` / `requests`.
    """

    requests: int
    lasts_s: float
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ProbeEnded:
    """The probe ended before every pause was measured; `reason` is one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class ColdProbePlan:
    """Which pauses are measured, each `rounds` times, and how many warm requests come first.

    Attributes:
        limits: None in what an earlier version wrote; see `limits_of`.
    """

    gaps_s: tuple[float, ...]
    rounds: int = 3
    warm: int = 10
    limits: ProbeLimits | None = None

    @property
    def requests(self) -> int:
        """How many requests it sends when none fails: one first, the warm ones, two a pause."""
        return 1 + self.warm + 2 * self.rounds * len(self.gaps_s)

    @property
    def lasts_s(self) -> float:
        """How long it pauses in all."""
        return self.rounds * sum(self.gaps_s)


@dataclass(frozen=True, slots=True)
class GapFinding:
    """What the requests after one pause say.

    Attributes:
        n: how many times the pause was measured, up to a first token.
        slow: how many of the `n` were slow, None without a warm baseline.
        refused: requests after this pause that were refused.
        verdict: ``unsure`` for a single slow request, or none yet.
    """

    gap_s: float
    n: int
    slow: int | None
    ttft_s: Spread | None
    verdict: Literal["cold", "warm", "unsure"]
    refused: int = 0


@dataclass(frozen=True, slots=True)
class ColdFinding:
    """What a cold-start probe found so far.

    Attributes:
        warm: TTFT of requests that followed another at once; None below `LEAST_WARM` of them.
        slow_above_s: the longest first token that is not slow.
        gaps: in order of length.
        cold_after_s: the shortest pause after which the endpoint was cold; None where it never was.
        warm_up_to_s: the longest pause below that after which no request was slow.
        first_ttft_s: of the first request of all, after a pause of which nothing is known.
        errors: requests that failed, refused ones not among them.
        refused: requests after a pause that were refused.
        spent_usd: None without prices.
    """

    warm: Spread | None
    warm_n: int
    slow_above_s: float | None
    gaps: tuple[GapFinding, ...]
    cold_after_s: float | None
    warm_up_to_s: float | None
    first_ttft_s: float | None
    requests: int
    errors: int
    spent_usd: Decimal | None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The request that keeps an endpoint warm: the shortest one, again and again.

    Attributes:
        every_s: sent so often.
        proven: after a pause of this length no request was slow; else it is half the shortest cold
            one, which nothing has shown to be enough.
        usd_per_day: None without prices or usage.
    """

    every_s: float
    proven: bool
    requests_per_day: int
    input_tokens: int | None
    usd_per_day: Decimal | None


def limits_of(plan: ColdProbePlan, most_usd_once: Decimal | None = None) -> ProbeLimits:
    """Return what a plan is limited to: what it was agreed to, else what follows from its pauses.

    `most_usd_once` is what one request costs at most, None unpriced.
    """
    if plan.limits is not None:
        return plan.limits
    wakes = 1 + plan.rounds * len(plan.gaps_s)
    requests = plan.requests + REFUSALS_PER_PAUSE * wakes
    usd = None if most_usd_once is None else most_usd_once * requests
    return ProbeLimits(requests, math.ceil(plan.lasts_s + WAKE_S * wakes), usd)


def find_cold(probes: Sequence[ColdProbe], plan: ColdProbePlan) -> ColdFinding:
    """Return what the requests of a cold-start probe say by `RULE`."""
    good = [probe for probe in probes if probe.error is None and probe.ttft_s is not None]
    warm = [probe.ttft_s for probe in good if probe.planned_idle_s == 0 and probe.ttft_s]
    above_s = slow_above_s(warm)
    steady = _steady(probes)
    gaps = tuple(_gap(gap_s, probes, above_s, steady=steady) for gap_s in sorted(set(plan.gaps_s)))
    cold_after_s = next((gap.gap_s for gap in gaps if gap.verdict == "cold"), None)
    below = [gap for gap in gaps if cold_after_s is None or gap.gap_s < cold_after_s]
    costs = [Decimal(probe.cost_usd) for probe in probes if probe.cost_usd is not None]
    return ColdFinding(
        warm=spread(warm) if above_s is not None else None,
        warm_n=len(warm),
        slow_above_s=above_s,
        gaps=gaps,
        cold_after_s=cold_after_s,
        warm_up_to_s=max((gap.gap_s for gap in below if gap.verdict == "warm"), default=None),
        first_ttft_s=good[0].ttft_s if good and good[0].planned_idle_s is None else None,
        requests=len(probes),
        errors=sum(1 for probe in probes if probe.error is not None and not probe.refused),
        spent_usd=sum(costs, Decimal(0)) if costs else None,
        refused=sum(1 for probe in probes if probe.refused),
    )


def slow_above_s(warm: Sequence[float]) -> float | None:
    """Return the time above which a first token is slow, None with fewer than `LEAST_WARM`."""
    if len(warm) < LEAST_WARM:
        return None
    found = spread(warm)
    assert found is not None
    return max(SLOW_FACTOR * found.median, found.p75 + FAR_OUT * (found.p75 - found.p25))


def _steady(probes: Sequence[ColdProbe]) -> bool:
    """Whether the endpoint answers while it is warm, so that a refusal means something."""
    warm = [probe for probe in probes if probe.planned_idle_s == 0]
    failed = sum(1 for probe in warm if probe.error is not None)
    return failed <= LARGEST_WARM_FAILED_SHARE * len(warm)


def _gap(
    gap_s: float, probes: Sequence[ColdProbe], above_s: float | None, *, steady: bool
) -> GapFinding:
    after = [probe for probe in probes if probe.planned_idle_s == gap_s]
    refused = sum(1 for probe in after if probe.refused)
    good = [probe for probe in after if probe.error is None and probe.ttft_s]
    times = [probe.ttft_s for probe in good if probe.ttft_s]
    if above_s is None or not times:
        return GapFinding(gap_s, len(times), None, spread(times), "unsure", refused)
    slow = [probe for probe in good if probe.ttft_s and probe.ttft_s > above_s]
    verdict: Literal["cold", "warm", "unsure"] = "unsure" if slow else "warm"
    proving = [probe for probe in slow if steady or not probe.waited_s]
    if len(proving) >= LEAST_SLOW and len(proving) * 2 >= len(times):
        verdict = "cold"
    return GapFinding(gap_s, len(times), len(slow), spread(times), verdict, refused)


def prevention(
    finding: ColdFinding, probes: Sequence[ColdProbe], prices: RequestPrices
) -> WarmUp | None:
    """Return the warm-up that would have prevented the cold starts, None where none was seen.

    Its price is that of the cold-start probe's own prompt with one output token.
    """
    if finding.cold_after_s is None:
        return None
    proven = finding.warm_up_to_s is not None
    every_s = finding.warm_up_to_s or finding.cold_after_s / 2
    sizes = [probe.input_tokens for probe in probes if probe.input_tokens is not None]
    tokens = round(median(sizes)) if sizes else None
    a_day = math.ceil(DAY_S / every_s - ROUNDING)
    once = prices.cost(tokens, 1)
    return WarmUp(every_s, proven, a_day, tokens, None if once is None else once * a_day)


def missing_gap(probes: Sequence[ColdProbe], plan: ColdProbePlan) -> float | None:
    """Return the next pause to be measured, None when all are: round by round, shortest first."""
    had = [probe.planned_idle_s for probe in probes if probe.error is None]
    for done in range(plan.rounds):
        for gap_s in sorted(set(plan.gaps_s)):
            if had.count(gap_s) <= done:
                return gap_s
    return None


def missing_warm(probes: Sequence[ColdProbe], plan: ColdProbePlan) -> bool:
    """Return whether a warm request is due: first the baseline's, then one after every pause."""
    good = [probe.planned_idle_s for probe in probes if probe.error is None]
    after_gaps = sum(1 for planned in good if planned)
    return good.count(0) < plan.warm + after_gaps
