"""Shapes that real endpoints answer in, each a mode with the result that it must be read as."""

from collections.abc import Mapping

from backends.simulated.refusal_shapes import REFUSAL_SHAPES
from backends.simulated.shape import (
    COUNTS,
    DONE,
    TEXT,
    WORDS,
    Golden,
    Shape,
    chunk,
    ended,
    stream,
)
from backends.simulated.wire_shapes import WIRE_SHAPES

_REASONED = {**COUNTS, "completion_tokens": 6, "total_tokens": 26}
_PARTS = ({"content": [{"type": "text", "text": word}]} for word in WORDS)
_THOUGHT = ({"reasoning": "Hm "}, {"reasoning": "yes "}, *({"content": word} for word in WORDS))

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
    "role-each": Shape(
        "the role in each chunk",
        stream(texts=tuple([{"role": "assistant", "content": word} for word in WORDS])),
    ),
    "refused": Shape(
        "the model refuses, under a name of its own (OpenAI)",
        stream(texts=tuple([{"content": None, "refusal": word} for word in WORDS])),
    ),
    "text-then-call": Shape(
        "text, then a tool call",
        stream(
            texts=(
                {"content": "one "},
                {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]},
                {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
                {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
            )
        ),
        Golden(text="one "),
    ),
    "message-beside": Shape(
        "the whole text again beside each delta, and no [DONE] (Perplexity)",
        (
            *(
                {
                    "model": "m-1",
                    "choices": [
                        {"delta": {"content": word}, "message": {"content": TEXT[: 5 * place]}}
                    ],
                }
                for place, word in enumerate(WORDS, 1)
            ),
            chunk({}, "stop", usage=COUNTS),
        ),
    ),
    "finish-empty": Shape(
        "an empty finish reason in each chunk (Ollama)",
        (*(chunk({"content": word}, "") for word in WORDS), chunk({}, "stop", usage=COUNTS), DONE),
    ),
    "finish-none": Shape(
        "no finish reason at all (NVIDIA NIM)",
        stream(end=({"choices": [], "usage": COUNTS}, DONE)),
    ),
    "usage-ends": Shape(
        "the usage last, with neither a finish reason nor [DONE] (Snowflake Cortex)",
        (
            *(chunk({"type": "text", "content": word, "text": word}, usage={}) for word in WORDS),
            chunk({}, usage=COUNTS),
        ),
    ),
    "usage-growing": Shape(
        "usage so far in each chunk",
        (
            *(
                chunk({"content": word}, usage={"prompt_tokens": 20, "completion_tokens": count})
                for count, word in enumerate(WORDS, 1)
            ),
            chunk({}, "stop", usage=COUNTS),
            DONE,
        ),
    ),
    "usage-apart": Shape(
        "usage in a frame of another kind, id and model",
        stream(
            end=(
                chunk({}, "stop"),
                {"id": "c2", "object": "usage", "model": "other", "choices": [], "usage": COUNTS},
                DONE,
            )
        ),
    ),
    "usage-digits": Shape(
        "counts as text",
        stream(end=ended({name: str(count) for name, count in COUNTS.items()})),
    ),
    "usage-nulls": Shape(
        "details that are null (Mistral)",
        stream(end=ended({**COUNTS, "completion_tokens_details": {"reasoning_tokens": None}})),
    ),
    "usage-gemini": Shape(
        "counts under Gemini's own names, thoughts apart",
        stream(
            end=ended(
                usageMetadata={
                    "promptTokenCount": 20,
                    "candidatesTokenCount": 4,
                    "thoughtsTokenCount": 6,
                    "totalTokenCount": 30,
                }
            )
        ),
        Golden(output_tokens=10, reasoning_tokens=6, flags=("tokens_shared_by_text",)),
    ),
    "usage-billed": Shape(
        "what is charged counted apart from what was used (Cohere)",
        stream(
            end=ended(
                {
                    "billed_units": {"input_tokens": 9, "output_tokens": 4},
                    "tokens": {"input_tokens": 20, "output_tokens": 4},
                }
            )
        ),
    ),
    "cache-miss": Shape(
        "hits and misses of the cache (DeepSeek)",
        stream(end=ended({**COUNTS, "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": 20})),
        Golden(cached_tokens=0),
    ),
    "cost-per-request": Shape(
        "its own cost with a price for each request (Perplexity)",
        stream(end=ended({**COUNTS, "cost": {"request_cost": 0.005, "total_cost": 0.0052}})),
        Golden(provider_cost_usd="0.0052"),
    ),
    "cost-routed": Shape(
        "its own cost and the provider in the end, in the delta (Vercel AI Gateway)",
        stream(
            end=(
                chunk(
                    {
                        "provider_metadata": {
                            "gateway": {"routing": {"finalProvider": "p-1"}, "cost": "0.00042"}
                        }
                    },
                    "stop",
                ),
                {"choices": [], "usage": COUNTS},
                DONE,
            )
        ),
        Golden(provider_cost_usd="0.00042", answered_provider="p-1"),
    ),
    "times-beside": Shape(
        "times beside the usage (Cerebras)",
        stream(end=ended(COUNTS, time_info={"queue_time": 0.01, "prompt_time": 0.02})),
        Golden(server_ttft_s=0.03),
    ),
    "times-ttft": Shape(
        "its own TTFT among the counts (SambaNova)",
        stream(end=ended({**COUNTS, "time_to_first_token": 0.07, "completion_tokens_per_sec": 99})),
        Golden(server_ttft_s=0.07),
    ),
    "times-header": Shape(
        "its own TTFT in a header field (Fireworks)",
        stream(),
        Golden(server_ttft_s=0.052),
        headers={"fireworks_server_time_to_first_token": "0.052"},
    ),
    "filter-late": Shape(
        "filter results behind the text (Azure)",
        stream(
            end=(
                {"model": "", "choices": [{"content_filter_offsets": {"check_offset": 9}}]},
                chunk({}, "stop", usage=COUNTS),
                DONE,
            )
        ),
    ),
    "error-words": Shape(
        "an error in a few words in the middle",
        (chunk({"content": "one "}), {"error": "upstream connect error"}),
        Golden("inside the stream: upstream", "one ", None, None, flags=("no_usage",)),
    ),
    "error-code-name": Shape(
        "an error that is not an object, by the name of its code (DashScope)",
        ({"code": "InvalidApiKey", "message": "no such key", "request_id": "r"},),
        Golden("inside the stream: no such key", "", None, None, answered_model=None),
    ),
    **REFUSAL_SHAPES,
    **WIRE_SHAPES,
}
