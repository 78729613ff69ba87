"""HTTPS on loopback: verified, stamped, and refused in words."""

from pathlib import Path

import pytest

from tests.backends.prober.certificates import context
from tests.backends.prober.scripted_server import (
    a_good_stream,
    end_of,
    measure,
    order_for,
    runs_of,
    serving,
)


def test_https_is_measured_with_each_step_apart(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with serving(a_good_stream, context(certificate, "h2", "http/1.1")) as server:
        facts = measure(order_for(server.base_url, runs=3))
    runs = runs_of(facts)
    assert [run.error for run in runs] == [None] * 3
    assert {run.clock for run in runs} == {"kernel"}
    assert all(run.connect is not None and run.connect.reused for run in runs)
    audit = end_of(facts).client
    assert audit is not None
    cold = audit.warm_ups[0].connect
    assert cold is not None
    assert cold.tcp_s is not None
    assert cold.tls_s is not None
    assert 0 < cold.tls_s < 1


def test_a_certificate_of_nobody_is_refused(certificate: tuple[Path, Path]) -> None:
    with serving(a_good_stream, context(certificate)) as server:
        facts = measure(order_for(server.base_url))
        assert server.requests == []
    assert "certificate of 127.0.0.1 is not trusted" in end_of(facts).reason


def test_a_certificate_for_another_name_is_refused(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with serving(a_good_stream, context(certificate)) as server:
        facts = measure(order_for(server.base_url.replace("127.0.0.1", "localhost")))
    assert "is not trusted" in end_of(facts).reason


def test_http_where_https_is_spoken(certificate: tuple[Path, Path]) -> None:
    with serving(a_good_stream, context(certificate)) as server:
        facts = measure(order_for(server.base_url.replace("https", "http"), runs=1))
    (run,) = runs_of(facts)
    assert run.error
