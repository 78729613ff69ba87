"""What each chunk of a streamed chat completion says: text, tokens so far, usage, the end."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from backends.domain.ab.sse import SseEvent

DONE = b"[DONE]"

MOST_OUTPUT_TOKENS = 1_000_000
"""More than any reply has; every one of them is held as a number, so more is refused."""

MOST_TOKENS = 1_000_000_000
"""More than any request has; counts above are unknown, like negative ones."""

_DECODER = json.JSONDecoder()


class Piece(NamedTuple):
    """One chunk with a choice; a tuple, because one is made for every token.

    Attributes:
        at_s: seconds from the send of the request.
        content: text a reader sees.
        reasoning: text of the model's reasoning, under either name servers use.
        called: the chunk carries a part of a tool call.
        counted: completion tokens so far where the server counts in every chunk.
        ends: the chunk carries the finish reason.
    """

    at_s: float
    content: str = ""
    reasoning: str = ""
    called: bool = False
    counted: int | None = None
    ends: bool = False

    @property
    def carries(self) -> bool:
        """Whether something generated is in it; a chunk with only a role has nothing."""
        return bool(self.content or self.reasoning or self.called)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the endpoint itself counted; None for what it did not say."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_tokens: int | None


class ChunkReader:
    """Interprets the events of one stream, in order.

    Attributes:
        pieces: every chunk that had a choice, in order.
        finish_reason: as the endpoint gave it, None before.
        done: the stream said that it is over.
        error: one line if the stream carried an error or something that is no chunk.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._usage: dict[str, Any] | None = None
        self.finish_reason: str | None = None
        self.done = False
        self.error: str | None = None

    @property
    def usage(self) -> Usage | None:
        """The last usage seen; the final one once the stream is over."""
        return read_usage(self._usage)

    def feed(self, at_s: float, event: SseEvent) -> Piece | None:
        """Take one event that was complete at `at_s` and return its piece, if it is a chunk."""
        data = event.data.strip()
        if data == DONE:
            self.done = True
            return None
        chunk = decoded_json(data)
        if not isinstance(chunk, dict):
            self.error = self.error or f"the stream carries what is no JSON: {_short(event.data)}"
            return None
        if event.name == "error" or "error" in chunk or "choices" not in chunk:
            message = error_message(chunk)
            if message or event.name == "error":
                self.error = self.error or f"the endpoint reported inside the stream: {message}"
                return None
        return self._take(at_s, chunk)

    def _take(self, at_s: float, chunk: dict[str, Any]) -> Piece | None:
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self._usage = usage
            self._check_size(usage.get("completion_tokens"))
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return None
        choice = choices[0]
        reason = choice.get("finish_reason")
        ends = isinstance(reason, str)
        if isinstance(reason, str):
            self.finish_reason = well_formed(reason)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = {}
        piece = Piece(
            at_s,
            content=_text(delta.get("content") or choice.get("text")),
            reasoning=_text(delta.get("reasoning") or delta.get("reasoning_content")),
            called=bool(delta.get("tool_calls") or delta.get("function_call")),
            counted=_count(usage.get("completion_tokens"), MOST_OUTPUT_TOKENS)
            if isinstance(usage, dict)
            else None,
            ends=ends,
        )
        self.pieces.append(piece)
        return piece

    def _check_size(self, tokens: object) -> None:
        if isinstance(tokens, int) and tokens > MOST_OUTPUT_TOKENS:
            self.error = self.error or (
                f"the endpoint counts over {MOST_OUTPUT_TOKENS} output tokens in one reply, which"
                " cannot be: its usage is broken"
            )


def read_usage(usage: object) -> Usage | None:
    """Return a ``usage`` object of any OpenAI-compatible server as a value."""
    if not isinstance(usage, dict):
        return None
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens"), MOST_OUTPUT_TOKENS),
        reasoning_tokens=_detail(usage, "completion_tokens_details", "reasoning_tokens"),
        cached_tokens=_detail(usage, "prompt_tokens_details", "cached_tokens"),
    )


def error_message(document: dict[str, Any]) -> str | None:
    """Return what a JSON document says as an error, None if it is none; both vLLM's shapes."""
    error = document.get("error")
    if isinstance(error, str) and error:
        return _line(error)
    if isinstance(error, dict):
        return _line(str(error.get("message") or error.get("code") or error))
    if document.get("object") == "error":
        return _line(str(document.get("message")))
    detail = document.get("detail")
    if "choices" not in document and detail:
        return _line(detail if isinstance(detail, str) else json.dumps(detail))
    return None


def decoded_json(data: bytes) -> object:
    """Return what is exactly one JSON value, None for anything else, nested too deep included."""
    try:
        text = str(data, "utf-8")
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None


def well_formed(text: str) -> str:
    """Return a text that can be encoded: JSON may hold halves of surrogate pairs (RFC 8259, 8.2).

    Halves beside each other become their letter, a lone one the replacement character.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _text(value: object) -> str:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        parts = (part.get("text") for part in value if isinstance(part, dict))
        return well_formed("".join(part for part in parts if isinstance(part, str)))
    return ""


def _count(value: object, most: int = MOST_TOKENS) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= most else None


def _detail(usage: dict[str, Any], group: str, name: str) -> int | None:
    details = usage.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _line(text: str) -> str:
    return " ".join(well_formed(text).split())


def _short(data: bytes) -> str:
    return _line(data[:120].decode("utf-8", "replace"))
