import socket
import threading
from collections.abc import Iterator
from contextlib import aclosing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from backends.domain.facts import MetricsScraped, SourceFailed
from backends.domain.stamp import Stamp
from backends.metrics.http_get import Unreachable, http_get
from backends.metrics.scrape import MetricsUnavailable, scrape, watch_metrics


class Exporter(ThreadingHTTPServer):
    """A server with one counter; what it answers is set by the test."""

    status = 200
    body = "vllm:generation_tokens_total 5\n"
    silent: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        if self.server.silent is not None:
            self.server.silent.wait(10)
            return
        known = self.path == "/metrics"
        body = self.server.body.encode()
        self.send_response(self.server.status if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    server = Exporter(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_that_is_too_long_is_not_read_as_if_it_were_whole(exporter: Exporter) -> None:
    room = 16 * 2**20 - len(exporter.body)
    exporter.body += "x" * room
    assert scrape(exporter.url, timeout_s=60.0).generation_tokens == 5
    exporter.body += "x"
    with pytest.raises(MetricsUnavailable, match="answers with over 16 MiB"):
        scrape(exporter.url, timeout_s=60.0)


@pytest.mark.parametrize("begun", ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_answers_a_byte_at_a_time_holds_nobody_up(begun: str) -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(begun.encode())
            while not over.wait(0.02):
                connection.sendall(b"v")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        # It ends by itself only long after the limit.
        threading.Timer(5.0, over.set).start()
        with pytest.raises(MetricsUnavailable, match="did not answer within"):
            scrape(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.3)
        assert not over.is_set()
        over.set()
        thread.join()


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/é", "http://127.0.0.1:9/\u200b"])
def test_an_address_that_cannot_be_sent_is_said(address: str) -> None:
    with pytest.raises(Unreachable, match="%-escapes"):
        http_get(address, 1.0, accept="text/plain")


def test_a_zone_in_an_address_is_written_as_sockets_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: object) -> socket.socket:
        asked.append(address)
        raise OSError("nobody")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unreachable, match="nobody"):
        http_get("http://[fe80::1%25eth0]:8000/metrics", 1.0, accept="text/plain")
    assert asked == [("fe80::1%eth0", 8000)]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_it_reads_beside_the_api(exporter: Exporter, suffix: str) -> None:
    assert scrape(exporter.url + suffix).generation_tokens == 5


def test_another_status_is_said(exporter: Exporter) -> None:
    exporter.status = 503
    with pytest.raises(MetricsUnavailable, match="status 503; check"):
        scrape(exporter.url)


def test_something_else_at_the_address_is_said(exporter: Exporter) -> None:
    exporter.body = "vllm:generation_tokens_total{ five\n"
    with pytest.raises(MetricsUnavailable, match="something else"):
        scrape(exporter.url)


def test_a_server_that_hangs_is_given_up(exporter: Exporter) -> None:
    exporter.silent = threading.Event()
    try:
        with pytest.raises(MetricsUnavailable, match=r"within 0\.1 s"):
            scrape(exporter.url, timeout_s=0.1)
    finally:
        exporter.silent.set()


def test_nobody_there_is_said() -> None:
    with pytest.raises(MetricsUnavailable, match="check that it runs"):
        scrape("http://127.0.0.1:1")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://127.0.0.1", ""])
def test_no_address_is_said(address: str) -> None:
    with pytest.raises(MetricsUnavailable, match="write it as http://"):
        scrape(address)


async def test_it_watches_through_a_failure(exporter: Exporter) -> None:
    clock, slept = count(), list[float]()
    answers = iter([200, 500, 500, 200])

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        exporter.status = next(answers)

    exporter.status = next(answers)
    facts: list[MetricsScraped | SourceFailed] = []
    watch = watch_metrics(
        exporter.url, every_s=1.5, now=lambda: Stamp(next(clock), 0.0), sleep=sleep
    )
    async with aclosing(watch) as source:
        async for fact in source:
            facts.append(fact)
            if len(facts) == 3:
                break
    assert [type(fact) for fact in facts] == [MetricsScraped, SourceFailed, MetricsScraped]
    assert slept == [1.5, 1.5, 1.5]
    assert [fact.at.mono_s for fact in facts] == [0, 1, 2]
