"""Whatever goes wrong is one line with a remedy, and what was received is kept."""

import re
import socket
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.ab.facts import AbFact, SeriesEnded, TextArrived
from backends.domain.prices.cost import RequestPrices
from backends.prober.loop import Loop
from backends.prober.series import Series
from tests.backends.domain.ab.chunks import ROLE, chunk
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    QUICK,
    STREAM_HEAD,
    Conversation,
    HangUp,
    Reply,
    a_good_stream,
    end_of,
    measure,
    order_for,
    plain,
    runs_of,
    serving,
)


def hang_up(_: Conversation) -> None:
    raise HangUp


def silent(conversation: Conversation) -> None:
    conversation.wait(3)


def silent_after_the_role(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk(ROLE))
    conversation.wait(3)


def endless(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    for _ in range(200):
        conversation.event(chunk({"content": "x"}))
        conversation.wait(0.02)


def cut_after_two(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk({"content": "one "}, counted=1))
    conversation.wait(0.02)
    conversation.event(chunk({"content": "two "}, counted=2))
    conversation.wait(0.02)
    raise HangUp


def ended_without_done(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk({"content": "one "}))
    conversation.end()


def error_in_stream(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk({"content": "one "}))
    conversation.event({"error": {"message": "EngineDead", "code": 500}})
    conversation.event("[DONE]")
    conversation.end()


def not_http(conversation: Conversation) -> None:
    conversation.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    raise HangUp


def bad_chunk(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD + b"zz\r\nhello\r\n")
    raise HangUp


WHOLE = (
    b'{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":4,"completion_tokens":1}}'
)

CASES: dict[str, tuple[Reply, str]] = {
    "wrong key": (plain("401 Unauthorized", b'{"error":"Unauthorized"}'), "HTTP 401: the endpoint"),
    "forbidden": (plain("403 Forbidden", b"{}"), "HTTP 403: the endpoint refuses access"),
    "no model": (
        plain("404 Not Found", b'{"error":{"message":"The model `m` does not exist."}}'),
        "no model 'm'.*The model `m` does not exist",
    ),
    "rate": (
        plain("429 Too Many Requests", b"{}", more="retry-after: 7\r\n"),
        "HTTP 429: .*retry after 7 s",
    ),
    "rate, no hint": (plain("429 Too Many Requests", b"{}"), "retry later"),
    "server error": (plain("500 Internal Server Error", b"oops"), "HTTP 500 Internal Server Error"),
    "unavailable": (plain("503 Service Unavailable", b"<html>"), "HTTP 503.*status page"),
    "bad request": (
        plain("400 Bad Request", b'{"error":{"message":"prompt too long"}}'),
        "longer than the endpoint takes.*prompt too long",
    ),
    "web page": (plain("200 OK", b"<!doctype html><p>Hi", "text/html"), "is a web page"),
    "redirect": (
        plain("308 Permanent Redirect", b"", more="location: https://else.where/v1\r\n"),
        "redirects to https://else.where/v1",
    ),
    "one piece": (plain("200 OK", WHOLE), "not as a stream"),
    "error with 200": (plain("200 OK", b'{"error":{"message":"no credit"}}'), "no credit"),
    "something else": (plain("200 OK", b"\x89PNG", "image/png"), "image/png, not a stream"),
    "empty": (plain("200 OK", b"", "text/plain"), "text/plain, not a stream"),
    "hangs up": (hang_up, "closed before any token"),
    "never answers": (silent, r"no token within 0\.3 s"),
    "only a role": (silent_after_the_role, r"no token within 0\.3 s"),
    "never ends": (endless, r"not finished within 0\.6 s"),
    "cut": (cut_after_two, "the stream was cut after 2 chunks"),
    "no done": (ended_without_done, r"cut after 1 chunks \(no \[DONE\] came\)"),
    "error inside": (error_in_stream, "inside the stream: EngineDead"),
    "not http": (not_http, "not HTTP/1.1"),
    "bad chunk": (bad_chunk, "a chunk has the size"),
}


@pytest.mark.parametrize(("reply", "pattern"), CASES.values(), ids=CASES)
def test_each_failure_is_one_line(reply: Reply, pattern: str) -> None:
    with serving(reply) as server:
        facts = measure(order_for(server.base_url, runs=1, limits=QUICK))
    (run,) = runs_of(facts)
    assert run.error is not None
    assert "\n" not in run.error
    assert len(run.error) < 500
    assert re.search(pattern, run.error), run.error


def test_what_came_before_the_cut_is_kept() -> None:
    with serving(cut_after_two) as server:
        facts = measure(order_for(server.base_url, runs=1))
    (run,) = runs_of(facts)
    assert run.text == "one two "
    assert run.ttft_s is not None
    assert run.output_tokens == 2
    assert len(run.itl_s) == 1
    assert run.finish_reason is None


def cancelled_after(pieces: int, *base_urls: str, **more: Any) -> list[AbFact]:
    """The facts of a series that is cancelled once so much text has come."""
    facts: list[AbFact] = []
    loop = Loop()
    series = Series(order_for(*base_urls, runs=5, **more), loop, facts.append)
    series.begin()
    loop.run(lambda: series.over or sum(isinstance(f, TextArrived) for f in facts) >= pieces)
    series.cancel("cancelled")
    loop.close()
    return facts


def test_a_cancelled_run_is_an_error_with_what_it_received() -> None:
    def slow(conversation: Conversation) -> None:
        if conversation.number == 0:
            a_good_stream(conversation)
            return
        conversation.write(CHUNKED_HEAD)
        for number in range(1, 60):
            conversation.event(chunk({"content": "x"}, counted=number))
            conversation.wait(0.03)

    with serving(slow) as server:
        facts = cancelled_after(
            2, server.base_url, target={"prices": RequestPrices(output_usd_per_mtok=Decimal(1))}
        )
    (run,) = runs_of(facts)
    assert isinstance(facts[-1], SeriesEnded)
    assert run.error is not None
    assert re.fullmatch(r"cancelled by user after \d+ chunks", run.error)
    assert run.text.startswith("xx")
    assert run.ttft_s is not None
    assert run.output_tokens == len(run.text)
    assert len(run.itl_s) == len(run.text) - 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    facts = measure(order_for(f"http://127.0.0.1:{port}/v1"))
    assert runs_of(facts)[0].error == (
        f"connection refused by 127.0.0.1:{port}: nothing listens there; is the server started?"
    )
    assert end_of(facts).reason.startswith("target a (endpoint-a): connection refused")


def test_a_name_without_address() -> None:
    facts = measure(order_for("http://no-such-host.invalid/v1"))
    assert "cannot resolve the host name 'no-such-host.invalid'" in end_of(facts).reason


def test_nobody_answers_the_knock() -> None:
    # A listener whose queue is full drops further attempts, as a firewall does.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        knocks = []
        for _ in range(4):
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex(("127.0.0.1", port))
            knocks.append(knock)
        facts = measure(order_for(f"http://127.0.0.1:{port}/v1", limits=QUICK))
        for knock in knocks:
            knock.close()
    assert "within 0.3 s" in end_of(facts).reason


def test_https_where_there_is_none() -> None:
    with serving(not_http) as server:
        url = server.base_url.replace("http://", "https://")
        facts = measure(order_for(url, limits=QUICK))
    reason = end_of(facts).reason
    assert "TLS" in reason or "closed the connection while" in reason or "within" in reason


def test_a_hopeless_target_takes_no_runs_of_the_other() -> None:
    with serving(a_good_stream) as good, serving(plain("401 Unauthorized", b"{}")) as bad:
        facts = measure(order_for(good.base_url, bad.base_url, runs=5))
    assert end_of(facts).reason.startswith("target b (endpoint-b): HTTP 401")
    assert len(bad.requests) == 1
    runs = runs_of(facts)
    assert [run.target for run in runs if run.error] == ["b"]
    assert [run.target for run in runs if not run.error] == ["a"] * 5


def test_a_target_that_keeps_failing_takes_no_runs_of_the_other() -> None:
    def fails_later(conversation: Conversation) -> None:
        if conversation.number > 1:
            raise HangUp
        a_good_stream(conversation)

    with serving(a_good_stream) as good, serving(fails_later) as bad:
        facts = measure(order_for(good.base_url, bad.base_url, runs=8))
    assert "3 runs in a row failed in target b" in end_of(facts).reason
    assert len([run for run in runs_of(facts) if run.target == "a" and not run.error]) == 8


def test_three_failures_in_a_row_end_the_series() -> None:
    with serving(plain("503 Service Unavailable", b"{}")) as server:
        facts = measure(order_for(server.base_url, runs=20))
    assert len(runs_of(facts)) == 3
    assert "3 runs in a row failed in target a" in end_of(facts).reason


def test_a_single_failure_does_not() -> None:
    def shaky(conversation: Conversation) -> None:
        if conversation.number == 2:
            raise HangUp
        a_good_stream(conversation)

    with serving(shaky) as server:
        facts = measure(order_for(server.base_url, runs=5))
    assert end_of(facts).reason == ""
    assert len(runs_of(facts)) == 5


def test_a_one_piece_reply_without_length_is_read_to_its_end() -> None:
    def until_close(conversation: Conversation) -> None:
        conversation.write(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + WHOLE)
        raise HangUp

    with serving(until_close) as server:
        facts = measure(order_for(server.base_url, runs=1))
    run = runs_of(facts)[0]
    assert run.error is not None
    assert "not as a stream" in run.error
    assert run.input_tokens == 4


def test_a_stream_that_only_closing_ends() -> None:
    def until_close(conversation: Conversation) -> None:
        conversation.write(STREAM_HEAD + b"\r\n")
        conversation.write(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n')
        raise HangUp

    with serving(until_close) as server:
        facts = measure(order_for(server.base_url, runs=1))
    (run,) = runs_of(facts)
    assert run.error is None
    assert run.text == "a"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://host/v1", "must look like"),
        ("host:8000", "must look like"),
        ("http://h:x/", "URL"),
        ("http://127.0.0.1:1/vé", "%-escapes"),
        ("http://bücher.example/v1", "xn--"),
    ],
)
def test_a_base_url_that_is_none(url: str, word: str) -> None:
    facts = measure(order_for(url))
    assert word in end_of(facts).reason


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9"),
        ("all_proxy", "socks5h://user:secret@127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:notaport"),
        ("http_proxy", "http://[::1"),
        ("HTTP_PROXY", "http://"),
        ("HTTP_PROXY", "http://127.0.0.1:99999"),
        ("HTTPS_PROXY", "ftp://127.0.0.1:9"),
        ("HTTP_PROXY", "http://pröxy:9"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_is_named(
    scheme: str, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{kind}_proxy", raising=False)
        monkeypatch.delenv(f"{kind}_proxy".upper(), raising=False)
    monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    if variable.lower() == f"{scheme}_proxy":
        monkeypatch.delenv(f"{scheme}_proxy")
    monkeypatch.setenv(variable, value)
    facts = measure(order_for(f"{scheme}://192.0.2.1/v1"))  # never reached: RFC 5737
    reason = end_of(facts).reason
    assert f"the environment variable {variable} names " in reason
    assert "NO_PROXY" in reason
    assert "secret" not in reason
