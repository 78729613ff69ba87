"""The prober's judgement of itself: was the client fast enough to be believed?"""

import time
from collections.abc import Sequence
from statistics import median

from backends.domain.ab.run import ClientAudit, Priority, Run
from backends.domain.ab.statistics import quantile
from backends.prober import clock
from backends.prober.exchange import Trace

CLIENT_LIMITED = "client_limited"
BUSY_PERCENT = 80.0
# A reply that came at once kept the client busy all that time, and delayed nothing.
BUSY_S = 0.005
LATE_SEND_S = 0.005
LATE_READ_S = 0.005
# Of a run by itself; it is late where tokens were read together that came apart.
LATE_READ_IN_RUN_S = 0.002
KEPT_LAGS = 200_000


class Audit:
    """Gathers, over one series, what the client itself did."""

    def __init__(self, priority: Priority = "normal") -> None:
        self._priority = priority
        self._began_ns = clock.now_ns()
        self._cpu_began_ns = time.process_time_ns()
        self._runs = 0
        self._limited_runs = 0
        self._lags_ns: list[int] = []
        self._coalesced: int | None = None
        self._latest_send_s: float | None = None

    def add(self, run: Run, trace: Trace) -> None:
        """Take what one run says of the client."""
        self._runs += 1
        self._limited_runs += CLIENT_LIMITED in run.flags
        if len(self._lags_ns) < KEPT_LAGS:
            self._lags_ns.extend(trace.lags_ns)
        if trace.coalesced_segments is not None:
            self._coalesced = (self._coalesced or 0) + trace.coalesced_segments
        if run.planned_to_sent_s is not None:
            self._latest_send_s = max(self._latest_send_s or 0.0, run.planned_to_sent_s)

    @staticmethod
    def marks(trace: Trace, itl_s: Sequence[float]) -> bool:
        """Whether the client may have limited one run: it sent late, read late, or was busy."""
        late_s = (trace.sent_ns - trace.planned_ns) / clock.NS if trace.sent_ns else 0.0
        lag_s = max(trace.lags_ns, default=0) / clock.NS
        read_late = lag_s > max(LATE_READ_IN_RUN_S, median(itl_s) if itl_s else 0.0)
        cpu_s, cpu_percent = trace.used()
        return (
            late_s > LATE_SEND_S
            or bool(read_late and trace.coalesced_segments)
            or (cpu_percent > BUSY_PERCENT and cpu_s > BUSY_S)
        )

    def finish(self, warm_ups: Sequence[Run]) -> ClientAudit:
        """Return the judgement; without a single run there is nothing to judge."""
        if not self._runs:
            return ClientAudit(None, limited=False, warm_ups=tuple(warm_ups))
        wall_ns = max(1, clock.now_ns() - self._began_ns)
        cpu_percent = 100 * (time.process_time_ns() - self._cpu_began_ns) / wall_ns
        lag_s = quantile(self._lags_ns, 0.99) / clock.NS if self._lags_ns else None
        reasons = []
        if cpu_percent > BUSY_PERCENT:
            reasons.append(f"the client used {cpu_percent:.0f} % of a core")
        if self._latest_send_s is not None and self._latest_send_s > LATE_SEND_S:
            reasons.append(f"a request was sent {self._latest_send_s * 1e3:.1f} ms late")
        if lag_s is not None and lag_s > LATE_READ_S and self._coalesced:
            reasons.append(f"one read in a hundred came over {lag_s * 1e3:.1f} ms late")
        if self._limited_runs:
            reasons.append(f"{self._limited_runs} of {self._runs} runs are marked {CLIENT_LIMITED}")
        return ClientAudit(
            cpu_percent=round(cpu_percent, 2),
            limited=bool(reasons),
            reasons=tuple(reasons),
            stamp_lag_p99_s=lag_s,
            planned_to_sent_max_s=self._latest_send_s,
            coalesced_segments=self._coalesced,
            limited_runs=self._limited_runs,
            priority=self._priority,
            warm_ups=tuple(warm_ups),
        )
