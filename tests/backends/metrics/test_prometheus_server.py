import json
import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from backends.domain.decision.wording import traffic_sentences
from backends.domain.traffic.shape import profile_rps
from backends.metrics.prometheus_server import PrometheusUnavailable, past_traffic

NOON = 1_790_000_000 // 86400 * 86400 + 12 * 3600
DAY_S = 86400
Answer = Callable[[str, dict[str, str]], tuple[int, Any]]


class Prometheus(ThreadingHTTPServer):
    answer: Answer


class Handler(BaseHTTPRequestHandler):
    server: Prometheus

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        status, answer = self.server.answer(parts.path.removeprefix("/api/v1/"), query)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def prometheus() -> Iterator[Prometheus]:
    server = Prometheus(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def url(server: Prometheus) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


def vector(value: float) -> tuple[int, Any]:
    return 200, {"status": "success", "data": {"result": [{"value": [NOON, str(value)]}]}}


def a_week(kind: str, query: dict[str, str]) -> tuple[int, Any]:
    """Answer as a Prometheus that watched two requests a second from noon to midnight."""
    asked = query["query"]
    assert 'model_name="m"' in asked
    if kind == "query_range":
        begin, end, step = (float(query[key]) for key in ("start", "end", "step"))
        ends = [begin + n * step for n in range(int((end - begin) // step) + 1)]
        if f"[{DAY_S}s]" in asked:
            assert (step, len(ends)) == (DAY_S, 7)
            return 200, {"status": "success", "data": {"result": by_day(asked, ends)}}
        assert len(ends) <= 2016
        busy = PER_REQUEST[series_of(asked)] * 2 * step
        values = [[at, str(busy) if (at - step) % DAY_S >= DAY_S / 2 else "0"] for at in ends]
        return 200, {"status": "success", "data": {"result": [{"values": values}]}}
    assert asked.startswith("count(")
    return vector(3)


PER_REQUEST = {
    "vllm:request_success_total": 1,
    "vllm:prompt_tokens_total": 80,
    "vllm:prompt_tokens_cached_total": 20,
    "vllm:generation_tokens_total": 220,
    "vllm:request_prompt_tokens_sum": 80,
    "vllm:request_generation_tokens_sum": 220,
}


def series_of(asked: str) -> str:
    return next(series for series in PER_REQUEST if f"{series}{{" in asked)


def by_day(asked: str, ends: list[float]) -> list[Any]:
    """Return what one day of a request each second brings, at the end of each day."""
    if "_bucket" in asked:
        shares = (("100", 0.0), ("500", 1.0), ("+Inf", 1.0))
        return [
            {"metric": {"le": edge}, "values": [[at, str(DAY_S * share)] for at in ends]}
            for edge, share in shares
        ]
    each = DAY_S * PER_REQUEST[series_of(asked)]
    return [{"metric": {}, "values": [[at, str(each)] for at in ends]}]


def test_a_week_of_traffic(prometheus: Prometheus) -> None:
    prometheus.answer = a_week
    past = past_traffic(url(prometheus), "m", NOON)
    seen = past.seen
    assert (seen.n, seen.window_s) == (Decimal(7 * 86400), Decimal(7 * 86400))
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))
    assert seen.output_tokens_sd > 0
    assert (past.cached_input_share, past.replicas) == (Decimal("0.25"), 3)
    assert past.profile is not None
    assert profile_rps(past.profile) == (*[0.0] * 12, *[2.0] * 12)
    assert past.series is not None
    assert sum(past.series.requests) == sum(past.series.input_tokens) / 80 == 7 * 86400
    assert past.profile.seconds == (7 * 3600,) * 24


def test_a_day_and_night_are_no_chance(prometheus: Prometheus) -> None:
    prometheus.answer = a_week
    assert past_traffic(url(prometheus), "m", NOON).seen.dispersion == 1


def test_bursts_of_half_an_hour_are_known_as_such_and_not_as_independent_requests(
    prometheus: Prometheus,
) -> None:
    def in_bursts(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        status, answer = a_week(kind, query)
        if kind == "query_range" and f"[{DAY_S}s]" not in query["query"]:
            draw, each = random.Random(7), PER_REQUEST[series_of(query["query"])] * 300
            levels = [draw.choice((0, 2)) for _ in range(7 * 48 + 2)]
            begin = NOON - 8 * DAY_S
            for pair in answer["data"]["result"][0]["values"]:
                pair[1] = str(levels[int((pair[0] - begin) // 1800) % len(levels)] * each)
        return status, answer

    prometheus.answer = in_bursts
    past = past_traffic(url(prometheus), "m", NOON)
    errors = past.seen.errors
    # 336 independent stretches of half an hour, each of which either has its requests or none.
    assert errors is not None
    assert 0.7 / 336**0.5 < errors.rate < 2.5 / 336**0.5
    assert errors.freedom > 5
    # Bursts shorter than its steps cannot be seen, and that is said.
    assert any(
        "Nothing shorter than 5 min is known of it" in each for each in traffic_sentences(past)
    )


def test_a_learnt_week_follows_its_hours(prometheus: Prometheus) -> None:
    prometheus.answer = a_week
    past = past_traffic(url(prometheus), "m", NOON)
    assert past.horizon is not None
    assert past.horizon.week
    assert [float(rate) for rate in past.week_rps[:24]] == pytest.approx([0.0] * 12 + [2.0] * 12)


def test_time_that_prometheus_did_not_watch_does_not_dilute_the_rate(
    prometheus: Prometheus,
) -> None:
    def since_yesterday(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        if kind == "query_range" and f"[{DAY_S}s]" not in query["query"]:
            # The first step was watched for a part of it only.
            values = [[NOON - 300 * step, "600"] for step in range(288)] + [[NOON - 86400, "7"]]
            return 200, {"status": "success", "data": {"result": [{"values": values[::-1]}]}}
        return a_week(kind, query)

    prometheus.answer = since_yesterday
    seen = past_traffic(url(prometheus), "m", NOON).seen
    assert seen.window_s is not None
    assert seen.n / seen.window_s == 2


def test_without_histograms_the_means_are_those_of_the_counters(prometheus: Prometheus) -> None:
    def counters_only(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        if "_bucket" in query["query"] or "_sum" in query["query"]:
            return 200, {"status": "success", "data": {"result": []}}
        return a_week(kind, query)

    prometheus.answer = counters_only
    seen = past_traffic(url(prometheus), "m", NOON).seen
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))


def test_a_model_that_it_never_saw_is_unknown(prometheus: Prometheus) -> None:
    prometheus.answer = lambda *_: (200, {"status": "success", "data": {"result": []}})
    past = past_traffic(url(prometheus), "m", NOON)
    assert (past.seen.n, past.seen.window_s, past.replicas) == (Decimal(0), None, None)
    assert past.profile is not None
    assert set(profile_rps(past.profile)) == {None}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((400, {"status": "error", "error": "bad query"}), "refused a query \\(bad query\\)"),
        ((200, b"<html>"), "is no Prometheus server"),
        ((200, {"status": "error"}), "refused"),
        ((200, []), "no Prometheus server: its JSON is not an object"),
        ((200, {"status": "success", "data": {}}), "its answer holds no result"),
        ((200, {"status": "success", "data": None}), "its answer holds no result"),
    ],
)
def test_another_answer_is_said(
    prometheus: Prometheus, answer: tuple[int, Any], message: str
) -> None:
    prometheus.answer = lambda *_: answer
    with pytest.raises(PrometheusUnavailable, match=message):
        past_traffic(url(prometheus), "m", NOON)


def test_nobody_there_is_said() -> None:
    with pytest.raises(PrometheusUnavailable, match="check that it runs"):
        past_traffic("http://127.0.0.1:1", "m", NOON)


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://[::1", "http://:9090", "x"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(PrometheusUnavailable, match=r"is not an address.*; write it as http://127"):
        past_traffic(address, None, NOON)


def test_a_quarter_is_asked_a_week_at_a_time(prometheus: Prometheus) -> None:
    prometheus.answer = a_week
    past = past_traffic(url(prometheus), "m", NOON, span_s=91 * DAY_S)
    assert past.seen.n == 91 * DAY_S
    assert past.series is not None
    assert past.series.to_s - past.series.from_s == 91 * DAY_S


def test_what_a_store_did_not_answer_is_said(prometheus: Prometheus) -> None:
    """A fleet's front end answers without a store that is down, and says so beside the result."""

    def partly(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        status, answer = a_week(kind, query)
        return status, {**answer, "warnings": ["No StoreAPIs matched for this query"]}

    prometheus.answer = partly
    source = past_traffic(url(prometheus), "m", NOON).source
    assert source.endswith("; it warned: No StoreAPIs matched for this query")


def test_copies_of_one_series_are_asked_for_once(prometheus: Prometheus) -> None:
    """Two servers that scrape the same vLLM must not double its demand."""
    asked: list[str | None] = []

    def noting(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        asked.append(query.get("dedup"))
        return a_week(kind, query)

    prometheus.answer = noting
    past_traffic(url(prometheus), "m", NOON)
    assert set(asked) == {"true"}


ODD_RESULTS: tuple[Any, ...] = (
    7,
    [7],
    ["x"],
    [{}],
    [{"value": 3}],
    [{"value": [NOON]}],
    [{"value": [NOON, "NaN"]}],
    [{"value": [NOON, "+Inf"]}],
    [{"value": [NOON, "-1"]}],
    [{"value": ["x", "1"]}],
    [{"metric": 3, "value": [NOON, "1"]}],
    [{"metric": {"le": "wide"}, "value": [NOON, "1"]}],
    [{"metric": {"le": "NaN"}, "value": [NOON, "1"]}],
    [{"values": [[NOON, "1"], 3]}],
    [{"values": {"a": 1}}],
)


@pytest.mark.parametrize("result", ODD_RESULTS, ids=map(str, range(len(ODD_RESULTS))))
def test_a_result_of_another_form_is_said(prometheus: Prometheus, result: Any) -> None:
    prometheus.answer = lambda *_: (200, {"status": "success", "data": {"result": result}})
    with pytest.raises(PrometheusUnavailable, match="its answer holds no result"):
        past_traffic(url(prometheus), "m", NOON)
