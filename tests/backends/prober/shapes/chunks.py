"""What stands in the chunks: roles, reasoning, tool calls, and counts as servers send them."""

import json
from typing import Any

from tests.backends.domain.ab.chunks import ROLE, chunk, usage
from tests.backends.prober.shapes.shape import (
    DONE,
    TOKENS,
    WORDS,
    Expected,
    Script,
    Shape,
    chunked,
)

UNCOUNTED = (None,) * TOKENS


def thinking(name: str) -> Script:
    """Two tokens of reasoning, then two that a reader sees."""
    thoughts: list[dict[str, Any]] = [{name: "hm "}, {name: "so "}]
    details = usage(TOKENS, completion_tokens_details={"reasoning_tokens": 2})
    words = [{"content": word} for word in WORDS[2:]]
    return Script(deltas=[*thoughts, *words], at_end=(json.dumps(details), DONE))


def calling() -> Script:
    def part(arguments: str, **more: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "function": {"arguments": arguments, **more}}]}

    deltas = [part("", name="look_up"), part('{"q":'), part('"x"'), part("}")]
    return Script(deltas=deltas, finish="tool_calls")


def last_chunk_without_text() -> Script:
    ending = json.dumps(chunk({}, counted=TOKENS, finish="stop"))
    return Script(finish=None, at_end=(ending, json.dumps(usage(TOKENS)), DONE))


def empty_choices_first() -> Script:
    filtered = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    return Script(before=(json.dumps(filtered), json.dumps(chunk(ROLE))))


def nulls() -> Script:
    deltas = [{"content": word, "reasoning": None, "tool_calls": None} for word in WORDS]
    first = {"role": "assistant", "content": None, "reasoning_content": None}
    return Script(deltas=deltas, before=(json.dumps(chunk(first)),))


THREE_A_CHUNK = Script(counts=(3, 6, 9, 12), at_end=(json.dumps(usage(12)), DONE))
SHARED = Script(counts=UNCOUNTED, at_end=(json.dumps(usage(12)), DONE))
FEWER = Script(counts=UNCOUNTED, at_end=(json.dumps(usage(3)), DONE))
SILENT_ROUND = Script(
    deltas=[{"content": "w1 "}, {}, {"content": "w2 w3 "}, {"content": "w4 "}],
    counts=(1, 2, 3, 4),
)

CHUNK_SHAPES = (
    Shape("role at once", chunked()),
    Shape("no role at all", chunked(Script(before=()))),
    Shape(
        "role with the first token",
        chunked(Script(deltas=[{**ROLE, "content": "w1 "}, *Script().deltas[1:]], before=())),
    ),
    Shape("empty choices first", chunked(empty_choices_first())),
    Shape("null beside text", chunked(nulls())),
    Shape("reasoning", chunked(thinking("reasoning")), Expected(text="w3 w4 ")),
    Shape("reasoning_content", chunked(thinking("reasoning_content")), Expected(text="w3 w4 ")),
    Shape("a tool call", chunked(calling()), Expected(text="", finish="tool_calls")),
    Shape("end in a chunk of its own", chunked(last_chunk_without_text()), Expected(finish="stop")),
    Shape("counted at the end only", chunked(Script(counts=UNCOUNTED))),
    Shape("counts of 0 until the end", chunked(Script(counts=(0, 0, 0, 0)))),
    Shape("the total in every chunk", chunked(Script(counts=(TOKENS,) * TOKENS))),
    Shape("3 tokens a chunk, counted", chunked(THREE_A_CHUNK), Expected(tokens=12, gaps=9)),
    Shape(
        "3 tokens a chunk, total only",
        chunked(SHARED),
        Expected(tokens=12, gaps=9, flags=("tokens_shared_by_text",)),
    ),
    Shape(
        "fewer tokens than chunks",
        chunked(FEWER),
        Expected(tokens=3, gaps=2, flags=("more_chunks_than_tokens",)),
    ),
    Shape("a token without text", chunked(SILENT_ROUND)),
    Shape(
        "counted as 0 for ever",
        chunked(Script(counts=(0, 0, 0, 0), at_end=(DONE,))),
        Expected(tokens=None, gaps=0, flags=("no_usage",)),
    ),
    Shape(
        "never counted",
        chunked(Script(counts=UNCOUNTED, at_end=(DONE,))),
        Expected(tokens=None, gaps=0, flags=("no_usage",)),
    ),
)
