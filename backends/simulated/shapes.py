"""Shapes that real endpoints answer in, each a mode with the result that it must be read as."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Chunk = Mapping[str, Any] | str
"""An event's document, or what stands there instead of one."""

COUNTS = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
WORDS = ("one ", "two ", "three ", "four ")
TEXT = "".join(WORDS)
DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that is no stream."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def payload(self) -> bytes:
        """The body as bytes."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Golden:
    """What a run of this shape must be read as; None for what the endpoint does not say."""

    error: str = ""
    text: str = TEXT
    output_tokens: int | None = 4
    input_tokens: int | None = 20
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    provider_cost_usd: str | None = None
    answered_model: str | None = "m-1"
    answered_provider: str | None = None
    server_ttft_s: float | None = None
    waited_for: str = ""
    cold: bool = False
    not_sent: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """One mode.

    Attributes:
        about: what it is, with a provider that is known for it.
        events: of the stream, in order.
        refuses: the first requests of a client get this instead, `times` of them; always at -1.
        untaken: a request that has this field gets `refuses`, however often.
        headers: of the stream.
    """

    about: str
    events: Sequence[Chunk] = ()
    golden: Golden = Golden()
    refuses: Refusal | None = None
    times: int = 0
    untaken: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "model": "m-1",
        "choices": [choice],
        **more,
    }


_WORDS = tuple([{"content": word} for word in WORDS])


def _stream(
    *before: Chunk,
    texts: Sequence[Mapping[str, Any]] = _WORDS,
    end: Sequence[Chunk] | None = None,
    **more: Any,
) -> tuple[Chunk, ...]:
    role = _chunk({"role": "assistant", "content": ""}, **more)
    usage: Chunk = {**_chunk({}), "choices": [], "usage": COUNTS}
    return (
        *before,
        role,
        *(_chunk(text, **more) for text in texts),
        *((_chunk({}, "stop"), usage, DONE) if end is None else end),
    )


def _ended(usage: Any = None, **more: Any) -> tuple[Chunk, ...]:
    """The end with everything in the last chunk."""
    counted = {} if usage is None else {"usage": usage}
    return (_chunk({}, "stop", **counted, **more), DONE)


def _untaken(field_name: str, refusal: Refusal, **golden: Any) -> Shape:
    return Shape(
        f"refuses {field_name}",
        _stream(),
        Golden(**golden),
        refusal,
        untaken=field_name,
    )


_OPTION = "stream_options.continuous_usage_stats"
_LEFT_OUT = ("continuous_usage_stats",)
_REASONED = {**COUNTS, "completion_tokens": 6, "total_tokens": 26}
_PARTS = ({"content": [{"type": "text", "text": word}]} for word in WORDS)
_THOUGHT = ({"reasoning": "Hm "}, {"reasoning": "yes "}, *({"content": word} for word in WORDS))
_LOADING = {"error": "Model m is currently loading", "estimated_time": 0.2}

SHAPES: Mapping[str, Shape] = {
    "plain": Shape("OpenAI's own stream", _stream()),
    "parts": Shape("content as a list of parts (Mistral)", _stream(texts=tuple(_PARTS))),
    "reasoning": Shape(
        "reasoning beside content (vLLM, OpenRouter)",
        _stream(texts=_THOUGHT, end=_ended(_REASONED)),
        Golden(output_tokens=6),
    ),
    "thinking-parts": Shape(
        "thoughts as parts (Mistral)",
        _stream(
            texts=(
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
                *({"content": word} for word in WORDS),
            ),
            end=_ended({**COUNTS, "completion_tokens": 5}),
        ),
        Golden(output_tokens=5),
    ),
    "flagged-thought": Shape(
        "thoughts flagged beside the text (Gemini)",
        _stream(
            texts=(
                {"content": "Hm", "extra_content": {"google": {"thought": True}}},
                *({"content": word} for word in WORDS),
            ),
            end=_ended({**COUNTS, "total_tokens": 25}),
        ),
        Golden(output_tokens=5, reasoning_tokens=1),
    ),
    "tagged-thought": Shape(
        "thoughts in tags (DeepSeek's distilled models)",
        _stream(
            texts=({"content": "<think>Hm"}, {"content": "</think>\n\n"}, {"content": TEXT}),
            end=_ended({**COUNTS, "completion_tokens": 8}),
        ),
        Golden(output_tokens=8, flags=("tokens_shared_by_text",)),
    ),
    "filter-first": Shape(
        "filter results before any text (Azure)",
        _stream({"model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
    ),
    "keep-alive": Shape(
        "comments, pings and progress (OpenRouter, queues)",
        _stream("ping", {"status": "processing", "progress": 0.4}, {"type": "ping"}),
    ),
    "nulls": Shape(
        "null in place of what is missing",
        _stream({"id": "c1", "choices": None, "usage": None}, usage=None),
    ),
    "usage-in-last": Shape("usage in the last chunk (Cerebras)", _stream(end=_ended(COUNTS))),
    "usage-vendor": Shape(
        "usage and times under a vendor's key (Groq)",
        _stream(
            end=_ended(
                x_groq={"usage": {**COUNTS, "queue_time": 0.031, "prompt_time": 0.004}},
            )
        ),
        Golden(server_ttft_s=0.035),
    ),
    "usage-in-choice": Shape(
        "usage inside the choice (Moonshot)",
        _stream(
            end=(
                {
                    "model": "m-1",
                    "choices": [{"delta": {}, "finish_reason": "stop", "usage": COUNTS}],
                },
                DONE,
            )
        ),
    ),
    "usage-late": Shape(
        "usage in a frame after the end",
        _stream(end=(_chunk({}, "stop"), DONE, {"choices": [], "usage": COUNTS})),
    ),
    "usage-none": Shape(
        "no usage at all",
        _stream(end=_ended()),
        Golden(output_tokens=None, input_tokens=None, flags=("no_usage",)),
    ),
    "usage-absurd": Shape(
        "usage that cannot be",
        _stream(end=_ended({"prompt_tokens": -3, "completion_tokens": 10**9})),
        Golden(output_tokens=None, input_tokens=None, flags=("no_usage", "usage_refused")),
    ),
    "reasoning-apart": Shape(
        "reasoning outside completion_tokens, inside the total (xAI, Gemini)",
        _stream(
            end=_ended(
                {
                    **COUNTS,
                    "total_tokens": 34,
                    "completion_tokens_details": {"reasoning_tokens": 10},
                }
            )
        ),
        Golden(output_tokens=14, reasoning_tokens=10, flags=("tokens_shared_by_text",)),
    ),
    "cached": Shape(
        "cached tokens under another name (DeepSeek)",
        _stream(end=_ended({**COUNTS, "prompt_cache_hit_tokens": 16})),
        Golden(cached_tokens=16),
    ),
    "cost": Shape(
        "its own cost and the provider behind it (OpenRouter)",
        _stream(provider="DeepInfra", end=_ended({**COUNTS, "cost": 0.00042})),
        Golden(provider_cost_usd="0.00042", answered_provider="DeepInfra"),
    ),
    "cost-ticks": Shape(
        "its own cost in ticks (xAI)",
        _stream(end=_ended({**COUNTS, "cost_in_usd_ticks": 4_200_000})),
        Golden(provider_cost_usd="0.00042"),
    ),
    "cost-object": Shape(
        "its own cost taken apart (Perplexity)",
        _stream(end=_ended({**COUNTS, "cost": {"request_cost": 0.0004, "total_cost": 0.00042}})),
        Golden(provider_cost_usd="0.00042"),
    ),
    "cost-header": Shape(
        "its own cost in a header field, beside the key's whole spend (LiteLLM)",
        _stream(),
        Golden(provider_cost_usd="0.00042"),
        headers={"x_litellm_response_cost": "0.00042", "x_litellm_key_spend": "7.5"},
    ),
    "error-in-stream": Shape(
        "an error in the middle (OpenRouter)",
        (
            _chunk({"content": "one "}),
            {**_chunk({}, "error"), "error": {"code": 502, "message": "Provider disconnected"}},
        ),
        Golden("inside the stream: Provider disconnected", "one ", None, None, flags=("no_usage",)),
    ),
    "rate-limit": Shape(
        "429 with Retry-After before the first request",
        _stream(),
        Golden(waited_for="limited"),
        Refusal(429, {"error": {"message": "slow down"}}, {"retry_after_ms": "200"}),
        times=1,
    ),
    "cold-503": Shape(
        "503 while a replica starts (Hugging Face)",
        _stream(),
        Golden(waited_for="unavailable", cold=True),
        Refusal(503, {"error": "503 Service Unavailable"}, {"retry_after": "0.2"}),
        times=2,
    ),
    "cold-loading": Shape(
        "500 with the words that the model loads",
        _stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(500, _LOADING),
        times=1,
    ),
    "cold-202": Shape(
        "202 before there is a reply",
        _stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(202, {"status": "starting"}, {"retry_after": "0.2"}),
        times=1,
    ),
    "cold-303": Shape(
        "303 to where the reply will be (Modal)",
        _stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(303, "", {"location": "/cold-303/v1/chat/completions?later=1"}),
        times=1,
    ),
    "cold-queue": Shape(
        "200 with a place in a queue (RunPod)",
        _stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(200, {"id": "sync-1", "status": "IN_QUEUE"}),
        times=1,
    ),
    "refuses-by-words": _untaken(
        "temperature",
        Refusal(400, {"error": {"message": "Unsupported value: 'temperature'"}}),
        not_sent=("temperature",),
        flags=("refused_temperature",),
    ),
    "refuses-in-array": _untaken(
        _OPTION,
        Refusal(400, [{"error": {"message": 'Unknown name "continuous_usage_stats"'}}]),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-param": _untaken(
        _OPTION,
        Refusal(400, {"error": {"message": "Invalid request body", "param": _OPTION}}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-place": _untaken(
        _OPTION,
        Refusal(422, {"detail": [{"loc": ["body", *_OPTION.split(".")], "msg": "extra"}]}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-in-text": _untaken(
        _OPTION,
        Refusal(400, "unknown field: continuous_usage_stats", content_type="text/plain"),
        not_sent=_LEFT_OUT,
    ),
    "no-key": Shape(
        "401 with the cause at the top",
        golden=Golden("HTTP 401.*missing api-key header", "", None, None, answered_model=None),
        refuses=Refusal(401, {"message": "missing api-key header"}),
        times=-1,
    ),
    "web-page": Shape(
        "502 with a web page",
        golden=Golden("it says: 502 Bad Gateway", "", None, None, answered_model=None),
        refuses=Refusal(
            502, "<html><head><title>502 Bad Gateway</title></head></html>", {}, "text/html"
        ),
        times=-1,
    ),
    "nested-error": Shape(
        "400 with the cause behind a gateway (OpenRouter)",
        golden=Golden(
            "Provider returned error: too long",
            "",
            None,
            None,
            answered_model=None,
            not_sent=_LEFT_OUT,
        ),
        refuses=Refusal(
            400,
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": '{"error":{"message":"too long"}}'},
                }
            },
        ),
        times=-1,
    ),
}
