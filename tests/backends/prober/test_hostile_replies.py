"""One odd reply is an error of its own run: the process and the other target go on."""

import asyncio
import json

import pytest

from backends.domain.ab.errors import well_formed
from backends.domain.ab.facts import RunEnded, SeriesEnded
from backends.domain.ab.load import LoadEnded
from backends.domain.ab.run import Run
from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader
from backends.domain.ab.usage import MOST_OUTPUT_TOKENS
from backends.prober.client import run_load, run_series
from backends.prober.protocol import LoadOrder, Target
from tests.backends.domain.ab.chunks import chunk, usage
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    Conversation,
    HangUp,
    Reply,
    a_good_stream,
    end_of,
    measure,
    order_for,
    runs_of,
    serving,
)

DEADLINE_S = 60.0
RUNS = 4
DEEP = "[" * 100_000
DIGITS = "9" * 5000
HALF = "\ud800"  # of a surrogate pair; JSON writes it as an escape


def raw(head: str, body: str = "") -> Reply:
    """Write these bytes and hang up."""

    def reply(conversation: Conversation) -> None:
        conversation.write(head.encode("latin-1") + b"\r\n\r\n" + body.encode())
        raise HangUp

    return reply


def streamed(*events: str, ends: bool = True) -> Reply:
    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        for event in events:
            conversation.event(event)
        if ends:
            conversation.event("[DONE]")
        conversation.end()

    return reply


def sized(status: str, body: str) -> Reply:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return raw(head, body)


def counting(*tokens: object) -> Reply:
    told = [json.dumps(chunk({"content": "x"}))]
    for each in tokens:
        one = chunk({"content": "y"})
        one["usage"] = {"prompt_tokens": 9, "completion_tokens": each}
        told.append(json.dumps(one))
    return streamed(*told)


BEFORE = json.dumps(chunk({"content": "one "}))

HOSTILE: dict[str, tuple[Reply, str]] = {
    "superscript status": (raw("HTTP/1.1 2²0 OK"), "the reply begins with"),
    "status of 5000 digits": (raw(f"HTTP/1.1 {DIGITS} OK"), "the reply begins with"),
    "superscript length": (raw("HTTP/1.1 200 OK\r\ncontent-length: ²"), "content-length is"),
    "length of 5000 digits": (
        raw(f"HTTP/1.1 200 OK\r\ncontent-length: {DIGITS}"),
        "content-length is",
    ),
    "negative length": (raw("HTTP/1.1 200 OK\r\ncontent-length: -5"), "content-length is"),
    "chunk of 5000 digits": (
        raw(CHUNKED_HEAD.decode().strip(), f"{DIGITS[:4000]}\r\nx"),
        "a chunk has the size",
    ),
    "negative chunk": (raw(CHUNKED_HEAD.decode().strip(), "-5\r\nx"), "a chunk has the size"),
    "deep chunk": (streamed(BEFORE, DEEP), "carries what is not JSON"),
    "deep error": (sized("500 Oops", DEEP), "HTTP 500"),
    "deep reply": (sized("200 OK", DEEP), "not a stream"),
    "deep objects": (sized("400 No", '{"error":' * 100_000), "HTTP 400"),
    "number of 5000 digits": (streamed(BEFORE, f'{{"x":{DIGITS}}}'), "carries what is not JSON"),
    "surrogate in error": (
        streamed(BEFORE, json.dumps({"error": {"message": HALF}})),
        "inside the stream: \ufffd",
    ),
    "surrogate in error body": (
        sized("500 Oops", json.dumps({"error": {"message": HALF}})),
        "it says: \ufffd",
    ),
}


INCREDIBLE: dict[str, tuple[Reply, int | None]] = {
    "from 1 to 10^9": (counting(1, 10**9), 1),
    "from 1 to 10^7": (counting(1, 10**7), 1),
    "from 1 to a million at once": (counting(1, MOST_OUTPUT_TOKENS), 1),
    "back from 3 to 2": (counting(3, 2), 3),
    "of 4000 digits": (
        streamed(BEFORE, f'{{"choices":[],"usage":{{"completion_tokens":{DIGITS[:4000]}}}}}'),
        None,
    ),
    "10^9 at the end": (streamed(BEFORE, json.dumps(usage(10**9))), None),
    "a prompt of 10^8": (streamed(BEFORE, json.dumps(usage(2, prompt=10**8))), None),
    "in words": (
        streamed(BEFORE, json.dumps({"choices": [], "usage": {"completion_tokens": "many"}})),
        None,
    ),
}
"""Counts that cannot be, and how many tokens are believed."""


def odd_once(odd: Reply) -> Reply:
    """Answer well but for the second request, which is the first run after the warm-up."""

    def reply(conversation: Conversation) -> None:
        (odd if conversation.number == 1 else a_good_stream)(conversation)

    return reply


async def both(reply: Reply) -> tuple[list[Run], list[Run], SeriesEnded]:
    """Measure an odd target a beside a healthy target b, by the measuring process itself."""
    with serving(odd_once(reply)) as odd, serving(a_good_stream) as healthy:
        order = order_for(odd.base_url, healthy.base_url, runs=RUNS)
        async with asyncio.timeout(DEADLINE_S):
            facts = [fact async for fact in run_series(order)]
    runs = [fact.run for fact in facts if isinstance(fact, RunEnded)]
    last = facts[-1]
    assert isinstance(last, SeriesEnded)
    return (
        sorted((run for run in runs if run.target == "a"), key=lambda run: run.index),
        [run for run in runs if run.target == "b"],
        last,
    )


@pytest.mark.parametrize(("reply", "said"), HOSTILE.values(), ids=HOSTILE)
async def test_an_odd_reply_is_an_error_of_its_run_alone(reply: Reply, said: str) -> None:
    a, b, ended = await both(reply)
    assert ended.reason == ""
    assert a[0].error is not None
    assert said in a[0].error
    assert len(a[0].error) < 500
    assert [run.error for run in a[1:]] == [None] * (RUNS - 1)
    assert [run.error for run in b] == [None] * RUNS
    assert all(run.output_tokens == 3 for run in b)


@pytest.mark.parametrize(
    "reply",
    [
        streamed(json.dumps(chunk({"content": HALF}))),
        streamed(json.dumps(chunk({"content": "x"}, finish=HALF))),
        streamed(json.dumps(chunk({"reasoning": HALF}))),
        streamed(json.dumps(chunk({"content": [{"text": HALF}]}))),
    ],
    ids=["text", "finish reason", "reasoning", "part"],
)
async def test_half_a_letter_becomes_the_replacement_character(reply: Reply) -> None:
    a, b, ended = await both(reply)
    assert ended.reason == ""
    assert [run.error for run in (*a, *b)] == [None] * 2 * RUNS
    assert "\ud800" not in a[0].text + (a[0].finish_reason or "")


def test_halves_beside_each_other_are_their_letter() -> None:
    assert well_formed("a\ud83d\ude00b\ud83d") == "a\U0001f600b\ufffd"


@pytest.mark.parametrize("tokens", [-7, 10**18])
async def test_counts_that_cannot_be_are_not_believed(tokens: int) -> None:
    end = json.dumps({"choices": [], "usage": {"prompt_tokens": tokens, "completion_tokens": -7}})
    a, b, ended = await both(streamed(json.dumps(chunk({"content": "x"}, finish="stop")), end))
    assert ended.reason == ""
    assert (a[0].error, a[0].input_tokens, a[0].output_tokens) == (None, None, None)
    assert [run.error for run in b] == [None] * RUNS


@pytest.mark.parametrize(("reply", "believed"), INCREDIBLE.values(), ids=INCREDIBLE)
async def test_incredible_usage_is_passed_over_with_a_flag(
    reply: Reply, believed: int | None
) -> None:
    a, b, ended = await both(reply)
    assert ended.reason == ""
    assert (a[0].error, a[0].output_tokens) == (None, believed)
    assert len(a[0].itl_s) <= 2
    assert a[0].ttft_s is not None
    assert "usage_refused" in a[0].flags
    assert a[0].cost_usd is None
    assert [run.error for run in b] == [None] * RUNS


@pytest.mark.parametrize("fault", [RecursionError, TypeError, KeyError, OverflowError, MemoryError])
def test_what_nothing_was_written_for_is_an_error_of_that_run(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = ChunkReader.feed

    def feed(self: ChunkReader, at_s: float, event: SseEvent) -> object:
        if b"ODD" in event.data:
            raise fault
        return good(self, at_s, event)

    monkeypatch.setattr(ChunkReader, "feed", feed)
    with serving(odd_once(streamed(BEFORE, "ODD"))) as odd, serving(a_good_stream) as healthy:
        facts = measure(order_for(odd.base_url, healthy.base_url, runs=RUNS))
    errors = [run.error for run in runs_of(facts) if run.error]
    assert errors == [
        f"the reply cannot be understood ({fault.__name__}): see what the endpoint sends with curl"
    ]
    assert len(runs_of(facts)) == 2 * RUNS
    assert end_of(facts).reason == ""


@pytest.mark.parametrize("name", ["deep chunk", "superscript status"])
async def test_a_load_goes_on_after_an_odd_reply(name: str) -> None:
    with serving(odd_once(HOSTILE[name][0])) as server:
        order = LoadOrder(
            Target("a", "x", server.base_url, "m"), "hi", 8, first_rps=20.0, step_s=0.6, max_s=2.0
        )
        async with asyncio.timeout(DEADLINE_S):
            news = [each async for each in run_load(order)]
    last = news[-1]
    assert isinstance(last, LoadEnded)
    assert "measuring process" not in last.reason
    assert len(server.requests) > 3
