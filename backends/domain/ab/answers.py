"""Who answered the runs of a target, and what it says of itself, in sentences."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from backends.domain.ab.run import Run, TargetName
from backends.domain.format import figure


def provider_spent_usd(runs: Sequence[Run]) -> Decimal | None:
    """Return what the endpoint itself says that the runs cost, None unless it says so of each."""
    good = [run for run in runs if not run.error]
    known = [Decimal(run.provider_cost_usd) for run in good if run.provider_cost_usd is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(good) else None


def answered_by(runs: Sequence[Run]) -> str:
    """Return which models and providers answered, with how often where there were several."""
    said = []
    for names in (
        [run.answered_model for run in runs if run.answered_model],
        [run.answered_provider for run in runs if run.answered_provider],
    ):
        counted = Counter(names).most_common()
        several = len(counted) > 1
        named = [f"{name} ({times} runs)" if several else name for name, times in counted]
        if named:
            said.append(", ".join(named))
    return " by ".join(said)


def changed(runs: Sequence[Run]) -> bool:
    """Whether not all runs were answered by the same model and provider."""
    models = {run.answered_model for run in runs if run.answered_model}
    providers = {run.answered_provider for run in runs if run.answered_provider}
    return len(models) > 1 or len(providers) > 1


def endpoint_remarks(name: TargetName, runs: Sequence[Run], warm_ups: Sequence[Run]) -> list[str]:
    """Return a sentence for everything that an endpoint did besides answering."""
    good = [run for run in runs if not run.error]
    said = []
    if changed(good):
        said.append(f"answered by different ones: {answered_by(good)}")
    if refused := sorted({field for run in runs for field in run.not_sent}):
        said.append(f"it refuses {', '.join(refused)}, so that was not sent as for the others")
    uncounted = sum("usage_refused" in run.flags for run in runs)
    if uncounted:
        said.append(f"{uncounted} of {len(runs)} runs reported token counts that cannot be")
    said += [text for text in (_cold(warm_ups, runs), _waits(warm_ups, runs), _times(good)) if text]
    return [f"target {name}: {text}" for text in said]


def _cold(warm_ups: Sequence[Run], runs: Sequence[Run]) -> str:
    cold = [run.cold_s for run in (*warm_ups, *runs) if run.cold_s is not None]
    if not cold:
        return ""
    again = f" and {len(cold) - 1} times again" if len(cold) > 1 else ""
    return (
        f"it was cold: its first token came {figure(cold[0])} s after the first request{again};"
        " the figures cover warm runs only"
    )


def _waits(warm_ups: Sequence[Run], runs: Sequence[Run]) -> str:
    waited = [run for run in (*warm_ups, *runs) if run.waits and run.cold_s is None]
    if not waited:
        return ""
    times, waited_s = sum(run.waits for run in waited), sum(run.waited_s for run in waited)
    limited = any(run.waited_for == "limited" for run in waited)
    what = "it limits the rate" if limited else "it was unavailable at times"
    return (
        f"{what}: {len(waited)} of {len(runs) + len(warm_ups)} requests were refused"
        f" {times} times and waited {figure(waited_s)} s in all, which is in no figure"
    )


def _times(runs: Sequence[Run]) -> str:
    known = [
        (run.ttft_s, run.server_times.ttft_s)
        for run in runs
        if run.server_times and run.server_times.ttft_s is not None and run.ttft_s is not None
    ]
    if not known:
        return ""
    of_server = median(server_s for _, server_s in known)
    rest = median(max(0.0, ttft_s - server_s) for ttft_s, server_s in known)
    return (
        f"as it reports {figure(of_server * 1000)} ms of TTFT are its queue and prefill, so that"
        f" {figure(rest * 1000)} ms are the network and what stands before it"
    )
