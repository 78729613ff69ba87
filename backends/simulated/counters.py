"""What a simulated server counts, and how its ``/metrics`` shows it, by the names of vLLM 0.32."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

_TTFT = (.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1., 2.5, 5., 7.5, 10., 20., 40.,
         80., 160., 640., 2560.)  # fmt: skip
_ITL = (
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
    20.0,
    40.0,
    80.0,
)
_E2E = (.3, .5, .8, 1., 1.5, 2., 2.5, 5., 10., 15., 20., 30., 40., 50., 60., 120., 240., 480.,
        960., 1920., 7680.)  # fmt: skip
_TOKENS = tuple(float(m * 10**e) for e in range(6) for m in (1, 2, 5))
FINISHED_REASONS = ("stop", "length", "abort", "error", "repetition")


@dataclass(slots=True)
class Buckets:
    """A histogram under way."""

    edges: tuple[float, ...]
    counts: list[int] = field(init=False)
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.edges) + 1)

    def observe(self, value: float) -> None:
        """Count one value into its bucket, whose upper edge belongs to it."""
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield every upper edge as Prometheus writes it, with the count up to it."""
        total = 0
        edges = [repr(edge) for edge in self.edges] + ["+Inf"]
        for edge, count in zip(edges, self.counts, strict=True):
            total += count
            yield edge, total


@dataclass(slots=True)
class ServerCounters:
    """Everything that ``/metrics`` tells."""

    running: int = 0
    waiting: int = 0
    sleep_level: int = 0
    kv_cache_usage: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generation_tokens: int = 0
    finished: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FINISHED_REASONS, 0))
    ttft: Buckets = field(default_factory=lambda: Buckets(_TTFT))
    inter_token: Buckets = field(default_factory=lambda: Buckets(_ITL))
    e2e: Buckets = field(default_factory=lambda: Buckets(_E2E))
    request_input: Buckets = field(default_factory=lambda: Buckets(_TOKENS))
    request_output: Buckets = field(default_factory=lambda: Buckets(_TOKENS))
    queue_time: Buckets = field(default_factory=lambda: Buckets(_E2E))
    prefill_time: Buckets = field(default_factory=lambda: Buckets(_E2E))
    decode_time: Buckets = field(default_factory=lambda: Buckets(_E2E))
    preemptions: int = 0
    started_s: float = field(default_factory=time.time)

    def exposition(self, model_name: str, cache_config: dict[str, str]) -> str:
        """Return all of it in Prometheus's text format, one engine."""
        labels = f'engine="0",model_name="{model_name}"'
        config = ",".join(f'{name}="{value}"' for name, value in cache_config.items())
        lines: list[str] = []
        for name, gauge in self._gauges():
            lines += _series(name, "gauge", [(f"{name}{{{labels}}}", gauge)])
        lines += _series("vllm:engine_sleep_state", "gauge", self._sleep_states(labels))
        for name, counter in self._counters():
            total = f"{name}_total"
            lines += _series(name, "counter", [(f"{total}{{{labels}}}", float(counter))])
        success = "vllm:request_success"
        reasons = [
            (f'{success}_total{{{labels},finished_reason="{reason}"}}', float(count))
            for reason, count in self.finished.items()
        ]
        lines += _series(success, "counter", reasons)
        for name, buckets in self._histograms():
            lines += _histogram(name, labels, buckets)
        info = "vllm:cache_config_info"
        lines += _series(info, "gauge", [(f'{info}{{{config},engine="0"}}', 1.0)])
        process = "process_start_time_seconds"
        lines += _series(process, "gauge", [(process, self.started_s)])
        return "\n".join(lines) + "\n"

    def _sleep_states(self, labels: str) -> list[tuple[str, float]]:
        """Return the gauges of sleep mode: ``awake`` is 0 while it sleeps, despite its help."""
        states = {0: "awake", 1: "weights_offloaded", 2: "discard_all"}
        name = "vllm:engine_sleep_state"
        return [
            (f'{name}{{{labels},sleep_state="{state}"}}', float(level == self.sleep_level))
            for level, state in states.items()
        ]

    def _gauges(self) -> Iterator[tuple[str, float]]:
        yield "vllm:num_requests_running", float(self.running)
        yield "vllm:num_requests_waiting", float(self.waiting)
        yield "vllm:kv_cache_usage_perc", self.kv_cache_usage

    def _counters(self) -> Iterator[tuple[str, int]]:
        yield "vllm:prefix_cache_queries", self.prompt_tokens
        yield "vllm:prefix_cache_hits", self.cached_tokens
        yield "vllm:num_preemptions", self.preemptions
        yield "vllm:prompt_tokens", self.prompt_tokens
        yield "vllm:prompt_tokens_cached", self.cached_tokens
        yield "vllm:generation_tokens", self.generation_tokens

    def _histograms(self) -> Iterator[tuple[str, Buckets]]:
        yield "vllm:time_to_first_token_seconds", self.ttft
        yield "vllm:inter_token_latency_seconds", self.inter_token
        yield "vllm:e2e_request_latency_seconds", self.e2e
        yield "vllm:request_queue_time_seconds", self.queue_time
        yield "vllm:request_prefill_time_seconds", self.prefill_time
        yield "vllm:request_decode_time_seconds", self.decode_time
        yield "vllm:request_prompt_tokens", self.request_input
        yield "vllm:request_generation_tokens", self.request_output


def _series(name: str, kind: str, samples: list[tuple[str, float]]) -> list[str]:
    head = [f"# HELP {name} Simulated.", f"# TYPE {name} {kind}"]
    return head + [f"{series} {value!r}" for series, value in samples]


def _histogram(name: str, labels: str, buckets: Buckets) -> list[str]:
    samples = [
        (f'{name}_bucket{{{labels},le="{edge}"}}', float(count))
        for edge, count in buckets.cumulative()
    ]
    total = samples[-1][1]
    samples += [(f"{name}_count{{{labels}}}", total), (f"{name}_sum{{{labels}}}", buckets.sum)]
    return _series(name, "histogram", samples)
