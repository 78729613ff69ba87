import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from backends.domain.money.profile import profile_rps
from backends.metrics.prometheus_server import PrometheusUnavailable, past_traffic

NOON = 1_790_000_000 // 86400 * 86400 + 12 * 3600
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


def a_week_of_one_request_per_second(kind: str, query: dict[str, str]) -> tuple[int, Any]:
    assert 'model_name="m"' in query["query"]
    if kind == "query_range":
        begin, end, step = (float(query[key]) for key in ("start", "end", "step"))
        # Two requests a second from noon to midnight, none before noon.
        ends = [begin + n * step for n in range(int((end - begin) // step) + 1)]
        values = [[at, "7200" if (at - 3600) % 86400 >= 43200 else "0"] for at in ends]
        return 200, {"status": "success", "data": {"result": [{"values": values}]}}
    requests = 7 * 86400
    for series, value in (
        ("vllm:request_success_total", requests),
        ("vllm:prompt_tokens_total", requests * 80),
        ("vllm:generation_tokens_total", requests * 220),
    ):
        if series in query["query"]:
            assert "[7d]" in query["query"]
            return vector(value)
    raise AssertionError(query)


def test_a_week_of_traffic(prometheus: Prometheus) -> None:
    prometheus.answer = a_week_of_one_request_per_second
    past = past_traffic(url(prometheus), "m", NOON)
    assert past.requests_per_s == 1
    assert (past.input_tokens, past.output_tokens) == (80, 220)
    assert profile_rps(past.profile) == (*[0.0] * 12, *[2.0] * 12)
    assert past.profile.seconds == (7 * 3600,) * 24


def test_hours_before_prometheus_watched_do_not_dilute_the_rate(prometheus: Prometheus) -> None:
    def since_yesterday(kind: str, query: dict[str, str]) -> tuple[int, Any]:
        if kind == "query_range":
            values = [[NOON - 3600 * hour, "7200"] for hour in range(24)]
            return 200, {"status": "success", "data": {"result": [{"values": values}]}}
        return vector(24 * 7200)

    prometheus.answer = since_yesterday
    assert past_traffic(url(prometheus), "m", NOON).requests_per_s == 2


def test_a_model_that_it_never_saw_is_unknown(prometheus: Prometheus) -> None:
    prometheus.answer = lambda *_: (200, {"status": "success", "data": {"result": []}})
    past = past_traffic(url(prometheus), "m", NOON)
    assert (past.requests_per_s, past.input_tokens, past.output_tokens) == (None, None, None)
    assert set(profile_rps(past.profile)) == {None}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((400, {"status": "error", "error": "bad query"}), "refused a query \\(bad query\\)"),
        ((200, b"<html>"), "is no Prometheus server"),
        ((200, {"status": "error"}), "refused"),
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
