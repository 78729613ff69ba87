"""What one must know to believe the figures of an A/B, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from backends.domain.ab.answers import endpoint_remarks
from backends.domain.ab.fairness import alike, alike_text, compared_as, compared_text
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.ab.statistics import RUNS_FOR_P95, RUNS_FOR_P99
from backends.domain.format import UNKNOWN, figure

RTT_NOTE = (
    "an estimate: TTFT minus the round trip of the same connection, which ends at the edge where a"
    " proxy or a CDN stands between"
)
WAYS = {
    "through_proxy": "through a proxy",
    "http_2_only": "over HTTP/2 by the openai client",
}


@dataclass(frozen=True, slots=True)
class Network:
    """Medians over the runs of a target, in seconds."""

    rtt_s: float
    ttft_minus_rtt_s: float


def network(runs: Sequence[Run]) -> Network | None:
    """Return what of a target's TTFT is the way there and back; None where no run can tell."""
    told = [
        (run.ttft_s, run.rtt_s)
        for run in runs
        if not run.error and run.ttft_s is not None and run.rtt_s is not None
    ]
    if not told:
        return None
    rtts = [rtt_s for _, rtt_s in told]
    return Network(median(rtts), median(ttft_s - rtt_s for ttft_s, rtt_s in told))


def limits(series: AbSeries) -> str:
    """Return how the client may have disturbed what it measured, empty where it did not."""
    if series.client is not None:
        return "; ".join(series.client.reasons) if series.client.limited else ""
    marked = sum("client_limited" in run.flags for run in series.runs)
    return f"{marked} of {len(series.runs)} runs so far are marked client_limited" if marked else ""


def remarks(series: AbSeries) -> list[str]:
    """Return a sentence for everything that stands behind the figures."""
    said = [_warm_ups(series)] if series.client and series.client.warm_ups else []
    for name, _ in series.began.targets:
        runs = series.target(name)
        said += [told for told in (_clock(name, runs), _way(name, runs)) if told]
        if runs:
            said.append(
                f"target {name}: compared as {compared_text(compared_as(series, name), runs)}"
            )
        begin = alike(series, "a", name) if name != "a" else None
        if begin is not None:
            said.append(alike_text(begin, "a", name))
        warm_ups = series.client.warm_ups if series.client else ()
        said += endpoint_remarks(name, runs, [run for run in warm_ups if run.target == name])
        again = sum("reconnected" in run.flags for run in runs)
        if again:
            said.append(
                f"target {name}: {again} of {len(runs)} runs found their kept connection closed and"
                " were sent once more; they are timed from that second send"
            )
    most = max((len(series.target(name)) for name, _ in series.began.targets), default=0)
    if most < RUNS_FOR_P99:
        missing = "p95 and p99" if most < RUNS_FOR_P95 else "p99"
        said.append(
            f"no {missing}: {most} runs a target cannot tell"
            f" (p95 needs {RUNS_FOR_P95}, p99 needs {RUNS_FOR_P99})"
        )
    return said


def _warm_ups(series: AbSeries) -> str:
    assert series.client is not None
    each = [f"{run.target} {_opening(run)}" for run in series.client.warm_ups]
    return f"one warm-up run per target is not counted: {', '.join(each)}"


def _opening(run: Run) -> str:
    if run.error:
        return "failed"
    first = f"{_ms(run.ttft_s)} to the first token"
    connect = run.connect
    if connect is None or connect.reused:
        return first
    steps = (("DNS", connect.dns_s), ("TCP", connect.tcp_s), ("TLS", connect.tls_s))
    taken = [f"{name} {_ms(value)}" for name, value in steps if value is not None]
    return f"{first} after {', '.join(taken)}" if taken else first


def _clock(name: TargetName, runs: Sequence[Run]) -> str:
    timed = [run for run in runs if run.ttft_s is not None]
    if not timed:
        return ""
    if all(run.clock == "kernel" for run in timed):
        return f"target {name}: kernel receive timestamps"
    ways = {WAYS[flag] for run in timed for flag in run.flags if flag in WAYS}
    how = f", asked {ways.pop()}" if ways else ""
    return f"target {name}: stamped in user space, later than it came by up to milliseconds{how}"


def _way(name: TargetName, runs: Sequence[Run]) -> str:
    found = network(runs)
    if found is None:
        return ""
    return (
        f"target {name}: {_ms(found.ttft_minus_rtt_s)} of TTFT without a round trip of"
        f" {_ms(found.rtt_s)} ({RTT_NOTE})"
    )


def _ms(value_s: float | None) -> str:
    return UNKNOWN if value_s is None else f"{figure(value_s * 1000)} ms"
