"""Rate limits and cold starts are waited for outside the measurement, within a bound, and said."""

import itertools
import json

import pytest

from backends.domain.ab.facts import TargetWaits
from backends.domain.ab.run import Run
from backends.prober.protocol import Limits
from backends.prober.retry import delay_of
from tests.backends.domain.ab.chunks import ROLE, chunk
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    Reply,
    a_good_stream,
    end_of,
    measure,
    order_for,
    plain,
    runs_of,
    serving,
)

PATIENT = Limits(connect_s=5.0, ttft_s=10.0, total_s=10.0, wait_s=3.0)
WALL_S = 1_790_000_000.0


def then_good(refuse: Reply, times: int) -> Reply:
    """Refuse the first requests."""

    def reply(conversation: Conversation) -> None:
        (refuse if conversation.number < times else a_good_stream)(conversation)

    return reply


def every_second(refuse: Reply) -> Reply:
    def reply(conversation: Conversation) -> None:
        (refuse if conversation.number % 2 else a_good_stream)(conversation)

    return reply


LIMITS: dict[str, str] = {
    "retry-after": "retry-after: 0.2\r\n",
    "retry-after-ms": "retry-after-ms: 200\r\nretry-after: 60\r\n",
    "a duration": "x-ratelimit-reset-requests: 200ms\r\nx-ratelimit-remaining-requests: 0\r\n",
    "the one that is used up": (
        "x-ratelimit-reset-requests: 200ms\r\nx-ratelimit-remaining-requests: 0\r\n"
        "x-ratelimit-reset-tokens: 6m0s\r\nx-ratelimit-remaining-tokens: 9000\r\n"
    ),
}


@pytest.mark.parametrize("head", LIMITS.values(), ids=LIMITS)
def test_a_rate_limit_is_no_failure(head: str) -> None:
    refuse = plain("429 Too Many Requests", b'{"error":{"message":"slow"}}', more=head)
    with serving(every_second(refuse)) as server:
        facts = measure(order_for(server.base_url, runs=3, limits=PATIENT))
    runs = runs_of(facts)
    assert end_of(facts).reason == ""
    assert [(run.error, run.waits, run.waited_for) for run in runs] == [(None, 1, "limited")] * 3
    assert all(0.2 <= run.waited_s < 1.5 and run.cold_s is None for run in runs)
    assert all(run.ttft_s is not None and run.ttft_s < 0.2 for run in runs)
    waits = [fact for fact in facts if isinstance(fact, TargetWaits)]
    assert [(wait.cold, "HTTP 429" in wait.why) for wait in waits] == [(False, True)] * 3


def test_a_limit_beyond_the_patience_is_said_at_once() -> None:
    refuse = plain("429 Too Many Requests", b"{}", more="retry-after: 3600\r\n")
    with serving(refuse) as server:
        facts = measure(order_for(server.base_url, runs=1, limits=PATIENT))
    (run,) = runs_of(facts)
    assert run.error is not None
    assert run.error.startswith("HTTP 429: the endpoint limits the rate; retry after 3600 s")
    assert run.error.endswith("3600 s more are beyond --timeout")
    assert len(server.requests) == 1


def test_no_quota_is_not_waited_for() -> None:
    body = b'{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}'
    refuse = plain("429 Too Many Requests", body.replace(b"You", b"insufficient_quota: You"))
    with serving(refuse) as server:
        measure(order_for(server.base_url, runs=1, limits=PATIENT))
    assert len(server.requests) == 2


COLD: dict[str, Reply] = {
    "503": plain("503 Service Unavailable", b'{"error":"503 Service Unavailable"}'),
    "503 with a hint": plain("503 Service Unavailable", b"{}", more="retry-after: 0.3\r\n"),
    "502": plain("502 Bad Gateway", b"<html><title>502 Bad Gateway</title></html>", "text/html"),
    "202": plain("202 Accepted", b'{"status":"starting"}'),
    "429 not ready": plain("429 Too Many Requests", b'{"detail":"The model is not ready yet"}'),
    "500 loading": plain("500 Oops", b'{"error":"Model m is currently loading"}'),
    "a queue": plain("200 OK", b'{"id":"sync-1","status":"IN_QUEUE","delayTime":0}'),
    "an estimate": plain("503 No", b'{"error":"Model m is loading","estimated_time":0.3}'),
}


def cold_run(reply: Reply, *, runs: int = 2) -> tuple[Run, list[Run]]:
    with serving(reply) as server:
        facts = measure(order_for(server.base_url, runs=runs, limits=PATIENT))
    assert end_of(facts).reason == ""
    client = end_of(facts).client
    assert client is not None
    return client.warm_ups[0], runs_of(facts)


@pytest.mark.parametrize("refuse", COLD.values(), ids=COLD)
def test_a_cold_start_is_waited_for_and_told_apart(refuse: Reply) -> None:
    warm_up, runs = cold_run(then_good(refuse, 2))
    assert (warm_up.error, warm_up.waits) == (None, 2)
    assert warm_up.cold_s is not None
    assert 0.5 < warm_up.cold_s < 2.5
    assert [(run.error, run.waits, run.cold_s) for run in runs] == [(None, 0, None)] * 2


def redirecting(hops: int, *, always: bool = False) -> Reply:
    """Answer a POST with the place of its reply, whose GET redirects on for some hops."""
    fetches = itertools.count()

    def reply(conversation: Conversation) -> None:
        method, path, _ = conversation.head.split(" ", 2)
        if method == "POST" and not always and next(fetches) > 0:
            a_good_stream(conversation)
        elif method == "POST" or int(path.rpartition("=")[2]) < hops:
            hop = 1 if method == "POST" else int(path.rpartition("=")[2]) + 1
            more = f"location: /v1/chat/completions?call=fc-1&hop={hop}\r\n"
            plain("303 See Other", b"", more=more)(conversation)
        else:
            assert "authorization: bearer sk-12345678" in conversation.head.lower()
            conversation.wait(0.1)
            a_good_stream(conversation)

    return reply


def test_a_chain_of_303_leads_to_the_reply_of_a_cold_start() -> None:
    with serving(redirecting(3)) as server:
        target = {"api_key": "sk-12345678"}
        facts = measure(order_for(server.base_url, runs=2, limits=PATIENT, target=target))
    client = end_of(facts).client
    assert client is not None
    assert (client.warm_ups[0].error, client.warm_ups[0].waits) == (None, 3)
    assert client.warm_ups[0].cold_s is not None
    runs = runs_of(facts)
    assert [(run.error, "redirected" in run.flags) for run in runs] == [(None, False)] * 2


def test_an_endpoint_that_always_redirects_is_measured_with_its_hops() -> None:
    with serving(redirecting(1, always=True)) as server:
        target = {"api_key": "sk-12345678"}
        facts = measure(order_for(server.base_url, runs=2, limits=PATIENT, target=target))
    runs = runs_of(facts)
    assert [run.error for run in runs] == [None] * 2
    assert all("redirected" in run.flags for run in runs)
    assert all(run.ttft_s is not None and run.ttft_s > 0.1 for run in runs)


def queueing(polls: int, *, gone: bool = False, named: bool = False) -> Reply:
    """Queue the first POST; its job is over at that poll, and from then on all are answered."""
    polled = itertools.count(1)
    awake: list[bool] = []

    def reply(conversation: Conversation) -> None:
        method, path, _ = conversation.head.split(" ", 2)
        queued = {"id": "job-1", "status": "IN_QUEUE"}
        if named:
            queued["status_url"] = "/jobs/job-1"
        if method == "POST" and not awake and not (gone and conversation.number):
            plain("200 OK", json.dumps(queued).encode())(conversation)
        elif method == "POST":
            a_good_stream(conversation)
        elif gone:
            plain("404 Not Found", b'{"error":"job not found"}')(conversation)
        else:
            assert path == ("/jobs/job-1" if named else "/v2/x/status/job-1")
            assert "authorization: bearer sk-12345678" in conversation.head.lower()
            over = next(polled) >= polls
            awake.extend([True] * over)
            state = "COMPLETED" if over else "IN_PROGRESS"
            body = {"id": "job-1", "status": state}
            plain("200 OK", json.dumps(body).encode())(conversation)

    return reply


@pytest.mark.parametrize("named", [False, True], ids=["beside the route", "in the reply"])
def test_a_queued_request_is_asked_after_and_not_sent_again(*, named: bool) -> None:
    with serving(queueing(3, named=named)) as server:
        base_url = server.base_url.replace("/v1", "/v2/x/openai/v1")
        target = {"api_key": "sk-12345678"}
        facts = measure(order_for(base_url, runs=2, limits=PATIENT, target=target))
        posts = [each for each in server.requests if each.head.startswith("POST")]
    client = end_of(facts).client
    assert client is not None
    assert (client.warm_ups[0].error, client.warm_ups[0].waits) == (None, 3)
    assert client.warm_ups[0].cold_s is not None
    assert 1.0 < client.warm_ups[0].cold_s < 2.5
    assert [(run.error, run.waits, run.cold_s) for run in runs_of(facts)] == [(None, 0, None)] * 2
    assert len(posts) == 1 + 1 + 2, "the queued one, the warm-up, two runs"


@pytest.mark.parametrize("named", [False, True], ids=["beside the route", "in the reply"])
def test_a_queue_that_knows_its_job_no_longer_is_asked_again(*, named: bool) -> None:
    with serving(queueing(1, gone=True, named=named)) as server:
        base_url = server.base_url.replace("/v1", "/v2/x/openai/v1")
        target = {"api_key": "sk-12345678"}
        facts = measure(order_for(base_url, runs=1, limits=PATIENT, target=target))
    client = end_of(facts).client
    assert client is not None
    assert client.warm_ups[0].error is None
    assert client.warm_ups[0].cold_s is not None
    assert [run.error for run in runs_of(facts)] == [None]


def test_a_key_is_never_sent_to_another_host() -> None:
    with serving(a_good_stream) as other:
        more = f"location: {other.base_url}/chat/completions\r\n"
        for status in ("303 See Other", "307 Temporary Redirect", "202 Accepted"):
            with serving(plain(status, b"", more=more)) as server:
                target = {"api_key": "sk-12345678"}
                limits = Limits(ttft_s=2.0, total_s=2.0, wait_s=0.3)
                facts = measure(order_for(server.base_url, runs=1, limits=limits, target=target))
            assert runs_of(facts)[0].error is not None
        assert other.requests == []


def test_what_never_wakes_up_leaves_the_other_its_runs() -> None:
    refuse = plain("503 Service Unavailable", b"{}")
    limits = Limits(ttft_s=5.0, total_s=5.0, wait_s=0.8)
    with serving(refuse) as cold, serving(a_good_stream) as good:
        facts = measure(order_for(good.base_url, cold.base_url, runs=4, limits=limits))
        assert len(cold.requests) == 2  # once waited for in vain, it is asked no more
    runs = runs_of(facts)
    assert [run.error for run in runs if run.target == "a"] == [None] * 4
    assert "beyond --timeout" in next(run.error or "" for run in runs if run.target == "b")
    assert "target b" in end_of(facts).reason


def in_stream(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk(ROLE))
    conversation.event({"error": {"code": 429, "message": "Rate limit exceeded"}})
    conversation.end()


@pytest.mark.parametrize(
    "refuse",
    [
        in_stream,
        plain("200 OK", b'{"error":{"code":429,"message":"rate-limited, try again in 100 ms"}}'),
    ],
    ids=["in the stream", "in a whole reply"],
)
def test_a_rate_limit_behind_a_200_is_one_too(refuse: Reply) -> None:
    with serving(every_second(refuse)) as server:
        facts = measure(order_for(server.base_url, runs=2, limits=PATIENT))
    assert [(run.error, run.waited_for) for run in runs_of(facts)] == [(None, "limited")] * 2


def test_who_refuses_at_the_named_time_is_asked_ever_more_seldom() -> None:
    refuse = plain("429 Too Many Requests", b"{}", more="retry-after: 0\r\n")
    limits = Limits(ttft_s=5.0, total_s=5.0, wait_s=2.0)
    with serving(refuse) as server:
        measure(order_for(server.base_url, runs=1, limits=limits))
        assert len(server.requests) < 16


def test_a_cancelled_wait_ends_the_series() -> None:
    from backends.prober.loop import Loop
    from backends.prober.series import Series

    refuse = plain("429 Too Many Requests", b"{}", more="retry-after: 2\r\n")
    facts: list[object] = []
    loop = Loop()
    with serving(refuse) as server:
        series = Series(order_for(server.base_url, limits=PATIENT), loop, facts.append)
        series.begin()
        loop.run(lambda: any(isinstance(fact, TargetWaits) for fact in facts))
        series.cancel("cancelled")
        assert series.over
        assert len(server.requests) == 1
    loop.close()


DELAYS: dict[str, tuple[dict[str, str], object, str, float | None]] = {
    "seconds": ({"retry-after": "7"}, None, "", 7.0),
    "a date": ({"retry-after": "Mon, 21 Sep 2026 14:13:30 GMT"}, None, "", 10.0),
    "milliseconds": ({"retry-after-ms": "1500", "retry-after": "9"}, None, "", 1.5),
    "minutes": ({"x-ratelimit-reset-tokens": "6m0s"}, None, "", 360.0),
    "an epoch": ({"x-ratelimit-reset": "1790000030"}, None, "", 30.0),
    "an epoch in ms": ({"x-ratelimit-reset": "1790000030000"}, None, "", 30.0),
    "an instant": ({"anthropic-ratelimit-requests-reset": "2026-09-21T14:13:30Z"}, None, "", 10.0),
    "a draft's field": ({"ratelimit-reset": "12"}, None, "", 12.0),
    "Google's": ({}, {"error": {"details": [{"retryDelay": "17s"}]}}, "", 17.0),
    "in the body": ({}, {"error": {"retry_after_ms": 250}}, "", 0.25),
    "an estimate": ({}, {"error": "loading", "estimated_time": 20.5}, "", 20.5),
    "in words": ({}, None, "Please try again in 1.2s. Visit", 1.2),
    "in more words": ({}, None, "retry after 2 minutes", 120.0),
    "a wait": ({}, None, "Please wait 42 seconds before retrying.", 42.0),
    "in many words": ({}, None, "try again in 1m 30s", 90.0),
    "nonsense": ({"retry-after": "soon", "x-ratelimit-reset": "-5"}, None, "", None),
    "nothing": ({}, {"error": "x"}, "no", None),
}


@pytest.mark.parametrize(("fields", "document", "said", "delay_s"), DELAYS.values(), ids=DELAYS)
def test_how_long_a_refusal_asks_to_wait(
    fields: dict[str, str], document: object, said: str, delay_s: float | None
) -> None:
    found = delay_of(fields, document, said, WALL_S)
    assert found == (None if delay_s is None else pytest.approx(delay_s))


def test_the_server_is_asked_by_get_where_its_reply_will_be() -> None:
    with serving(redirecting(1)) as server:
        target = {"api_key": "sk-12345678"}
        measure(order_for(server.base_url, runs=1, limits=PATIENT, target=target))
    lines = [each.head.split("\r\n", 1)[0] for each in server.requests]
    assert lines[1] == "GET /v1/chat/completions?call=fc-1&hop=1 HTTP/1.1"
