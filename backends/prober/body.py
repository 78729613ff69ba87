"""The body of a request: the same sampling in every target, and a nonce against prefix caches."""

import random
from typing import Any

from backends.prober.protocol import Target

# Fields that some endpoints refuse, most telling first, and what is sent instead.
REFUSABLE = ("continuous_usage_stats", "max_tokens", "temperature", "ignore_eos", "stream_options")


def request_body(
    target: Target, prompt: str, max_tokens: int, *, temperature: float, ignore_eos: bool
) -> dict[str, Any]:
    """Return the body of a streamed chat completion that asks for usage in every chunk."""
    body: dict[str, Any] = {
        "model": target.model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    if ignore_eos:
        body["ignore_eos"] = True
    return {**body, **target.extra}


def without_refused(body: dict[str, Any], refused: tuple[str, ...]) -> dict[str, Any]:
    """Return a body without the fields an endpoint refused; `max_tokens` under its newer name."""
    kept = {name: value for name, value in body.items() if name not in refused}
    if "continuous_usage_stats" in refused and "stream_options" in kept:
        kept["stream_options"] = {"include_usage": True}
    if "max_tokens" in refused:
        kept["max_completion_tokens"] = body["max_tokens"]
    return kept


def refused_field(message: str, refused: tuple[str, ...]) -> str | None:
    """Return which optional field an endpoint's error message names, None for none of them."""
    return next((name for name in REFUSABLE if name in message and name not in refused), None)


def with_nonce(prompt: str, source: random.Random) -> str:
    """Return the prompt behind a number of fixed length that no earlier request began with.

    It stands first, because prefix caches match from the first token on.
    """
    return f"Request {source.randrange(10**11, 10**12)}. {prompt}"
