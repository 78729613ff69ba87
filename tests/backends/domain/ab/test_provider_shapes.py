"""What real endpoints stream under their own names: text, counts, cost, times and errors."""

from decimal import Decimal
from typing import Any

import pytest

from backends.domain.ab.deltas import read_choice
from backends.domain.ab.provider_cost import provider_cost_of_headers
from backends.domain.ab.server_times import ServerTimes, server_times, server_timing
from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader, without_thoughts_in_tags
from backends.domain.ab.usage import Usage, read_usage
from tests.backends.domain.ab.chunks import chunk, read

# delta, visible text, thought
DELTAS: dict[str, tuple[Any, str, str]] = {
    "a list of parts": (
        {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
        "Hello",
        "",
    ),
    "strings in a list": ({"content": ["Hel", "lo"]}, "Hello", ""),
    "one part": ({"content": {"type": "text", "text": "Hi"}}, "Hi", ""),
    "a thinking part": (
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
        "",
        "Hm",
    ),
    "thought and text parts": (
        {"content": [{"text": "Hm", "thought": True}, {"text": "Hi"}]},
        "Hi",
        "Hm",
    ),
    "a flagged delta": (
        {"content": "Hm", "extra_content": {"google": {"thought": True}}},
        "",
        "Hm",
    ),
    "thinking": ({"thinking": "Hm"}, "", "Hm"),
    "reasoning_text": ({"reasoning_text": "Hm"}, "", "Hm"),
    "thoughts": ({"thoughts": "Hm"}, "", "Hm"),
    "thinkingContent": ({"thinkingContent": "Hm"}, "", "Hm"),
    "details": (
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": None}]},
        "",
        "Hm",
    ),
    "the same under two names": (
        {"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
        "",
        "Hm",
    ),
    "a refusal": ({"content": None, "refusal": "No."}, "No.", ""),
    "spoken": ({"audio": {"transcript": "Hi", "data": "AAAA"}}, "Hi", ""),
    "all null": ({"role": None, "content": None, "reasoning": None, "tool_calls": None}, "", ""),
    "an effort": ({"reasoning_effort": "low", "thought_signature": "c2ln"}, "", ""),
    "a stop reason": ({"content": "", "stop_reason": "x"}, "", ""),
}


@pytest.mark.parametrize(("delta", "visible", "thought"), DELTAS.values(), ids=DELTAS)
def test_text_in_any_form(delta: dict[str, Any], visible: str, thought: str) -> None:
    (piece,) = read((0.1, chunk(delta))).pieces
    assert (piece.content, piece.reasoning) == (visible, thought)
    assert piece.carries is bool(visible or thought)


def test_a_message_that_repeats_the_whole_text_adds_only_what_is_new() -> None:
    def whole(text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        return {"choices": [{"index": 0, "message": message, "finish_reason": None}]}

    reader = read((0.1, whole("Hel")), (0.2, whole("Hello")), (0.3, whole("Hello")))
    assert [piece.content for piece in reader.pieces] == ["Hel", "lo", ""]
    reader = read((0.1, chunk({"content": "Hello"})), (0.2, whole("Hello")))
    assert [piece.carries for piece in reader.pieces] == [True, False]


@pytest.mark.parametrize(
    ("contents", "visible", "thought"),
    [
        (
            ["<thi", "nk>Hm", "</thi", "nk>\n\n", "Hi"],
            ["", "", "", "", "Hi"],
            "<think>Hm</think>\n\n",
        ),
        (["<thought>Hm</thought>Hi"], ["Hi"], "<thought>Hm</thought>"),
        (["Hm", "</think>", "Hi"], ["", "", "Hi"], "Hm</think>"),
        (["<think>", "cut"], ["", ""], "<think>cut"),
        (["[THINK]Hm[/THINK] Hi"], ["Hi"], "[THINK]Hm[/THINK] "),
        (["<thing> Hi"], ["<thing> Hi"], ""),
        (["about <think>"], ["about <think>"], ""),
    ],
)
def test_thoughts_in_tags_are_no_visible_text(
    contents: list[str], visible: list[str], thought: str
) -> None:
    reader = read(*((0.1, chunk({"content": each})) for each in contents))
    pieces = without_thoughts_in_tags(reader.pieces)
    assert [piece.content for piece in pieces] == visible
    assert "".join(piece.reasoning for piece in pieces) == thought
    assert [piece.carries for piece in pieces] == [True] * len(pieces)


NOTES: dict[str, tuple[str, str]] = {
    "filter results": ("", '{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}'),
    "null choices": ("", '{"id":"x","choices":null,"usage":null}'),
    "null": ("", "null"),
    "nothing": ("", ""),
    "an empty object": ("", "{}"),
    "ping": ("ping", '{"type":"ping"}'),
    "a word": ("", "keep-alive"),
    "brackets": ("", "[PING]"),
    "progress": ("", '{"status":"processing","progress":0.5}'),
    "words of progress": ("progress", "12 %"),
    "a number": ("", "1"),
}


@pytest.mark.parametrize(("name", "data"), NOTES.values(), ids=NOTES)
def test_notes_are_neither_tokens_nor_errors(name: str, data: str) -> None:
    reader = ChunkReader()
    assert reader.feed(0.1, SseEvent(data.encode(), name)) is None
    assert (reader.pieces, reader.error, reader.done) == ([], None, False)


@pytest.mark.parametrize(
    ("data", "said"),
    [('{"message":"no room"}', "no room"), ("no room", "no room"), ('"no room"', "no room")],
)
def test_an_event_named_error_is_one_in_any_words(data: str, said: str) -> None:
    reader = ChunkReader()
    reader.feed(0.1, SseEvent(data.encode(), "error"))
    assert reader.error == f"the endpoint reported inside the stream: {said}"


def test_the_responses_api_is_read() -> None:
    usage = {
        "input_tokens": 9,
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 1},
    }
    reader = read(
        (0.1, {"type": "response.created", "response": {"model": "m-1", "status": "in_progress"}}),
        (0.2, {"type": "response.reasoning_summary_text.delta", "delta": "Hm"}),
        (0.3, {"type": "response.output_text.delta", "delta": "Hi"}),
        (0.4, {"type": "response.output_text.done", "text": "Hi"}),
        (0.5, {"type": "response.incomplete", "response": {"model": "m-1", "usage": usage}}),
    )
    read_pieces = [(piece.content, piece.reasoning) for piece in reader.pieces if piece.carries]
    assert read_pieces == [("", "Hm"), ("Hi", "")]
    assert (reader.finish_reason, reader.done, reader.model) == ("length", True, "m-1")
    assert reader.usage == Usage(9, 3, 1, None)


def test_the_messages_api_is_read_with_the_prompt_counted_at_its_beginning() -> None:
    begun = {"model": "m-1", "usage": {"input_tokens": 9, "output_tokens": 1}}
    reader = read(
        (0.1, {"type": "message_start", "message": begun}),
        (
            0.2,
            {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "H"}},
        ),
        (0.3, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}),
        (0.4, {"type": "content_block_delta", "delta": {"partial_json": "{"}}),
        (0.5, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        (0.6, {"type": "message_stop", "usage": {"output_tokens": 3}}),
    )
    found = [(piece.content, piece.reasoning, piece.called) for piece in reader.pieces[:3]]
    assert found == [("", "H", False), ("Hi", "", False), ("", "", True)]
    assert (reader.finish_reason, reader.done, reader.model) == ("end_turn", True, "m-1")
    assert read((0.1, {"message": begun}), (0.2, {"usage": {"output_tokens": 3}})).usage == Usage(
        9, 3, None, None
    )


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        (None, "length"),
        ({"reason": "max_output_tokens"}, "length"),
        ({"reason": "content_filter"}, "content_filter"),
    ],
)
def test_an_incomplete_response_says_why(details: object, reason: str) -> None:
    response = {"model": "m-1", "incomplete_details": details}
    reader = read((0.1, {"type": "response.incomplete", "response": response}))
    assert reader.finish_reason == reason


COUNTS = {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28}

PLACES: dict[str, dict[str, Any]] = {
    "same chunk": {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": COUNTS},
    "top level": {"choices": [], **COUNTS},
    "in the choice": {"choices": [{"delta": {}, "usage": COUNTS}]},
    "in the delta": {"choices": [{"delta": {"usage": COUNTS}}]},
    "under a vendor's key": {
        "choices": [],
        "usage": None,
        "x_vendor": {"id": "r", "usage": COUNTS},
    },
    "deep under a vendor's key": {"choices": [], "x": {"metrics": {"token_usage": COUNTS}}},
    "beside what is billed": {
        "choices": [],
        "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 8}, "tokens": COUNTS},
    },
    "without choices": {"type": "usage", "usage": COUNTS},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_usage_wherever_it_stands(place: dict[str, Any]) -> None:
    assert read((0.1, chunk({"content": "x"})), (0.2, place)).usage == Usage(20, 8, None, None)


def test_usage_in_a_frame_after_the_end_counts_where_none_came_before() -> None:
    late = {"choices": [], "usage": COUNTS}
    assert read((0.1, chunk({"content": "x"})), (0.2, "[DONE]"), (0.3, late)).usage is not None
    again = {"choices": [], "usage": {**COUNTS, "completion_tokens": 999}}
    reader = read((0.1, late), (0.2, "[DONE]"), (0.3, again), (0.4, "garbage {"))
    assert (reader.usage, reader.error) == (Usage(20, 8, None, None), None)


SUMS: dict[str, tuple[dict[str, Any], Usage]] = {
    "reasoning outside, inside the total": (
        {
            "prompt_tokens": 20,
            "completion_tokens": 8,
            "total_tokens": 128,
            "completion_tokens_details": {"reasoning_tokens": 100},
        },
        Usage(20, 108, 100, None),
    ),
    "reasoning only in the total": (
        {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 128},
        Usage(20, 108, 100, None),
    ),
    "reasoning inside, as OpenAI's": (
        {
            "prompt_tokens": 20,
            "completion_tokens": 108,
            "total_tokens": 128,
            "completion_tokens_details": {"reasoning_tokens": 100},
        },
        Usage(20, 108, 100, None),
    ),
    "more reasoning than completion": (
        {"prompt_tokens": 20, "completion_tokens": 8, "reasoning_tokens": 100},
        Usage(20, 108, 100, None),
    ),
    "Gemini's own": (
        {
            "promptTokenCount": 20,
            "candidatesTokenCount": 8,
            "thoughtsTokenCount": 100,
            "totalTokenCount": 128,
            "cachedContentTokenCount": 16,
        },
        Usage(20, 108, 100, 16),
    ),
    "only a total": ({"prompt_tokens": 20, "total_tokens": 28}, Usage(20, 8, None, None)),
    "digits": ({"prompt_tokens": "20", "completion_tokens": "8"}, Usage(20, 8, None, None)),
    "floats": ({"prompt_tokens": 20.0, "completion_tokens": 8.0}, Usage(20, 8, None, None)),
    "DeepSeek's cache": (
        {**COUNTS, "prompt_cache_hit_tokens": 16, "prompt_cache_miss_tokens": 4},
        Usage(20, 8, None, 16),
    ),
    "cached beside the prompt": ({**COUNTS, "cached_tokens": 16}, Usage(20, 8, None, 16)),
    "num_cached_tokens": ({**COUNTS, "num_cached_tokens": 16}, Usage(20, 8, None, 16)),
    "Anthropic's own, cache apart": (
        {"input_tokens": 4, "cache_read_input_tokens": 16, "output_tokens": 8},
        Usage(20, 8, None, 16),
    ),
    "the cache apart by the total": (
        {
            "inputTokens": 4,
            "outputTokens": 8,
            "cacheReadInputTokens": 10,
            "cacheWriteInputTokens": 6,
            "totalTokens": 28,
        },
        Usage(20, 8, None, 10),
    ),
    "parts of the details": (
        {
            **COUNTS,
            "prompt_tokens_details": {"audio_tokens": 0, "text_tokens": 20, "cached_tokens": 0},
            "completion_tokens_details": {"rejected_prediction_tokens": 3},
        },
        Usage(20, 8, None, 0),
    ),
    "rates beside counts": (
        {**COUNTS, "completion_tokens_per_sec": 110, "max_tokens": 200},
        Usage(20, 8, None, None),
    ),
}


@pytest.mark.parametrize(("usage", "expected"), SUMS.values(), ids=SUMS)
def test_sums_that_are_not_openais(usage: dict[str, Any], expected: Usage) -> None:
    assert read_usage(usage) == expected


COSTS: dict[str, tuple[dict[str, Any], str | None]] = {
    "number": ({"usage": {**COUNTS, "cost": 0.00042}}, "0.00042"),
    "tiny number": ({"usage": {**COUNTS, "cost": 4.2e-07}}, "0.00000042"),
    "string": ({"usage": {**COUNTS, "cost": "0.00042"}}, "0.00042"),
    "dollars": ({"usage": {**COUNTS, "total_cost": "$0.00042"}}, "0.00042"),
    "estimated": ({"usage": {**COUNTS, "estimated_cost": 0.00042}}, "0.00042"),
    "object": (
        {"usage": {**COUNTS, "cost": {"input_tokens_cost": 0.0001, "total_cost": 0.00042}}},
        "0.00042",
    ),
    "object in dollars": (
        {"usage": {**COUNTS, "cost": {"amount": "0.00042", "currency": "USD"}}},
        "0.00042",
    ),
    "ticks": ({"usage": {**COUNTS, "cost_in_usd_ticks": 4_200_000}}, "0.00042"),
    "under a vendor's key": ({"x_vendor": {"request": {"cost_usd": 0.00042}}}, "0.00042"),
    "free": ({"usage": {**COUNTS, "cost": 0}}, "0"),
    "other currency": ({"usage": {"cost": {"amount": 3, "currency": "EUR"}}}, None),
    "a balance": ({"account": {"cost": 12.5}, "x": {"cost_remaining": 3}}, None),
    "of the month": ({"usage": {**COUNTS, "monthly_cost": 12.5, "cost_per_token": 0.1}}, None),
    "parts only": ({"usage": {"cost_details": {"upstream_inference_cost": 0.1}}}, None),
    "four levels below": ({"a": {"b": {"c": {"d": {"cost": 0.1}}}}}, "0.1"),
    "five levels below": ({"a": {"b": {"c": {"d": {"e": {"cost": 0.1}}}}}}, None),
    "negative": ({"usage": {**COUNTS, "cost": -1}}, None),
    "absurd": ({"usage": {**COUNTS, "cost": 1e9}}, None),
    "no number": ({"usage": {**COUNTS, "cost": float("nan")}}, None),
    "infinite": ({"usage": {**COUNTS, "cost": float("inf")}}, None),
    "words": ({"usage": {**COUNTS, "cost": "cheap"}}, None),
}


@pytest.mark.parametrize(("chunk_", "usd"), COSTS.values(), ids=COSTS)
def test_the_providers_own_cost(chunk_: dict[str, Any], usd: str | None) -> None:
    reader = read((0.1, {"choices": [], **chunk_}))
    assert reader.cost_usd == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("fields", "usd"),
    [
        ({"x-litellm-response-cost": "0.00042", "x-litellm-key-spend": "7.5"}, "0.00042"),
        ({"x-litellm-key-spend": "7.5"}, None),
        ({"x-litellm-response-cost-original": "0.1", "x-cost-limit": "3"}, None),
        ({"x-request-cost-usd": "4.2e-4"}, "0.00042"),
    ],
)
def test_cost_in_header_fields(fields: dict[str, str], usd: str | None) -> None:
    assert provider_cost_of_headers(fields) == (None if usd is None else Decimal(usd))


def test_the_servers_own_times() -> None:
    groq = {
        "x_groq": {"usage": {"queue_time": 0.03, "prompt_time": 0.004, "completion_time": 0.08}}
    }
    assert server_times(groq) == ServerTimes(0.03, 0.004, 0.08, 0.034)
    assert server_times({"usage": {"time_to_first_token": 0.07}}) == ServerTimes(ttft_s=0.07)
    assert server_times({"prefill-duration-ms": "12"}) == ServerTimes(prompt_s=0.012, ttft_s=0.012)
    timing = server_timing("queue;dur=12.5, prefill;desc=x;dur=100")
    assert server_times(timing) == ServerTimes(queue_s=0.0125, prompt_s=0.1, ttft_s=0.1125)
    assert server_times({"queue_time": -1, "prompt_time": "soon", "created": 17}) is None


def test_which_model_and_provider_answered() -> None:
    reader = read(
        (0.1, {"model": "", "choices": [], "prompt_filter_results": []}),
        (0.2, {"model": "m-2026", "provider": "DeepInfra", **chunk({"content": "x"})}),
    )
    assert (reader.model, reader.provider) == ("m-2026", "DeepInfra")


def test_a_flag_is_looked_for_in_a_bounded_depth() -> None:
    flagged: object = {"thought": True}
    for _ in range(20_000):
        flagged = {"x": flagged}
    read = read_choice({"delta": {"content": "Hi", "extra": flagged}})
    assert (read.content, read.reasoning) == ("Hi", "")


@pytest.mark.parametrize(("levels", "is_thought"), [(5, True), (6, False)])
def test_the_flag_of_a_thought_is_looked_for_within_five_levels(
    levels: int, *, is_thought: bool
) -> None:
    flag: dict[str, Any] = {"thought": True}
    for _ in range(levels):
        flag = {"extra": flag}
    (piece,) = read((0.1, chunk({"content": "Hm", **flag}))).pieces
    assert bool(piece.reasoning) is is_thought
