"""Whether a ready server is well: it answers, and engines that run requests make progress."""

import time
from collections.abc import Callable

from backends.domain.serving import RequestErrors
from backends.domain.stillness import (
    LEAST_STILL_S,
    MOST_BETWEEN_S,
    EngineReading,
    Stillness,
    stillness_after,
)
from backends.http1 import Address, NoAnswer
from backends.keeper import probe
from backends.keeper.probe import SLEEP_STATE, Sample

METRICS_EVERY_S = 6.0

SILENT_LOOKS = 2
"""Looks in a row without an answer that make a server unhealthy: a busy one may miss one."""

_RUNNING = "vllm:num_requests_running"
_SIGNS = frozenset(
    {
        _RUNNING,
        "vllm:num_requests_waiting",
        "vllm:generation_tokens_total",
        "vllm:prompt_tokens_total",
        "vllm:iteration_tokens_total_count",
        "vllm:kv_cache_usage_perc",
        "vllm:gpu_cache_usage_perc",
    }
)
"""What any step of a scheduler may change; a long prefill changes the KV cache's share alone."""

_FINISHED, _PREEMPTED = "vllm:request_success_total", "vllm:num_preemptions_total"
_ANSWERED = "http_requests_total"
_READ = (*_SIGNS, SLEEP_STATE, _FINISHED, _PREEMPTED, _ANSWERED)


class ServingHealth:
    """Looks at one ready server again and again.

    Attributes:
        hung: why it counts as hung, empty while it does not.
        errors: what went wrong with its requests, by its own counters.
        sleep_level: how deep it sleeps, 0 awake; None where it does not count that (before 0.11.2).

    Args:
        address: where it listens.
        clock_s: the monotonic clock, in seconds.
    """

    def __init__(self, address: Address, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.hung = ""
        self.errors = RequestErrors()
        self.sleep_level: int | None = None
        self._address = address
        self._clock_s = clock_s
        self._engines: dict[str, Stillness] = {}
        self._read_s = float("-inf")
        self._asked_s = clock_s()
        self._silent_s = 0.0
        self._silent_looks = 0

    def look(self, cancelled: Callable[[], bool]) -> str:
        """Return why the server is not well, empty when it is.

        Raises:
            Cancelled: `cancelled` became true.
        """
        unwell = self._health(cancelled)
        if self._clock_s() - self._read_s >= METRICS_EVERY_S:
            self._read_counters(cancelled)
        still = next((one for one in self._engines.items() if one[1].is_hung), None)
        if still is not None:
            self.hung = _no_progress(*still, several=len(self._engines) > 1)
        elif self._silent_s > LEAST_STILL_S:
            self.hung = f"/health has not answered for over {LEAST_STILL_S:.0f} s"
        else:
            self.hung = ""
        return self.hung or unwell

    def _health(self, cancelled: Callable[[], bool]) -> str:
        try:
            status = probe.health_status(self._address, cancelled)
        except NoAnswer as error:
            now_s = self._clock_s()
            self._silent_s += min(now_s - self._asked_s, MOST_BETWEEN_S)
            self._asked_s = now_s
            self._silent_looks += 1
            return f"/health: {error}" if self._silent_looks >= SILENT_LOOKS else ""
        self._asked_s, self._silent_s, self._silent_looks = self._clock_s(), 0.0, 0
        return "" if status == 200 else f"/health answers {status}"

    def _read_counters(self, cancelled: Callable[[], bool]) -> None:
        """Read what the engines count; what cannot be read says nothing of them."""
        try:
            lines = probe.metrics_lines(self._address, _READ, cancelled)
        except NoAnswer:
            return
        self._read_s = now_s = self._clock_s()
        samples = list(probe.samples(lines))
        self.errors = _errors(samples)
        self.sleep_level = probe.sleep_level_in(samples)
        readings = _readings(samples)
        self._engines = {
            name: stillness_after(self._engines.get(name), reading, now_s)
            for name, reading in readings.items()
        }


def _readings(samples: list[Sample]) -> dict[str, EngineReading]:
    signs: dict[str, list[float]] = {}
    running: dict[str, float] = {}
    asleep = set()
    for name, labels, value in samples:
        engine = labels.get("engine", "")
        if name in _SIGNS:
            signs.setdefault(engine, []).append(value)
        if name == _RUNNING:
            running[engine] = running.get(engine, 0.0) + value
        elif name == SLEEP_STATE and labels.get("sleep_state") == "awake" and not value:
            asleep.add(engine)
    return {
        engine: EngineReading(0.0 if engine in asleep else count, tuple(signs[engine]))
        for engine, count in running.items()
    }


def _errors(samples: list[Sample]) -> RequestErrors:
    """Return the errors that are counted; None where the server has no such counter."""

    def total(name: str, label: str = "", begins: str = "") -> float | None:
        of_name = ((labels, value) for each, labels, value in samples if each == name)
        found = [value for labels, value in of_name if labels.get(label, "").startswith(begins)]
        return sum(found) if found else None

    # The web framework shows a status once it was answered with, the engine all of its reasons.
    answered = total(_ANSWERED) is not None
    return RequestErrors(
        total(_ANSWERED, "status", "5") or (0.0 if answered else None),
        total(_FINISHED, "finished_reason", "error"),
        total(_FINISHED, "finished_reason", "abort"),
        total(_PREEMPTED),
    )


def _no_progress(engine: str, still: Stillness, *, several: bool) -> str:
    who = f"engine {engine}" if several else "the engine"
    count = still.reading.running
    requests = f"{count:.0f} requests run" if count != 1 else "1 request runs"
    return f"{who} makes no progress: {requests}, no token or step for over {still.limit_s:.0f} s"
