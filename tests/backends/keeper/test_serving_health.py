"""What a ready server's answers say of its health: hung, silent, asleep, or well with errors."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backends.domain.serving import RequestErrors
from backends.http1 import Address
from backends.keeper.probe import never
from backends.keeper.serving_health import ServingHealth

GREETING = 'vllm:num_requests_running{engine="0",model_name="m"} 2.0\n'


@dataclass
class Server:
    """A server whose answers a test writes, and a clock that it moves."""

    status: int = 200
    metrics: str = GREETING
    now_s: float = 0.0
    silent: bool = False
    http: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        server = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if server.silent:
                    return  # the connection closes without a word
                of_health = self.path == "/health"
                self.send_response(server.status if of_health else 200)
                self.end_headers()
                self.wfile.write(b"" if of_health else server.metrics.encode())

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.http.server_address[1])


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def _looked(health: ServingHealth, server: Server, until_s: float) -> str:
    """Look every six seconds until then, and return what the last look gave."""
    told = health.look(never)
    while server.now_s < until_s:
        server.now_s += 6.0
        told = health.look(never)
    return told


def _health(server: Server) -> ServingHealth:
    return ServingHealth(server.address, lambda: server.now_s)


def test_requests_without_progress_are_told_though_health_answers(server: Server) -> None:
    health = _health(server)
    assert _looked(health, server, 30.0) == ""
    told = _looked(health, server, 36.0)
    assert told == "the engine makes no progress: 2 requests run, no token or step for over 30 s"
    assert health.hung == told


@pytest.mark.parametrize(
    "sign",
    [
        'vllm:generation_tokens_total{engine="0"} 7\n',
        'vllm:prompt_tokens_total{engine="0"} 7\n',
        'vllm:iteration_tokens_total_count{engine="0"} 7\n',
        'vllm:kv_cache_usage_perc{engine="0"} 0.7\n',
    ],
)
def test_any_sign_of_a_step_ends_the_hang(server: Server, sign: str) -> None:
    health = _health(server)
    assert _looked(health, server, 60.0) != ""
    server.metrics = GREETING + sign
    assert _looked(health, server, 66.0) == ""
    assert health.hung == ""


def test_one_engine_of_two_is_named(server: Server) -> None:
    health = _health(server)
    for step in range(12):
        server.metrics = GREETING + GREETING.replace('"0"', '"1"')
        server.metrics += f'vllm:generation_tokens_total{{engine="0"}} {step}\n'
        told = _looked(health, server, server.now_s + 6.0)
    assert told.startswith("engine 1 makes no progress")


def test_a_sleeping_engine_does_not_hang(server: Server) -> None:
    server.metrics += 'vllm:engine_sleep_state{engine="0",sleep_state="awake"} 0.0\n'
    assert _looked(_health(server), server, 600.0) == ""


def test_silence_is_a_hang_only_when_it_lasts(server: Server) -> None:
    health = _health(server)
    assert _looked(health, server, 6.0) == ""
    server.silent = True
    assert _looked(health, server, 12.0).startswith("/health: ")
    assert health.hung == ""
    assert _looked(health, server, 60.0) == "/health has not answered for over 30 s"
    server.silent, server.metrics = False, ""
    assert _looked(health, server, 66.0) == ""


def test_one_look_without_an_answer_is_no_illness_and_two_in_a_row_are(server: Server) -> None:
    health = _health(server)
    for _ in range(3):
        server.silent = True
        assert health.look(never) == ""
        server.silent = False
        assert health.look(never) == ""
    server.silent = True
    assert health.look(never) == ""
    assert health.look(never).startswith("/health: ")


def test_an_answer_that_is_an_error_is_no_hang(server: Server) -> None:
    server.status, server.metrics = 503, ""
    health = _health(server)
    assert _looked(health, server, 600.0) == "/health answers 503"
    assert health.hung == ""


def test_errors_are_those_that_the_server_counts(server: Server) -> None:
    server.metrics = (
        'http_requests_total{handler="/v1/completions",method="POST",status="5xx"} 3.0\n'
        'http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 40.0\n'
        'vllm:request_success_total{engine="0",finished_reason="abort"} 2.0\n'
        'vllm:request_success_total{engine="1",finished_reason="abort"} 1.0\n'
        'vllm:request_success_total{engine="0",finished_reason="stop"} 9.0\n'
        'vllm:num_preemptions_total{engine="0"} 5.0\n'
    )
    health = _health(server)
    health.look(never)
    assert health.errors == RequestErrors(http_5xx=3, failed=None, aborted=3, preemptions=5)
