"""A field that an endpoint refuses is left out from then on, however the endpoint names it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

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

USAGE = "stream_options.continuous_usage_stats"


def _sends(body: dict[str, Any], field: str) -> bool:
    first, _, second = field.partition(".")
    return first in body and (not second or second in body[first])


def refusing(
    said: Callable[[str], tuple[str, bytes, str]], *fields: str
) -> Callable[[Conversation], None]:
    """Refuse the first of these fields that a request has, in the words of `said`."""

    def reply(conversation: Conversation) -> None:
        field = next((field for field in fields if _sends(conversation.body, field)), None)
        if field is None:
            a_good_stream(conversation)
            return
        status, body, kind = said(field)
        plain(status, body, kind)(conversation)

    return reply


def _json(status: str, document: object) -> tuple[str, bytes, str]:
    return status, json.dumps(document).encode(), "application/json"


def by_raw(field: str) -> tuple[str, bytes, str]:
    raw = json.dumps({"error": {"message": "bad", "param": field}})
    error = {"message": "Provider returned error", "metadata": {"raw": raw}}
    return _json("400 Bad Request", {"error": error})


WAYS: dict[str, Callable[[str], tuple[str, bytes, str]]] = {
    "in words": lambda f: _json("400 Bad", {"error": {"message": f"Unknown parameter: '{f}'."}}),
    "in an array": lambda f: _json("400 Bad", [{"error": {"message": f"Unknown name {f!r}"}}]),
    "by param": lambda f: _json("400 Bad", {"error": {"message": "Invalid body", "param": f}}),
    "by place": lambda f: _json("422 No", {"detail": [{"loc": ["body", *f.split(".")]}]}),
    "by violations": lambda f: _json(
        "400 Bad", {"error": {"message": "no", "details": [{"fieldViolations": [{"field": f}]}]}}
    ),
    "nested": by_raw,
    "at the top": lambda f: _json("400 Bad", {"message": f"{f} is not supported"}),
    "in plain text": lambda f: ("400 Bad", f"unknown field: {f}".encode(), "text/plain"),
    "in a title": lambda f: (
        "400 Bad",
        f"<html><title>unknown {f}</title></html>".encode(),
        "text/html",
    ),
    "by another status": lambda f: _json("500 Oops", {"error": f"{f} is not supported"}),
    "in a whole reply": lambda f: _json("200 OK", {"error": {"message": f"unsupported {f}"}}),
}


@pytest.mark.parametrize("said", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("warm_up", [True, False], ids=["warm-up", "first run"])
def test_a_refused_field_is_dropped_once_and_remembered(
    said: Callable[[str], tuple[str, bytes, str]], *, warm_up: bool
) -> None:
    fields = (USAGE, "max_tokens", "temperature")
    with serving(refusing(said, *fields)) as server:
        facts = measure(order_for(server.base_url, runs=3, warm_up=warm_up))
    assert end_of(facts).reason == ""
    runs = runs_of(facts)
    assert [run.error for run in runs] == [None] * 3
    assert runs[0].not_sent == ("continuous_usage_stats", "max_tokens", "temperature")
    assert "refused_temperature" in runs[0].flags
    assert server.requests[-1].body["max_completion_tokens"] == 8
    assert len(server.requests) == len(fields) + 3 + warm_up


def test_a_refusal_that_names_nothing_costs_the_least_usual_field() -> None:
    said = lambda _: _json("400 Bad", {"error": {"message": "Invalid request"}})  # noqa: E731
    with serving(refusing(said, USAGE)) as server:
        facts = measure(order_for(server.base_url, runs=1))
    assert runs_of(facts)[0].not_sent == ("continuous_usage_stats",)
    assert len(server.requests) == 3


def test_what_is_known_to_be_refused_is_not_sent_at_all() -> None:
    with serving(refusing(WAYS["by param"], "temperature")) as server:
        target = {"refused": ("temperature",)}
        facts = measure(order_for(server.base_url, runs=1, warm_up=False, target=target))
    assert [run.error for run in runs_of(facts)] == [None]
    assert len(server.requests) == 1


def test_a_run_that_fails_later_is_not_asked_otherwise() -> None:
    def reply(conversation: Conversation) -> None:
        if conversation.number == 2:
            plain("400 Bad", b'{"error":"temperature is too high today"}')(conversation)
        else:
            a_good_stream(conversation)

    with serving(reply) as server:
        runs = runs_of(measure(order_for(server.base_url, runs=3)))
    assert [bool(run.error) for run in runs] == [False, True, False]
    assert all("temperature" in each.body for each in server.requests)


TOO_LONG = {
    "context": (
        (
            "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens"
            " (7691 in the messages, 512 in the completion)."
        ),
        "longer than the 8,192 tokens that the endpoint takes; shorten the prompt",
    ),
    "reply": (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum"
            " context length is 100 tokens and your request has 95 input tokens (512 > 100 - 95)."
        ),
        "longer than the 100 tokens that the endpoint takes",
    ),
    "while it wrote": (
        "Could not finish the message because max_tokens or model output limit was reached.",
        "longer than the endpoint takes",
    ),
}


@pytest.mark.parametrize(("said", "expected"), TOO_LONG.values(), ids=TOO_LONG)
def test_a_request_that_is_too_long_is_not_sent_again(said: str, expected: str) -> None:
    body = json.dumps({"error": {"message": said, "param": "max_tokens"}}).encode()
    with serving(plain("400 Bad Request", body)) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1, warm_up=False)))
    assert expected in (run.error or "")
    assert run.not_sent == ()
    assert len(server.requests) == 1


def test_what_was_counted_is_not_sent_again() -> None:
    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}})
        conversation.event({"error": {"message": "unsupported temperature"}})
        conversation.end()

    with serving(reply) as server:
        measure(order_for(server.base_url, runs=1, warm_up=False))
    assert len(server.requests) == 1


@pytest.mark.parametrize(("silent_s", "requests"), [(0.0, 3), (1.2, 2)])
def test_only_a_connection_closed_at_once_is_asked_again(silent_s: float, requests: int) -> None:
    def reply(conversation: Conversation) -> None:
        if conversation.number == 1:
            conversation.wait(silent_s)
            raise HangUp
        a_good_stream(conversation)

    with serving(reply) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1)))
    assert len(server.requests) == requests
    assert ("reconnected" in run.flags) is (requests == 3)
