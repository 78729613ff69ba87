"""How many tokens a request had, by the word of its endpoint, under any provider's names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from backends.domain.ab.names import KNOWN_NAMES, words

MOST_OUTPUT_TOKENS = 1_000_000
"""More than any reply has; every one of them is held as a number, so more is refused."""

MOST_TOKENS = 1_000_000_000
"""More than any request has; counts above are unknown, like negative ones."""

FASTEST_TOKENS_PER_S = 20_000
TOKENS_AT_ONCE = 2_000
"""No engine writes one reply faster, so that a count beyond both and beyond the text is refused;
the fastest that is sold streams some 3,000 tokens/s (cerebras.ai, 2025)."""

DEEPEST = 4

_DIGITS = re.compile(r"[0-9]{1,10}")
_COUNTS = frozenset({"tokens", "token", "count", "n"})
_NO_COUNT = frozenset({
    "per", "second", "seconds", "s", "time", "ms", "rate", "cost", "costs", "price", "duration",
    "limit", "limits", "max", "maximum", "remaining", "budget", "details", "tool", "tools",
    "audio", "image", "images", "video", "text", "rejected", "accepted", "prediction",
})  # fmt: skip
_CACHE_WRITES = frozenset({
    "creation", "created", "write", "writes", "written", "miss", "missed", "stored",
})  # fmt: skip
_KINDS = (
    ("reasoning", frozenset({"reasoning", "thinking", "thoughts", "thought", "reason"})),
    (
        "output",
        frozenset({"completion", "output", "candidates", "generated", "eval", "predicted"}),
    ),
    ("input", frozenset({"prompt", "input"})),
    ("total", frozenset({"total"})),
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the endpoint itself counted; None for what it did not say.

    Attributes:
        input_tokens: cached ones among them.
        output_tokens: all that were generated, those of reasoning among them.
        refused: a count that cannot be was passed over.
    """

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_tokens: int | None
    refused: bool = False


@lru_cache(KNOWN_NAMES)
def _kind(name: str) -> str | None:
    """Which count a key holds, None for none of those that are read."""
    named = words(name)
    if not named & _COUNTS or named & _NO_COUNT:
        return None
    if any(word.startswith("cach") for word in named) or "hit" in named:
        return "written" if named & _CACHE_WRITES else "cached"
    if {"prompt", "eval"} <= named:
        return "input"
    return next((kind for kind, signs in _KINDS if named & signs), None)


def find_usage(chunk: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the part of a chunk that counts tokens, None where none does, wherever it stands.

    What is nearest to the top counts, and there what is called ``usage``.
    """
    usage = chunk.get("usage")
    if isinstance(usage, dict) and any(
        value is not None and isinstance(name, str) and _kind(name) for name, value in usage.items()
    ):
        return usage
    level: list[Mapping[str, object]] = [chunk]
    for _ in range(DEEPEST):
        named = sorted(level, key=lambda part: part is not usage)
        for part in named:
            if _counts_tokens(part):
                return part
        level = [
            below
            for part in level
            for below in (*_dicts(part.get("usage")), *_dicts(_counted_before_billed(part)))
        ]
    return None


def _counted_before_billed(part: Mapping[str, object]) -> list[object]:
    """The values of a part, those last that count only what is charged (Cohere's billed units)."""
    return [part[name] for name in sorted(part, key=lambda name: "bill" in name)]


def _dicts(value: object) -> list[Mapping[str, object]]:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return [found for item in value[:64] for found in _dicts(item)]
    return []


def _counts_tokens(part: Mapping[str, object]) -> bool:
    return any(
        _kind(name) in ("input", "output", "total")
        and not isinstance(value, bool)
        and (isinstance(value, int | float) or _count(value) is not None)
        for name, value in part.items()
        if isinstance(name, str)
    )


def read_usage(usage: object) -> Usage | None:
    """Return what counts tokens, under any provider's names, as a value.

    Sums that are not OpenAI's are brought to its sense by the total: output tokens are all that
    were generated, input tokens include those that came from a cache.
    """
    if not isinstance(usage, dict):
        return None
    refused = False
    counts: dict[str, int] = {}
    for name, value, nested in _named(usage):
        kind = _kind(name)
        if kind is None or (nested and kind not in ("cached", "written", "reasoning")):
            continue
        count = _count(value, MOST_OUTPUT_TOKENS if kind == "output" else MOST_TOKENS)
        refused |= count is None and value is not None
        if count is not None:
            counts[kind] = max(counts.get(kind, 0), count)
    into = _whole_input(usage, counts)
    out, thought = _whole_output(counts, into)
    return Usage(into, out, thought, counts.get("cached"), refused)


def _named(usage: Mapping[str, object]) -> Iterator[tuple[str, object, bool]]:
    """Every count of a usage, and those of its details."""
    for name, value in usage.items():
        if isinstance(value, dict):
            for below, count in value.items():
                yield below, count, True
        else:
            yield name, value, False


def _whole_input(usage: Mapping[str, object], counts: Mapping[str, int]) -> int | None:
    """Input tokens with the cached ones, which the counts of Anthropic and llama.cpp leave out."""
    into, total = counts.get("input"), counts.get("total")
    if into is None:
        return None
    apart = counts.get("cached", 0) + counts.get("written", 0)
    if not apart:
        return into
    rest = None if total is None else total - into - counts.get("output", 0)
    if rest is not None:
        return into + apart if rest == apart else into
    native = "input_tokens" in usage and "input_tokens_details" not in usage
    native = native or "prompt_n" in usage
    return into + apart if native or counts.get("cached", 0) > into else into


def _whole_output(counts: Mapping[str, int], into: int | None) -> tuple[int | None, int | None]:
    """Output tokens with those of reasoning, where the total says that they stand outside."""
    out, thought, total = counts.get("output"), counts.get("reasoning"), counts.get("total")
    if out is None and total is not None and into is not None and total >= into:
        return total - into, thought
    if out is None:
        return None, thought
    rest = 0 if total is None or into is None else total - into - out
    if rest > 0 and thought is None:
        return out + rest, rest
    if thought and (rest == thought or (thought > out and total is None)):
        return out + thought, thought
    return out, thought


def _count(value: object, most: int = MOST_TOKENS) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= most else None


def believable_output(tokens: int, at_s: float, characters: int) -> bool:
    """Whether so many tokens can have been written by then, with so much text seen of them."""
    written = TOKENS_AT_ONCE + FASTEST_TOKENS_PER_S * max(0.0, at_s)
    return tokens <= max(characters, written)


def believable_input(tokens: int, request_bytes: int) -> bool:
    """Whether a request of so many bytes can have had so many tokens, a hidden prompt included."""
    return tokens <= 4 * request_bytes + 100_000
