"""An endpoint that sends the key back, in every place that a report quotes from."""

import json
from pathlib import Path

import pytest

from backends.domain.ab.facts import TextArrived
from backends.domain.redaction import KNOWN_KEY_HIDDEN, SHORTEST_PIECE
from backends.history.history import open_history
from backends.history.records import SeriesRecord
from tests.backends.domain.ab.chunks import chunk
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    Reply,
    end_of,
    measure,
    order_for,
    plain,
    runs_of,
    serving,
)

KEY = "vk-7Qm2Zr9TxB4nLw8YcE5uJd1HsKf6GvPa0oXiRb3MeNtUq5Z"
FAR = "x" * 280
"""So far into an error message that a quote of 300 characters ends within the key."""


def raw(data: bytes) -> Reply:
    def reply(conversation: Conversation) -> None:
        conversation.write(data)
        conversation.end()

    return reply


def streamed(*events: str) -> Reply:
    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        for event in events:
            conversation.event(event)
            conversation.wait(0.06)
        conversation.event("[DONE]")
        conversation.end()

    return reply


def error_of(message: str) -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


def told(**choice: object) -> str:
    return json.dumps({"choices": [{"index": 0, **choice}]})


ECHOES: dict[str, Reply] = {
    "error message longer than the quote": plain("500 Broken", error_of(FAR + KEY)),
    "error message with escapes": plain(
        "500 Broken", error_of(FAR + KEY).replace(b"vk-", b"\\u0076k-")
    ),
    "error in a reply of 200": plain("200 OK", error_of(FAR + KEY)),
    "error inside the stream": streamed(error_of(FAR + KEY).decode()),
    "no JSON": streamed("x" * 80 + KEY),
    "first line": raw(f"HTTP/1.1 {'x' * 30}{KEY}\r\n\r\n".encode()),
    "content-length": raw(f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode()),
    "content type": raw(
        f"HTTP/1.1 200 OK\r\nContent-Type: {KEY}\r\nContent-Length: 2\r\n\r\nhi".encode()
    ),
    "content encoding": raw(
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {KEY}\r\nContent-Length: 2\r\n\r\nhi".encode()
    ),
    "location": raw(
        f"HTTP/1.1 307 Away\r\nLocation: http://x/{KEY}\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "retry-after": raw(
        f"HTTP/1.1 429 Slow\r\nRetry-After: {KEY}\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "reason": raw(f"HTTP/1.1 500 {KEY}\r\nContent-Length: 0\r\n\r\n".encode()),
    "finish_reason": streamed(told(delta={"content": "x"}, finish_reason=KEY)),
    "a piece as finish_reason": streamed(told(delta={"content": "x"}, finish_reason=KEY[5:30])),
    "id and model": streamed(
        json.dumps({"id": KEY, "model": KEY, **chunk({"content": "x"}, finish="stop")})
    ),
    "text in two deltas": streamed(
        told(delta={"content": f"is {KEY[:20]}"}), told(delta={"content": f"{KEY[20:]}?"})
    ),
    "reasoning in two deltas": streamed(
        told(delta={"reasoning": f"is {KEY[:20]}"}), told(delta={"reasoning": f"{KEY[20:]}?"})
    ),
    "a tail of the key in the text": streamed(told(delta={"content": f"ends in {KEY[-12:]}"})),
}


def shows_a_piece(text: str) -> bool:
    return any(KEY[at : at + SHORTEST_PIECE] in text for at in range(len(KEY) - SHORTEST_PIECE + 1))


@pytest.mark.parametrize("reply", ECHOES.values(), ids=ECHOES)
def test_no_piece_of_an_echoed_key_is_told(reply: Reply) -> None:
    with serving(reply) as server:
        facts = measure(order_for(server.base_url, runs=2, target={"api_key": KEY}, warm_up=False))
    assert runs_of(facts) or end_of(facts).reason
    assert not shows_a_piece(repr(facts))
    for reasoning in (True, False):
        texts = [
            fact.text
            for fact in facts
            if isinstance(fact, TextArrived) and fact.reasoning is reasoning
        ]
        assert not shows_a_piece("".join(texts))


@pytest.mark.parametrize(
    "place", ["error message longer than the quote", "no JSON", "first line", "reason"]
)
def test_of_a_quote_that_ends_within_the_key_nothing_of_it_stays(place: str) -> None:
    with serving(ECHOES[place]) as server:
        facts = measure(order_for(server.base_url, runs=1, target={"api_key": KEY}, warm_up=False))
    (run,) = runs_of(facts)
    assert KEY[:4] not in str(run.error)
    assert KNOWN_KEY_HIDDEN in str(run.error)


def test_an_echoed_key_is_not_stored(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with serving(ECHOES["finish_reason"]) as server:
        facts = measure(order_for(server.base_url, runs=1, target={"api_key": KEY}, warm_up=False))
    history = open_history(file)
    history.add_series(SeriesRecord("s", 1.0, (("a", "x"),), "0" * 64, {}))
    for run in runs_of(facts):
        history.add_run("s", run)
    history.close()
    assert not shows_a_piece(file.read_bytes().decode("latin-1"))
