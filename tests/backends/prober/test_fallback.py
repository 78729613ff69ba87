"""Endpoints behind a proxy, where the scripted server plays the proxy."""

import pytest

from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader
from tests.backends.domain.ab.chunks import chunk
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    HangUp,
    a_good_stream,
    end_of,
    measure,
    order_for,
    plain,
    runs_of,
    serving,
)

FAR = "http://inference.invalid/v1"
KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_proxy_is_used_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def paced(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.wait(0.1)
        conversation.event(chunk({"content": "one "}, counted=1))
        conversation.wait(0.05)
        conversation.event(chunk({"content": "two"}, counted=2, finish="length"))
        conversation.event("[DONE]")
        conversation.end()

    with serving(paced) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        facts = measure(order_for(FAR, runs=2, target={"api_key": KEY}, ignore_eos=True))
    assert proxy.requests[0].head.startswith("POST http://inference.invalid/v1/chat/completions ")
    assert f"Bearer {KEY}" in proxy.requests[0].head
    assert proxy.requests[0].body["ignore_eos"] is True
    for run in runs_of(facts):
        assert run.error is None
        assert run.clock == "kernel"
        assert "through_proxy" in run.flags
        assert run.text == "one two"
        assert run.connect is not None
        assert run.ttft_s is not None
        assert 0.1 <= run.ttft_s < 0.5
        assert len(run.itl_s) == 1


def test_the_user_of_a_proxy_is_sent_to_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(a_good_stream) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:se%40cret@127.0.0.1:{proxy.port}")
        facts = measure(order_for(FAR, runs=1))
        assert "Proxy-Authorization: Basic bWU6c2VAY3JldA==" in proxy.requests[0].head
    assert runs_of(facts)[0].error is None
    assert "bWU6c2VAY3JldA" not in repr(facts)


def test_this_host_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(a_good_stream) as server, serving(a_good_stream) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        facts = measure(order_for(server.base_url, runs=1))
        assert proxy.connections == 0
    assert runs_of(facts)[0].clock == "kernel"


def test_no_proxy_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(a_good_stream) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "inference.invalid")
        facts = measure(order_for(FAR))
        assert proxy.connections == 0
    assert "cannot resolve" in end_of(facts).reason


def test_failures_through_a_proxy_are_one_line_without_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = f'{{"error":{{"message":"bad key {KEY}"}}}}'.encode()
    with serving(plain("401 Unauthorized", body)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        facts = measure(order_for(FAR, target={"api_key": KEY}))
    assert "HTTP 401: the endpoint does not accept the API key" in end_of(facts).reason
    assert KEY not in repr(facts)


def test_a_stream_cut_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.event(chunk({"content": "one "}, counted=1))
        raise HangUp

    with serving(cut) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        (run,) = runs_of(measure(order_for(FAR, runs=1)))
    assert run.error is not None
    assert run.text == "one "


def test_fields_a_proxied_endpoint_refuses_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(conversation: Conversation) -> None:
        if "temperature" in conversation.body:
            plain("400 Bad Request", b'{"error":{"message":"no temperature"}}')(conversation)
        else:
            a_good_stream(conversation)

    with serving(strict) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        facts = measure(order_for(FAR, runs=1))
    assert end_of(facts).reason == ""
    assert runs_of(facts)[0].error is None


def test_an_odd_reply_through_a_proxy_is_an_error_of_its_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def odd(conversation: Conversation) -> None:
        if conversation.number != 1:
            a_good_stream(conversation)
            return
        conversation.write(CHUNKED_HEAD)
        conversation.event(chunk({"content": "one "}))
        conversation.event("ODD")
        conversation.end()

    good = ChunkReader.feed

    def feed(self: ChunkReader, at_s: float, event: SseEvent) -> object:
        if b"ODD" in event.data:
            raise RecursionError
        return good(self, at_s, event)

    monkeypatch.setattr(ChunkReader, "feed", feed)
    with serving(odd) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        facts = measure(order_for(FAR, runs=3))
    first, *others = runs_of(facts)
    assert first.error is not None
    assert "cannot be understood (RecursionError)" in first.error
    assert [run.error for run in others] == [None, None]
    assert end_of(facts).reason == ""
