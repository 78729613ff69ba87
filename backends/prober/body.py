"""The body of a request: the same sampling in every target, and a nonce against prefix caches."""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backends.prober.protocol import Target

REQUIRED = frozenset({"model", "messages", "prompt", "input", "stream"})
"""Without one of these a request is another one."""

UNUSUAL = ("continuous_usage_stats", "ignore_eos")
"""Fields that only vLLM knows: dropped where an endpoint refuses a request and names no field."""


def request_body(
    target: Target, prompt: str, max_tokens: int, *, temperature: float, ignore_eos: bool
) -> dict[str, Any]:
    """Return the body of a streamed completion that asks for usage in every chunk."""
    asked: dict[str, Any] = {"model": target.model, "temperature": temperature, "stream": True}
    if target.api == "responses":
        return {**asked, "input": prompt, "max_output_tokens": max_tokens, **target.extra}
    asked["max_tokens"] = max_tokens
    asked["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    if target.api == "completions":
        asked["prompt"] = prompt
    else:
        asked["messages"] = [{"role": "user", "content": prompt}]
    if ignore_eos:
        asked["ignore_eos"] = True
    return {**asked, **target.extra}


def without_refused(body: dict[str, Any], refused: Sequence[str]) -> dict[str, Any]:
    """Return a body without the fields an endpoint refused; `max_tokens` under its newer name."""
    kept = {name: value for name, value in body.items() if name not in refused}
    options = kept.get("stream_options")
    if isinstance(options, dict):
        kept["stream_options"] = {
            name: value for name, value in options.items() if name not in refused
        }
    if "max_tokens" in refused and "max_completion_tokens" not in refused:
        kept["max_completion_tokens"] = body["max_tokens"]
    return kept


def refused_field(
    body: Mapping[str, Any], named: Iterable[str], words: str, *, guess: bool
) -> str | None:
    """Return the optional field of a request that an endpoint does not take, None for none.

    `named` are the fields that its error names apart from its `words`. Where neither says one, it
    is, with `guess`, the least usual that was sent; not where another one is named.
    """
    optional = _optional(body)
    last = {re.split(r"[.\[\]'\"]+", name.strip(".[]'\""))[-1].lower() for name in named}
    for name in optional:
        if name.lower() in last:
            return name
    for name in optional:
        spelled = name.replace("_", "[_ -]?")
        if re.search(rf"(?<![a-z0-9]){spelled}(?![a-z0-9])", words, re.IGNORECASE):
            return name
    if not guess or last & REQUIRED:
        return None
    return next((name for name in UNUSUAL if name in optional), None)


def _optional(body: Mapping[str, Any]) -> list[str]:
    """Names of what a request could do without, those inside others first."""
    options = body.get("stream_options")
    inside = [name for name in options if name != "include_usage"] if options else []
    return [*inside, *(name for name in body if name not in REQUIRED)]


def with_nonce(prompt: str, source: random.Random) -> str:
    """Return the prompt behind a number of fixed length that no earlier request began with.

    It stands first, because prefix caches match from the first token on.
    """
    return f"Request {source.randrange(10**11, 10**12)}. {prompt}"
