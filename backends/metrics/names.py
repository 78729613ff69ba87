"""The names under which versions 0.8 to 0.33 of vLLM export what is read here.

A version may export a series under its old and its new name at once, so the first name that has
samples is taken and the others are left.
"""

from dataclasses import dataclass
from typing import Literal

Joined = Literal["sum", "max", "min"]


@dataclass(frozen=True, slots=True)
class Series:
    """One field of `Counters`, its names, the newest first, and how engines are joined.

    Attributes:
        where: a label and how its value begins, where only such samples count; without any the
            field is unknown.
        none_is_zero: a sample appears with the first count, so that none of them is 0.
    """

    field: str
    names: tuple[str, ...]
    joined: Joined = "sum"
    where: tuple[str, str] | None = None
    none_is_zero: bool = False


NUMBERS = (
    Series("process_start_s", ("process_start_time_seconds",), "min"),
    Series("requests_running", ("vllm:num_requests_running",)),
    Series("requests_waiting", ("vllm:num_requests_waiting",)),
    # Renamed in 0.9.2; the old name is gone since 0.12.
    Series("kv_cache_usage", ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"), "max"),
    Series("prompt_tokens", ("vllm:prompt_tokens_total",)),
    # Since 0.16.
    Series("cached_prompt_tokens", ("vllm:prompt_tokens_cached_total",)),
    Series("generation_tokens", ("vllm:generation_tokens_total",)),
    Series("requests_finished", ("vllm:request_success_total",)),
    # Of the web framework; the status is grouped as 2xx, 4xx and 5xx.
    Series("http_5xx", ("http_requests_total",), where=("status", "5"), none_is_zero=True),
    Series("requests_failed", ("vllm:request_success_total",), where=("finished_reason", "error")),
    Series("requests_aborted", ("vllm:request_success_total",), where=("finished_reason", "abort")),
    Series("preemptions", ("vllm:num_preemptions_total",)),
    Series(
        "prefix_cache_queries",
        ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
    ),
    Series(
        "prefix_cache_hits", ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
    ),
)

HISTOGRAMS = (
    Series("ttft", ("vllm:time_to_first_token_seconds",)),
    # Renamed in 0.10.2; the old name is hidden since 0.12 and gone since 0.15.
    Series(
        "inter_token", ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
    ),
    Series("request_input_tokens", ("vllm:request_prompt_tokens",)),
    Series("request_output_tokens", ("vllm:request_generation_tokens",)),
    Series("queue_time", ("vllm:request_queue_time_seconds",)),
    Series("prefill_time", ("vllm:request_prefill_time_seconds",)),
    Series("decode_time", ("vllm:request_decode_time_seconds",)),
)

COUNTED = tuple(
    series
    for series in NUMBERS
    if series.field
    in {"prompt_tokens", "cached_prompt_tokens", "generation_tokens", "requests_finished"}
)
"""What is counted for each engine by itself."""
