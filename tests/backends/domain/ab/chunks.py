"""Chunks of chat completions as servers send them, for tables of stream shapes."""

import json
from typing import Any

from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader

ROLE = {"role": "assistant", "content": ""}


def chunk(
    delta: dict[str, Any] | None = None,
    *,
    finish: str | None = None,
    counted: int | None = None,
    prompt: int = 9,
) -> dict[str, Any]:
    """One chunk with one choice; `counted` adds usage as vLLM's continuous usage does."""
    made: dict[str, Any] = {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}],
    }
    if counted is not None:
        made["usage"] = {"prompt_tokens": prompt, "completion_tokens": counted}
    return made


def usage(tokens: int, prompt: int = 9, **more: Any) -> dict[str, Any]:
    """The last chunk: usage and no choice."""
    counts = {"prompt_tokens": prompt, "completion_tokens": tokens, **more}
    return {"object": "chat.completion.chunk", "choices": [], "usage": counts}


def read(*timed: tuple[float, dict[str, Any] | str]) -> ChunkReader:
    """A reader that was fed chunks at these seconds."""
    reader = ChunkReader()
    for at_s, one in timed:
        data = one if isinstance(one, str) else json.dumps(one)
        reader.feed(at_s, SseEvent(data.encode()))
    return reader
