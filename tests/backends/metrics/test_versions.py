"""What each version of vLLM exports, under the names it had then, reads as the same counters."""

from dataclasses import replace

import pytest

from backends.domain.serving import Counters, EngineCounts, Histogram
from backends.domain.traffic.totals import TokenTotals, add_reading
from backends.metrics.exposition import counters_from

INF = float("inf")
PROCESS = "process_start_time_seconds 1.79e+09\n"


def exported(*series: tuple[str, float], engines: tuple[str, ...] = ("0",)) -> str:
    """Return an exposition of series that every engine has, one of them older than engines."""
    lines = []
    for name, value in series:
        for engine in engines:
            given, _, more = name.partition("|")
            labels = [f'engine="{engine}"'] if engine else []
            labels += ['model_name="m"', *([more] if more else [])]
            lines.append(f"{given}{{{','.join(labels)}}} {value}")
    return "\n".join(lines) + "\n"


def histogram(name: str) -> tuple[tuple[str, float], ...]:
    """Return three observations of 1.5 s together, one of them over 0.5 s."""
    return (
        (f'{name}_bucket|le="0.5"', 2),
        (f'{name}_bucket|le="+Inf"', 3),
        (f"{name}_count", 3),
        (f"{name}_sum", 1.5),
    )


EVER = (
    ("vllm:num_requests_running", 2),
    ("vllm:num_requests_waiting", 1),
    ("vllm:prompt_tokens_total", 800),
    ("vllm:prompt_tokens_created", 1.79e9),
    ("vllm:generation_tokens_total", 2200),
    ('vllm:request_success_total|finished_reason="stop"', 7),
    ('vllm:request_success_total|finished_reason="length"', 3),
    *histogram("vllm:time_to_first_token_seconds"),
    *histogram("vllm:iteration_tokens_total"),
)
OLD_CACHE = (
    ("vllm:gpu_cache_usage_perc", 0.25),
    ("vllm:gpu_prefix_cache_queries_total", 800),
    ("vllm:gpu_prefix_cache_hits_total", 200),
)
NEW_CACHE = (
    ("vllm:kv_cache_usage_perc", 0.25),
    ("vllm:prefix_cache_queries_total", 800),
    ("vllm:prefix_cache_hits_total", 200),
)
TPOT = histogram("vllm:time_per_output_token_seconds")
ITL = histogram("vllm:inter_token_latency_seconds")
CACHED = (
    ("vllm:prompt_tokens_cached_total", 200),
    ('vllm:prompt_tokens_by_source_total|source="local_cache_hit"', 200),
)
BY_REASON = (('vllm:num_requests_waiting_by_reason|reason="capacity"', 1),)
SLEEP = (('vllm:engine_sleep_state|sleep_state="awake"', 1),)

LATENCY = Histogram((0.5, INF), (2, 3), 1.5)
READ = Counters(
    process_start_s=1.79e9,
    requests_running=2,
    requests_waiting=1,
    kv_cache_usage=0.25,
    prompt_tokens=800,
    generation_tokens=2200,
    requests_finished=10,
    prefix_cache_queries=800,
    prefix_cache_hits=200,
    ttft=LATENCY,
    inter_token=LATENCY,
    engines=(EngineCounts("m/0", 800, None, 2200, 10),),
)
READ_CACHED = replace(
    READ, cached_prompt_tokens=200, engines=(EngineCounts("m/0", 800, 200, 2200, 10),)
)
READ_NAMELESS = replace(READ, engines=(EngineCounts("m", 800, None, 2200, 10),))

VERSIONS = {
    "0.8": (exported(*EVER, *OLD_CACHE, *TPOT, engines=("",)) + PROCESS, READ_NAMELESS),
    "0.9.1": (exported(*EVER, *OLD_CACHE, *TPOT) + PROCESS, READ),
    "0.9.2": (exported(*EVER, *OLD_CACHE, *NEW_CACHE, *TPOT) + PROCESS, READ),
    "0.10.2": (exported(*EVER, *OLD_CACHE, *NEW_CACHE, *TPOT, *ITL) + PROCESS, READ),
    "0.11": (exported(*EVER, *NEW_CACHE, *TPOT, *ITL, *SLEEP) + PROCESS, READ),
    "0.11 with hidden metrics": (
        exported(*EVER, *OLD_CACHE, *NEW_CACHE, *TPOT, *ITL, *SLEEP) + PROCESS,
        READ,
    ),
    "0.12": (exported(*EVER, *NEW_CACHE, *ITL, *SLEEP) + PROCESS, READ),
    "0.16": (exported(*EVER, *NEW_CACHE, *ITL, *SLEEP, *CACHED) + PROCESS, READ_CACHED),
    "0.20": (
        exported(*EVER, *NEW_CACHE, *ITL, *SLEEP, *CACHED, *BY_REASON) + PROCESS,
        READ_CACHED,
    ),
    "0.32 with two API servers, idle": (
        "# TYPE vllm:num_requests_running gauge\n# TYPE vllm:kv_cache_usage_perc gauge\n"
        + exported(
            ("vllm:prompt_tokens_total", 400),
            ("vllm:prompt_tokens_cached_total", 100),
            ("vllm:generation_tokens_total", 1100),
            ('vllm:request_success_total|finished_reason="stop"', 5),
            ('vllm:request_success_total|finished_reason="repetition"', 0),
            engines=("0", "1"),
        ),
        Counters(
            prompt_tokens=800,
            cached_prompt_tokens=200,
            generation_tokens=2200,
            requests_finished=10,
            engines=(
                EngineCounts("m/0", 400, 100, 1100, 5),
                EngineCounts("m/1", 400, 100, 1100, 5),
            ),
        ),
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_reads_as_what_it_counted(version: str) -> None:
    text, counters = VERSIONS[version]
    assert counters_from(text) == counters


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_the_same_totals(version: str) -> None:
    totals = add_reading(TokenTotals(), counters_from(VERSIONS[version][0]))
    assert (totals.requests, totals.input_tokens, totals.output_tokens) == (10, 800, 2200)
    cached = VERSIONS[version][1].cached_prompt_tokens
    assert totals.cached_input_tokens == cached


def test_an_upgrade_that_renames_a_metric_between_two_readings_counts_once() -> None:
    totals = TokenTotals()
    for version in ("0.9.2", "0.10.2", "0.12", "0.16"):
        totals = add_reading(totals, counters_from(VERSIONS[version][0]))
    assert (totals.requests, totals.input_tokens, totals.output_tokens) == (10, 800, 2200)
