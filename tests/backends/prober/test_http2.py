"""Endpoints that speak HTTP/2 only, and endpoints behind a proxy that tunnels."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from backends.domain.ab.run import Run
from tests.backends.prober.certificates import FAR_NAME, context
from tests.backends.prober.http2_server import (
    GAP_S,
    TOKENS,
    TTFT_S,
    Http2Server,
    proxying,
    speaking_http_2,
)
from tests.backends.prober.scripted_server import (
    ScriptedServer,
    a_good_stream,
    end_of,
    measure,
    order_for,
    runs_of,
    serving,
)

# A client in threads, on a machine that may be busy.
TOLERANCE_S = 0.06


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def flags(run: Run) -> set[str]:
    """What the way there says; a busy host delays the client too, and it says so."""
    return set(run.flags) - {"client_limited"}


def check(run: Run, flag: str) -> None:
    assert run.error is None
    assert run.clock == "user"
    assert flags(run) == {flag}
    assert run.output_tokens == TOKENS
    assert run.text == "".join(f"w{number} " for number in range(1, TOKENS + 1))
    assert run.ttft_s == pytest.approx(TTFT_S, abs=TOLERANCE_S)
    assert len(run.itl_s) == TOKENS - 1
    assert sum(run.itl_s) == pytest.approx(GAP_S * (TOKENS - 1), abs=TOLERANCE_S)


def test_an_endpoint_without_http_1_is_asked_over_http_2(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with speaking_http_2(context(certificate, "h2")) as server:
        facts = measure(order_for(server.base_url, runs=2, target={"api_key": "sk-0123456789"}))
    assert end_of(facts).reason == ""
    assert [run.index for run in runs_of(facts)] == [0, 1]
    for run in runs_of(facts):
        check(run, "http_2_only")
    assert {head["authorization"] for head in server.headers} == {"Bearer sk-0123456789"}
    audit = end_of(facts).client
    assert audit is not None
    assert [run.error for run in audit.warm_ups] == [None]


def test_http_2_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking_http_2(None) as server:
        facts = measure(order_for(server.base_url, runs=1))
    check(runs_of(facts)[0], "http_2_only")


def test_without_a_warm_up_too(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with speaking_http_2(context(certificate, "h2")) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1, warm_up=False)))
    assert (run.error, run.output_tokens) == (None, TOKENS)


def test_its_certificate_is_verified_all_the_same(certificate: tuple[Path, Path]) -> None:
    with speaking_http_2(context(certificate, "h2")) as server:
        facts = measure(order_for(server.base_url, runs=1))
    assert "is not trusted" in end_of(facts).reason
    assert server.bodies == []


def test_a_stream_that_is_cut_over_http_2(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with speaking_http_2(context(certificate, "h2")) as server:
        server.cut_after = 2
        (run,) = runs_of(measure(order_for(server.base_url, runs=1)))
    assert run.error is not None
    assert "the stream was cut after 3 chunks" in run.error
    assert (run.text, run.output_tokens) == ("w1 w2 ", 2)


@pytest.mark.parametrize("protocols", [("http/1.1",), ("h2",)])
def test_a_proxy_that_tunnels(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, protocols: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    tls = context(certificate, *protocols)
    with ExitStack() as opened:
        server: Http2Server | ScriptedServer
        if protocols == ("h2",):
            server = opened.enter_context(speaking_http_2(tls))
        else:
            server = opened.enter_context(serving(a_good_stream, tls))
        proxy = opened.enter_context(proxying(server.port))
        monkeypatch.setenv("https_proxy", proxy.url)
        facts = measure(order_for(f"https://{FAR_NAME}/v1", runs=2))
    assert end_of(facts).reason == ""
    assert proxy.asked[0].startswith(f"CONNECT {FAR_NAME}:443 ")
    clock = "user" if protocols == ("h2",) else "kernel"
    for run in runs_of(facts):
        assert (run.error, run.clock, flags(run)) == (None, clock, {"through_proxy"})
        assert run.text.startswith("w1 w2 w3 ")


def test_a_proxy_that_makes_no_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: refuse(listener.accept()[0]), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("https_proxy", url)
        facts = measure(order_for(f"https://{FAR_NAME}/v1", runs=1))
    assert (
        "makes no way to the endpoint (407 Proxy Authentication Required)" in end_of(facts).reason
    )


def test_the_certificate_behind_a_proxy_is_verified(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(a_good_stream, context(certificate)) as server, proxying(server.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        facts = measure(order_for(f"https://{FAR_NAME}/v1", runs=1))
    assert server.requests == []
    (run,) = runs_of(facts)
    assert run.error is not None
    assert "certificate" in run.error
