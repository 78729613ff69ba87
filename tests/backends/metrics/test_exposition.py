import math

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client.parser import text_string_to_metric_families

from backends.domain.serving import Counters, EngineCounts, Histogram, RequestErrors
from backends.metrics.exposition import CountersReader, UnreadableMetrics, counters_from

NEW = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 0.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 9.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="m"} 1234.0
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="m"} 1.76e+09
# TYPE vllm:prompt_tokens_cached_total counter
vllm:prompt_tokens_cached_total{engine="0",model_name="m"} 256.0
vllm:prompt_tokens_by_source_total{engine="0",model_name="m",source="local"} 978.0
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} 1.5e+03
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 7.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 4.0
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 250.0
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="m"} 5.0
vllm:iteration_tokens_total_sum{engine="0",model_name="m"} 5.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="m"} 1.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.25",model_name="m"} 4.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="m"} 5.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 5.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 1.5
vllm:time_to_first_token_seconds_bucket{engine="1",le="0.1",model_name="m"} 2.0
vllm:time_to_first_token_seconds_bucket{engine="1",le="0.25",model_name="m"} 2.0
vllm:time_to_first_token_seconds_bucket{engine="1",le="+Inf",model_name="m"} 2.0
vllm:time_to_first_token_seconds_count{engine="1",model_name="m"} 2.0
vllm:time_to_first_token_seconds_sum{engine="1",model_name="m"} 0.1
vllm:time_to_first_token_seconds_created{engine="0",model_name="m"} 1.76e+09
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.76379e+09
"""


def test_a_new_server_with_two_engines() -> None:
    assert counters_from(NEW) == Counters(
        process_start_s=1.76379e9,
        requests_running=5,
        requests_waiting=0,
        kv_cache_usage=0.5,
        prompt_tokens=1234,
        cached_prompt_tokens=256,
        generation_tokens=1500,
        requests_finished=11,
        prefix_cache_queries=1000,
        prefix_cache_hits=250,
        ttft=Histogram((0.1, 0.25, math.inf), (3.0, 6.0, 7.0), 1.6),
        inter_token=None,
        engines=(EngineCounts("m/0", 1234, 256, 1500, 11),),
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("vllm:gpu_cache_usage_perc", "kv_cache_usage"),
        ("vllm:kv_cache_usage_perc", "kv_cache_usage"),
        ("vllm:gpu_prefix_cache_queries_total", "prefix_cache_queries"),
        ("vllm:gpu_prefix_cache_hits_total", "prefix_cache_hits"),
    ],
)
def test_names_of_older_versions(name: str, field: str) -> None:
    assert getattr(counters_from(f'{name}{{engine="0"}} 0.5\n'), field) == 0.5


@pytest.mark.parametrize(
    "name", ["vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds"]
)
def test_inter_token_latency_under_both_names(name: str) -> None:
    text = f'{name}_bucket{{le="0.01"}} 2\n{name}_bucket{{le="+Inf"}} 3\n{name}_sum 0.5\n'
    assert counters_from(text).inter_token == Histogram((0.01, math.inf), (2.0, 3.0), 0.5)


def test_both_names_at_once_count_once() -> None:
    text = "vllm:prefix_cache_hits_total 7\nvllm:gpu_prefix_cache_hits_total 7\n"
    assert counters_from(text).prefix_cache_hits == 7


def test_a_series_without_samples_is_unknown() -> None:
    text = "# HELP vllm:num_requests_running x\n# TYPE vllm:num_requests_running gauge\n"
    assert counters_from(text) == Counters()


def test_nan_is_unknown() -> None:
    assert counters_from("vllm:num_requests_running NaN\n").requests_running is None


def test_a_broken_line_is_named() -> None:
    with pytest.raises(UnreadableMetrics, match="not a sample"):
        counters_from('vllm:num_requests_running{engine="0" 3.0\n')


@pytest.mark.parametrize(
    "line",
    [
        "vllm:num_requests_running",
        "vllm:num_requests_running3",
        "vllm:num_requests_running 1.2.3",
        "vllm:num_requests_running 1_000",
        'vllm:num_requests_running{engine="0"} ',
        "vllm:num_requests_running{engine=0} 1",
        'vllm:num_requests_running{engine="0" model_name="m"} 1',
        'vllm:time_to_first_token_seconds_bucket{engine="0"} 1',
        'vllm:time_to_first_token_seconds_bucket{le="soon"} 1',
    ],
)
def test_what_is_no_sample_is_said(line: str) -> None:
    with pytest.raises(UnreadableMetrics, match="not a sample"):
        counters_from(line + "\n")


@pytest.mark.parametrize(
    ("line", "running"),
    [
        ("vllm:num_requests_running 3", 3),
        ("vllm:num_requests_running\t3 1732000000000", 3),
        ("vllm:num_requests_running{} 3e2", 300),
        ('vllm:num_requests_running{ engine = "0" , } +1E2', 100),
        ('vllm:num_requests_running{model_name="a } b, \\"c\\" = \\\\"} 1.5', 1.5),
    ],
)
def test_every_form_of_a_sample(line: str, running: float) -> None:
    counters = counters_from(line + "\n")
    assert counters.requests_running == running
    (family,) = text_string_to_metric_families(line + "\n")
    assert family.samples[0].value == running


def test_labels_are_read_as_the_exporter_meant_them() -> None:
    registry = CollectorRegistry()
    tokens = Counter("vllm:generation_tokens", "tokens", ["model_name"], registry=registry)
    name = 'C:\\new "model" {a="b",}\n\u00e9'
    tokens.labels(name).inc(7)
    (engine,) = counters_from(generate_latest(registry).decode()).engines
    assert engine.engine == name


def test_the_same_lines_are_parsed_once() -> None:
    reader = CountersReader()
    before = reader.counters_from(NEW)
    same = reader.counters_from(NEW.replace("iteration_tokens", "other"))
    assert same is before
    changed = reader.counters_from(NEW.replace("1234.0", "1235.0"))
    assert (before.prompt_tokens, changed.prompt_tokens) == (1234, 1235)


def test_what_the_exporter_itself_writes() -> None:
    registry = CollectorRegistry()
    labels = ["model_name", "engine"]
    tokens = Counter("vllm:generation_tokens", "tokens", labels, registry=registry)
    ttft = PrometheusHistogram(
        "vllm:time_to_first_token_seconds", "ttft", labels, registry=registry, buckets=(0.1, 1)
    )
    lengths = PrometheusHistogram(
        "vllm:request_generation_tokens", "n", labels, registry=registry, buckets=(10, 100)
    )
    Gauge("vllm:num_requests_running", "running", labels, registry=registry)
    for engine in ("0", "1"):
        tokens.labels("m", engine).inc(7)
        ttft.labels("m", engine).observe(0.5)
        lengths.labels("m", engine).observe(30)
    assert counters_from(generate_latest(registry).decode()) == Counters(
        generation_tokens=14,
        engines=(
            EngineCounts("m/0", generation_tokens=7),
            EngineCounts("m/1", generation_tokens=7),
        ),
        ttft=Histogram((0.1, 1.0, math.inf), (0.0, 2.0, 2.0), 1.0),
        request_output_tokens=Histogram((10.0, 100.0, math.inf), (0.0, 2.0, 2.0), 60.0),
    )


def test_what_went_wrong_with_requests() -> None:
    counters = counters_from(
        'http_requests_total{handler="/v1/completions",method="POST",status="5xx"} 3.0\n'
        'http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 40.0\n'
        'vllm:request_success_total{engine="0",finished_reason="abort"} 2.0\n'
        'vllm:request_success_total{engine="0",finished_reason="error"} 1.0\n'
        'vllm:request_success_total{engine="0",finished_reason="stop"} 9.0\n'
        'vllm:num_preemptions_total{engine="0"} 5.0\n'
    )
    assert counters.request_errors == RequestErrors(3, 1, 2, 5)
    assert counters.requests_finished == 12


def test_errors_of_which_nothing_is_exported_are_unknown_and_not_none() -> None:
    assert counters_from("").request_errors == RequestErrors()
    fine = counters_from('http_requests_total{handler="/v1/completions",status="2xx"} 4.0\n')
    assert fine.request_errors == RequestErrors(http_5xx=0)


@pytest.mark.parametrize("value", ["+Inf", "-Inf", "1e308", "1.1e15", "-5", "9" * 400])
@pytest.mark.parametrize(
    "series",
    [
        "vllm:generation_tokens_total",
        'vllm:request_prompt_tokens_bucket{le="100"}',
        "vllm:num_requests_running",
    ],
)
def test_what_is_no_count_is_not_read(series: str, value: str) -> None:
    with pytest.raises(UnreadableMetrics, match="not a count"):
        counters_from(f"{series} {value}\n")


def test_a_histogram_that_counts_nothing_known_is_none() -> None:
    buckets = "\n".join(
        f'vllm:request_prompt_tokens_bucket{{le="{edge}"}} NaN' for edge in ("10", "+Inf")
    )
    read = counters_from(f"{buckets}\nvllm:request_prompt_tokens_sum 3\n")
    assert read.request_input_tokens is None


@pytest.mark.parametrize("labels", ['{le="wide"}', '{model_name="m"}', ""])
def test_a_bucket_without_an_edge_is_said(labels: str) -> None:
    with pytest.raises(UnreadableMetrics, match="without its edge"):
        counters_from(f"vllm:request_prompt_tokens_bucket{labels} 3\n")


def test_a_text_of_more_lines_than_any_server_writes_is_not_split() -> None:
    """Five million lines of two letters would take 400 MB for a moment, every second."""
    wanted = "vllm:generation_tokens_total 5\n"
    with pytest.raises(UnreadableMetrics, match="over 200,000 lines"):
        counters_from(wanted + "ab\n" * 200_000)
    assert counters_from(wanted + "ab\n" * 199_999).generation_tokens == 5


def test_more_series_than_any_server_has_are_not_read() -> None:
    lines = [f'vllm:generation_tokens_total{{engine="{n}"}} 1' for n in range(20_001)]
    with pytest.raises(UnreadableMetrics, match="over 20,000 lines"):
        counters_from("\n".join(lines))
    assert counters_from("\n".join(lines[:-1])).generation_tokens == 20_000


@pytest.mark.parametrize(
    ("value", "reads"),
    [("0", True), ("1e15", True), ("1.1e15", False), ("-1", False), ("NaN", True), ("+Inf", False)],
)
def test_which_counts_can_be(value: str, *, reads: bool) -> None:
    text = f'vllm:prompt_tokens_total{{engine="0",model_name="m"}} {value}\n'
    if reads:
        counters_from(text)
        return
    with pytest.raises(UnreadableMetrics, match="is not a count"):
        counters_from(text)


def test_a_text_has_200_000_lines_and_20_000_of_them_on_requests_at_most() -> None:
    other, wanted = "python_info 1\n", 'vllm:prompt_tokens_total{engine="0",model_name="m"} 1\n'
    counters_from(other * 200_000)
    with pytest.raises(UnreadableMetrics, match="over 200,000 lines"):
        counters_from(other * 200_001)
    counters_from(wanted * 20_000)
    with pytest.raises(UnreadableMetrics, match="over 20,000 lines"):
        counters_from(wanted * 20_001)
