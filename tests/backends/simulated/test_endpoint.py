"""The simulated serverless endpoint: how fast it answers, and how it misbehaves."""

import http.client
import json
import statistics
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from backends.simulated.endpoint import first_token_delays
from tests.backends.simulated.conftest import Program, ask, events, until

Run = Callable[..., Program]
CHAT = {
    "model": "openai-gpt-oss-120b",
    "messages": [{"role": "user", "content": "Why?"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": 20,
}


def port_of(endpoint: Program) -> int:
    until(lambda: "\n" in endpoint.output, "the port")
    return int(endpoint.output.splitlines()[0])


def start(run: Run, *arguments: str, **environment: str) -> int:
    words = ["--port", "0", "--speed", "100", *arguments]
    return port_of(run("backends.simulated.endpoint", *words, **environment))


def chat(port: int, **changes: Any) -> tuple[int, str]:
    return ask(port, "POST", "/v1/chat/completions", CHAT | changes)


def test_times_to_first_token_are_spread_as_published() -> None:
    twenty = list(islice(first_token_delays(1293), 20))
    assert statistics.median(twenty) == pytest.approx(0.546, abs=0.01)
    assert min(twenty) == pytest.approx(0.446, abs=0.02)
    assert max(twenty) == pytest.approx(1.3, abs=0.05)
    many = list(islice(first_token_delays(1), 5000))
    assert statistics.median(many) == pytest.approx(0.546, abs=0.01)
    assert 0.446 < min(many) < max(many) <= 1.3


def test_the_same_seed_gives_the_same_times() -> None:
    assert list(islice(first_token_delays(3), 9)) == list(islice(first_token_delays(3), 9))
    assert list(islice(first_token_delays(3), 9)) != list(islice(first_token_delays(4), 9))


def test_it_streams_and_says_what_it_used(run: Run) -> None:
    status, text = chat(start(run))
    *chunks, usage, done = events(text)
    assert (status, done) == (200, "[DONE]")
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert usage["usage"]["completion_tokens"] == len(chunks) - 1 == 20
    assert usage["choices"] == []


def test_whole_answers_too(run: Run) -> None:
    document = json.loads(chat(start(run), stream=False)[1])
    assert document["usage"]["completion_tokens"] == 20
    assert len(document["choices"][0]["message"]["content"].split()) == 20


def test_the_key(run: Run) -> None:
    port = start(run, SIMULATED_API_KEY="secret")
    assert chat(port)[0] == 401
    authorized = {"Authorization": "Bearer secret"}
    assert ask(port, "POST", "/v1/chat/completions", CHAT, **authorized)[0] == 200


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_refusals_have_a_message(run: Run, status: int) -> None:
    answer = chat(start(run, "--misbehave", str(status)))
    assert answer[0] == status
    assert json.loads(answer[1])["error"]["message"]


def test_misbehaviour_by_name_of_the_model(run: Run) -> None:
    port = start(run)
    status, text = chat(port, model="any-html")
    assert (status, text[:6]) == (502, "<html>")
    assert '"usage":' not in chat(port, model="any-no-usage")[1]
    late = events(chat(port, model="any-role-late")[1])
    assert late[0]["choices"][0]["delta"]["content"] == ""
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        chat(port, model="any-cut")
    with pytest.raises(TimeoutError):
        http_silent(port)
    assert chat(port)[0] == 200


def http_silent(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.3)
    body = json.dumps(CHAT | {"model": "any-silent"})
    connection.request("POST", "/v1/chat/completions", body)
    try:
        connection.getresponse()
    finally:
        connection.close()


def test_it_ends_when_told(run: Run) -> None:
    endpoint = run("backends.simulated.endpoint", "--port", "0")
    port_of(endpoint)
    endpoint.process.terminate()
    assert endpoint.exit_code() == 0
