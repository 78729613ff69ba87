"""Shapes that real endpoints answer in, each a mode with the result that it must be read as."""

from collections.abc import Mapping

from backends.simulated.shape import (
    COUNTS,
    DONE,
    TEXT,
    WORDS,
    Golden,
    Refusal,
    Shape,
    chunk,
    ended,
    stream,
    untaken,
)
from backends.simulated.wire_shapes import WIRE_SHAPES

_OPTION = "stream_options.continuous_usage_stats"
_LEFT_OUT = ("continuous_usage_stats",)
_REASONED = {**COUNTS, "completion_tokens": 6, "total_tokens": 26}
_PARTS = ({"content": [{"type": "text", "text": word}]} for word in WORDS)
_THOUGHT = ({"reasoning": "Hm "}, {"reasoning": "yes "}, *({"content": word} for word in WORDS))
_LOADING = {"error": "Model m is currently loading", "estimated_time": 0.2}

SHAPES: Mapping[str, Shape] = {
    "plain": Shape("OpenAI's own stream", stream()),
    "parts": Shape("content as a list of parts (Mistral)", stream(texts=tuple(_PARTS))),
    "reasoning": Shape(
        "reasoning beside content (vLLM, OpenRouter)",
        stream(texts=_THOUGHT, end=ended(_REASONED)),
        Golden(output_tokens=6),
    ),
    "thinking-parts": Shape(
        "thoughts as parts (Mistral)",
        stream(
            texts=(
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
                *({"content": word} for word in WORDS),
            ),
            end=ended({**COUNTS, "completion_tokens": 5}),
        ),
        Golden(output_tokens=5),
    ),
    "flagged-thought": Shape(
        "thoughts flagged beside the text (Gemini)",
        stream(
            texts=(
                {"content": "Hm", "extra_content": {"google": {"thought": True}}},
                *({"content": word} for word in WORDS),
            ),
            end=ended({**COUNTS, "total_tokens": 25}),
        ),
        Golden(output_tokens=5, reasoning_tokens=1),
    ),
    "tagged-thought": Shape(
        "thoughts in tags (DeepSeek's distilled models)",
        stream(
            texts=({"content": "<think>Hm"}, {"content": "</think>\n\n"}, {"content": TEXT}),
            end=ended({**COUNTS, "completion_tokens": 8}),
        ),
        Golden(output_tokens=8, flags=("tokens_shared_by_text",)),
    ),
    "filter-first": Shape(
        "filter results before any text (Azure)",
        stream({"model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
    ),
    "keep-alive": Shape(
        "comments, pings and progress (OpenRouter, queues)",
        stream("ping", {"status": "processing", "progress": 0.4}, {"type": "ping"}),
    ),
    "nulls": Shape(
        "null in place of what is missing",
        stream({"id": "c1", "choices": None, "usage": None}, usage=None),
    ),
    "usage-in-last": Shape("usage in the last chunk (Cerebras)", stream(end=ended(COUNTS))),
    "usage-vendor": Shape(
        "usage and times under a vendor's key (Groq)",
        stream(
            end=ended(
                x_groq={"usage": {**COUNTS, "queue_time": 0.031, "prompt_time": 0.004}},
            )
        ),
        Golden(server_ttft_s=0.035),
    ),
    "usage-in-choice": Shape(
        "usage inside the choice (Moonshot)",
        stream(
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
        stream(end=(chunk({}, "stop"), DONE, {"choices": [], "usage": COUNTS})),
    ),
    "usage-none": Shape(
        "no usage at all",
        stream(end=ended()),
        Golden(output_tokens=None, input_tokens=None, flags=("no_usage",)),
    ),
    "usage-absurd": Shape(
        "usage that cannot be",
        stream(end=ended({"prompt_tokens": -3, "completion_tokens": 10**9})),
        Golden(output_tokens=None, input_tokens=None, flags=("no_usage", "usage_refused")),
    ),
    "reasoning-apart": Shape(
        "reasoning outside completion_tokens, inside the total (xAI, Gemini)",
        stream(
            end=ended(
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
        stream(end=ended({**COUNTS, "prompt_cache_hit_tokens": 16})),
        Golden(cached_tokens=16),
    ),
    "cost": Shape(
        "its own cost and the provider behind it (OpenRouter)",
        stream(provider="DeepInfra", end=ended({**COUNTS, "cost": 0.00042})),
        Golden(provider_cost_usd="0.00042", answered_provider="DeepInfra"),
    ),
    "cost-ticks": Shape(
        "its own cost in ticks (xAI)",
        stream(end=ended({**COUNTS, "cost_in_usd_ticks": 4_200_000})),
        Golden(provider_cost_usd="0.00042"),
    ),
    "cost-object": Shape(
        "its own cost taken apart (Perplexity)",
        stream(end=ended({**COUNTS, "cost": {"request_cost": 0.0004, "total_cost": 0.00042}})),
        Golden(provider_cost_usd="0.00042"),
    ),
    "cost-header": Shape(
        "its own cost in a header field, beside the key's whole spend (LiteLLM)",
        stream(),
        Golden(provider_cost_usd="0.00042"),
        headers={"x_litellm_response_cost": "0.00042", "x_litellm_key_spend": "7.5"},
    ),
    "error-in-stream": Shape(
        "an error in the middle (OpenRouter)",
        (
            chunk({"content": "one "}),
            {**chunk({}, "error"), "error": {"code": 502, "message": "Provider disconnected"}},
        ),
        Golden("inside the stream: Provider disconnected", "one ", None, None, flags=("no_usage",)),
    ),
    "rate-limit": Shape(
        "429 with Retry-After before the first request",
        stream(),
        Golden(waited_for="limited"),
        Refusal(429, {"error": {"message": "slow down"}}, {"retry_after_ms": "200"}),
        times=1,
    ),
    "cold-503": Shape(
        "503 while a replica starts (Hugging Face)",
        stream(),
        Golden(waited_for="unavailable", cold=True),
        Refusal(503, {"error": "503 Service Unavailable"}, {"retry_after": "0.2"}),
        times=2,
    ),
    "cold-loading": Shape(
        "500 with the words that the model loads",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(500, _LOADING),
        times=1,
    ),
    "cold-202": Shape(
        "202 before there is a reply",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(202, {"status": "starting"}, {"retry_after": "0.2"}),
        times=1,
    ),
    "cold-303": Shape(
        "303 to where the reply will be (Modal)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(303, "", {"location": "/cold-303/v1/chat/completions?later=1"}),
        times=1,
    ),
    "cold-queue": Shape(
        "200 with a place in a queue (RunPod)",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(200, {"id": "sync-1", "status": "IN_QUEUE"}),
        times=1,
    ),
    "refuses-by-words": untaken(
        "temperature",
        Refusal(400, {"error": {"message": "Unsupported value: 'temperature'"}}),
        not_sent=("temperature",),
        flags=("refused_temperature",),
    ),
    "refuses-in-array": untaken(
        _OPTION,
        Refusal(400, [{"error": {"message": 'Unknown name "continuous_usage_stats"'}}]),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-param": untaken(
        _OPTION,
        Refusal(400, {"error": {"message": "Invalid request body", "param": _OPTION}}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-by-place": untaken(
        _OPTION,
        Refusal(422, {"detail": [{"loc": ["body", *_OPTION.split(".")], "msg": "extra"}]}),
        not_sent=_LEFT_OUT,
    ),
    "refuses-in-text": untaken(
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
    "filtered": Shape(
        "a filter that lets nothing through (Azure)",
        stream(texts=(), end=(chunk({}, "content_filter"), DONE)),
        Golden("filter held the reply back", "", None, None, flags=()),
    ),
    "llamacpp": Shape(
        "counts and times of llama.cpp, which keeps cached tokens apart",
        stream(
            end=ended(
                timings={
                    "cache_n": 16,
                    "prompt_n": 4,
                    "prompt_ms": 35.0,
                    "predicted_n": 4,
                    "predicted_ms": 40.0,
                }
            )
        ),
        Golden(cached_tokens=16, server_ttft_s=0.035),
    ),
    "ollama": Shape(
        "counts of Ollama, and times in nanoseconds",
        stream(end=ended(prompt_eval_count=20, eval_count=4, prompt_eval_duration=35_000_000)),
        Golden(server_ttft_s=0.035),
    ),
    "bedrock": Shape(
        "counts and times of Amazon Bedrock",
        stream(
            end=ended(
                **{
                    "amazon-bedrock-invocationMetrics": {
                        "inputTokenCount": 20,
                        "outputTokenCount": 4,
                        "invocationLatency": 90,
                        "firstByteLatency": 35,
                    }
                }
            )
        ),
        Golden(server_ttft_s=0.035),
    ),
    "cost-own-key": Shape(
        "a gateway's fee beside what the user's own key is charged (OpenRouter)",
        stream(
            end=ended(
                {
                    **COUNTS,
                    "cost": 0.00002,
                    "is_byok": True,
                    "cost_details": {"upstream_inference_cost": 0.0004},
                }
            )
        ),
        Golden(provider_cost_usd="0.00042"),
    ),
    "filter-400": Shape(
        "400 of a filter, which names the prompt (Azure)",
        golden=Golden("HTTP 400.*was filtered", "", None, None, answered_model=None),
        refuses=Refusal(
            400,
            {"error": {"message": "It was filtered", "param": "prompt", "code": "content_filter"}},
        ),
        times=-1,
    ),
    "cold-sleeping": Shape(
        "503 of a vLLM that sleeps",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(503, {"error": {"message": "Engine is sleeping"}}, {"retry_after": "0.2"}),
        times=1,
    ),
    "cold-llamacpp": Shape(
        "503 of a llama.cpp that loads",
        stream(),
        Golden(waited_for="cold", cold=True),
        Refusal(503, {"error": {"message": "Loading model"}}, {"retry_after": "0.2"}),
        times=1,
    ),
    "quota": Shape(
        "429 without credit, for which nobody need wait (OpenAI)",
        golden=Golden("exceeded your current quota", "", None, None, answered_model=None),
        refuses=Refusal(
            429,
            {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}},
        ),
        times=-1,
    ),
    "limit-billing": Shape(
        "429 that names the billing and yet passes (Gemini)",
        stream(),
        Golden(waited_for="limited"),
        Refusal(
            429,
            [
                {
                    "error": {
                        "message": "You exceeded your current quota, please check billing details",
                        "details": [{"retryDelay": "0.2s"}],
                    }
                }
            ],
        ),
        times=1,
    ),
    "tool-call": Shape(
        "a tool call instead of text",
        stream(
            texts=(
                {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]},
                {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
            )
        ),
        Golden(text="", flags=("tokens_shared_by_text",)),
    ),
    "delta-list": Shape(
        "a list in place of the delta",
        (
            *({"model": "m-1", "choices": [{"delta": [{"content": w}]}]} for w in WORDS),
            chunk({}, "stop", usage=COUNTS),
            DONE,
        ),
    ),
    **WIRE_SHAPES,
}
