"""What each chunk of a streamed completion says: text, tokens so far, usage, the end."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from backends.domain.ab.deltas import (
    Delta,
    read_choice,
    read_event,
    without_tagged_thoughts,
)
from backends.domain.ab.errors import decoded_json, error_message, one_line, refusal
from backends.domain.ab.provider_cost import provider_cost
from backends.domain.ab.server_times import ServerTimes, server_times
from backends.domain.ab.sse import SseEvent
from backends.domain.ab.usage import Usage, believable_output, find_usage, read_usage

LONGEST_NOTE = 64
LONGEST_QUOTE = 120
LONGEST_NAME = 200

MOST_VALUES = 100_000
"""In one chunk; a value of two bytes takes a hundred once it is read."""

MOST_PIECES = 40_000
MOST_CHARACTERS = 1_000_000
"""Of one reply: with its bytes and its figures it then takes less than 16 MB."""

UNSEPARATED = (
    "its events have no blank line between them, so that none is whole before the last one and no"
    " time can be measured: correct the proxy or the server that writes them"
)

_DONE = re.compile(rb"\[?DONE\]?", re.IGNORECASE)
_FIGURES = re.compile(rb"oken|sage|ount|ost|rice|harge|ime|iming|uration|atency|tft")
"""Without one of these a chunk holds no count, cost or time, in whichever case its names are."""

_CHUNK = frozenset({
    "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier",
    "provider",
})  # fmt: skip
_CHOICE = frozenset({
    "index", "delta", "text", "finish_reason", "logprobs", "stop_reason", "token_ids",
    "native_finish_reason",
})  # fmt: skip
_DELTA = frozenset({
    "role", "content", "refusal", "reasoning", "reasoning_content", "tool_calls", "function_call",
})  # fmt: skip
_USAGE = frozenset({
    "prompt_tokens", "completion_tokens", "total_tokens",
    "prompt_tokens_details", "completion_tokens_details",
})  # fmt: skip
"""What OpenAI's and vLLM's own chunks hold, for each token; in others figures are looked for."""

NAMED_WITHIN, DEEPEST_ROUTE = 8, 6

_TEXT, _PLAIN_TEXT = b'"content":"', re.compile(rb'[^"\\\x00-\x1f]*')
_COUNT = rb"(0|[1-9][0-9]{0,9})"
_COUNTS = re.compile(
    rb'\{"prompt_tokens":%b(?:,"total_tokens":%b)?,"completion_tokens":%b(?:,"total_tokens":%b)?\}\}'
    % (_COUNT, _COUNT, _COUNT, _COUNT)
)
"""The usage at the end of a chunk, as vLLM and OpenAI write it."""


class Piece(NamedTuple):
    """One chunk with a choice; a tuple, because one is made for every token.

    Attributes:
        at_s: seconds from the send of the request.
        content: text a reader sees.
        reasoning: text of the model's reasoning, under whichever name the server uses.
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


class _Around(NamedTuple):
    """The bytes around the text of a chunk, the same for nearly every token of a stream.

    Attributes:
        after: all that follows the text; up to its counts, where it has `counts`.
    """

    before: bytes
    after: bytes
    counts: bool


def without_thoughts_in_tags(pieces: list[Piece]) -> list[Piece]:
    """Return pieces whose content is what a reader sees, where thoughts stand in it in tags."""
    parts = without_tagged_thoughts([piece.content for piece in pieces])
    return [
        piece._replace(content=visible, reasoning=piece.reasoning + thought) if thought else piece
        for piece, (visible, thought) in zip(pieces, parts, strict=True)
    ]


class ChunkReader:
    """Interprets the events of one stream, in order.

    Attributes:
        pieces: every chunk that had a choice, in order.
        finish_reason: as the endpoint gave it, None before.
        done: the stream said that it is over.
        error: one line if the stream carried an error or something that is no chunk.
        note: the first words that were neither a chunk nor an error, as those of a queue.
        model: which one answered, by its own word.
        provider: which one answered, where a gateway names it.
        cost_usd: what the endpoint says that this request cost.
        times: what it says of its own times.
        refused_usage: a count that cannot be was passed over.
        summed_up: the last chunk brought no text but the counts, which none before it had.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.finish_reason: str | None = None
        self.done = False
        self.error: str | None = None
        self.note: str | None = None
        self.model: str | None = None
        self.provider: str | None = None
        self.cost_usd: Decimal | None = None
        self.times: ServerTimes | None = None
        self.refused_usage = self.summed_up = False
        self._usage: Mapping[str, object] | None = None
        self._counted = 0
        self._characters = 0
        self._whole = ""
        self._around: _Around | None = None

    @property
    def usage(self) -> Usage | None:
        """The last usage seen; the final one once the stream is over."""
        return read_usage(self._usage)

    @property
    def finished(self) -> bool:
        """Whether all has come that a reply has, but for the word that it is over."""
        return self.finish_reason is not None and self._usage is not None

    def feed(self, at_s: float, event: SseEvent) -> Piece | None:
        """Take one event that was complete at `at_s` and return its piece, if it is a chunk."""
        data = event.data.strip()
        if self._around is not None and not (self.done or event.name):
            piece = self._like_the_last(at_s, data, self._around)
            if piece is not None:
                return piece
        if data[:1] != b"{":
            while data.startswith(b"data:"):  # some proxies wrap events a second time
                data = data[5:].strip()
        if data[:1] != b"{" and (not data or _DONE.fullmatch(data)):
            self.done = self.done or bool(data)
            return None
        huge = data.count(b",") > MOST_VALUES
        chunk = None if huge else decoded_json(data)
        if not isinstance(chunk, dict):
            self._take_other(data, chunk, event.name)
            return None
        if self.done:  # some count only now, and nothing else is part of the reply
            if self._usage is None:
                self._count(at_s, chunk)
            return None
        if b"rror" in data or not chunk.get("choices") or event.name == "error":
            message = error_message(chunk)
            if message is None and event.name == "error":
                message = refusal(data) or _short(data)
            if message:
                self.error = self.error or f"the endpoint reported inside the stream: {message}"
                return None
        return self._take(at_s, chunk, data)

    def _take_other(self, data: bytes, value: object, name: str) -> None:
        """What is no object: a keep-alive in a few words, or what nobody can read."""
        if name == "error" and not self.done:
            said = refusal(data) or _short(data)
            self.error = self.error or f"the endpoint reported inside the stream: {said}"
            return
        if not self.done and data.count(b"\n{") and decoded_json(data.partition(b"\n")[0]):
            self.error = self.error or UNSEPARATED
            return
        begun = data[:1] in (b"{", b"<") or (data[:1] == b"[" and not data.endswith(b"]"))
        if self.done or value is not None or not (len(data) > LONGEST_NOTE or begun):
            return
        self.error = self.error or f"the stream carries what is not JSON: {_short(data)}"

    def _take(self, at_s: float, chunk: dict[str, Any], data: bytes) -> Piece | None:
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        counted = self._counted_by(at_s, chunk, choice, data)
        if len(self.pieces) < NAMED_WITHIN and (self.model is None or self.provider is None):
            self._take_names(chunk)
        delta = read_choice(choice) if isinstance(choice, dict) else read_event(chunk)
        had_none = bool(self.pieces) and self.pieces[-1].counted is None
        text = delta is not None and (delta.content or delta.reasoning or delta.called)
        self.summed_up = bool(counted) and had_none and not text
        self._around = None
        if delta is None:
            if "choices" not in chunk:
                self.note = self.note or _note(chunk)
            return None
        if delta.whole:
            delta = self._new_part(delta)
        if delta.finish_reason is not None:
            self.finish_reason = delta.finish_reason
            self.done = self.done or not isinstance(choice, dict)
        ends = delta.finish_reason is not None
        if not ends:
            self._around = _around(chunk, data)
        return self._kept(Piece(at_s, delta.content, delta.reasoning, delta.called, counted, ends))

    def _like_the_last(self, at_s: float, data: bytes, around: _Around) -> Piece | None:
        """Read a chunk that differs from the one before in its text and its counts alone.

        As decoding it would, for a fraction of the time; None for any other chunk.
        """
        if not data.startswith(around.before) or len(data) > MOST_VALUES:
            return None
        text = _PLAIN_TEXT.match(data, len(around.before))
        if text is None or not data.startswith(around.after, text.end()):
            return None
        content, end = text[0].decode("utf-8", "replace"), text.end() + len(around.after)
        if not around.counts:
            return self._kept(Piece(at_s, content)) if end == len(data) else None
        found = _COUNTS.fullmatch(data, end)
        if found is None:
            return None
        read, total, wrote, total_behind = found.groups()
        usage: dict[str, object] = {"prompt_tokens": int(read), "completion_tokens": int(wrote)}
        if total or total_behind:
            usage["total_tokens"] = int(total_behind or total)
        return self._kept(Piece(at_s, content, counted=self._believed(at_s, usage, int(wrote))))

    def _kept(self, piece: Piece) -> Piece | None:
        self._characters += len(piece.content) + len(piece.reasoning)
        if len(self.pieces) >= MOST_PIECES or self._characters > MOST_CHARACTERS:
            self.error = self.error or (
                f"the reply has over {MOST_PIECES:,} chunks or {MOST_CHARACTERS:,} characters:"
                " lower max_tokens"
            )
            return None
        self.pieces.append(piece)
        return piece

    def _counted_by(
        self, at_s: float, chunk: dict[str, Any], choice: object, data: bytes
    ) -> int | None:
        """Take the figures of a chunk; return the tokens so far, if it counts them."""
        if not chunk.keys() <= _CHUNK or not (choice is None or _is_ordinary(choice)):
            return self._count(at_s, chunk) if _FIGURES.search(data) else None
        usage = chunk.get("usage")
        if usage.__class__ is not dict:
            return None
        if usage.keys() <= _USAGE:
            return self._believed(at_s, usage, usage.get("completion_tokens"))
        return self._count(at_s, chunk)

    def _new_part(self, delta: Delta) -> Delta:
        """What a message that repeats the whole text adds to it; some end with such a one."""
        had = self._whole or "".join(piece.content for piece in self.pieces)
        self._whole = delta.content
        new = delta.content[len(had) :] if delta.content.startswith(had) else ""
        again = any(piece.reasoning for piece in self.pieces)
        return delta._replace(content=new, reasoning="" if again else delta.reasoning)

    def _count(self, at_s: float, chunk: Mapping[str, object]) -> int | None:
        """Take usage, cost and times of a chunk; return the tokens so far, if it counts them."""
        self._take_cost_and_times(chunk)
        usage = find_usage(chunk)
        read = read_usage(usage)
        if usage is None or read is None:
            return None
        if read.refused:
            self.refused_usage = True
            return None
        if read.input_tokens is None and self._usage is not None:
            usage = {**self._usage, **usage}  # some count the prompt at the beginning only
        return self._believed(at_s, usage, read.output_tokens)

    def _take_cost_and_times(self, chunk: Mapping[str, object]) -> None:
        cost = provider_cost(chunk.get("usage"))
        cost = provider_cost(chunk) if cost is None else cost
        self.cost_usd = self.cost_usd if cost is None else cost
        self.times = server_times(chunk) or self.times
        self.provider = self.provider or _routed_to(chunk)

    def _believed(self, at_s: float, usage: Mapping[str, object], tokens: object) -> int | None:
        """Keep a usage whose count of output tokens can be; return that count."""
        if tokens.__class__ is not int:
            if tokens is None:
                self._usage = self._usage or usage
                return None
            read = read_usage(usage)
            tokens = read.output_tokens if read is not None and not read.refused else -1
        assert isinstance(tokens, int)
        possible = tokens >= 0 and believable_output(tokens, at_s, self._characters)
        if not possible or 0 < tokens < self._counted:
            self.refused_usage = True
            return None
        if tokens or self._usage is None:
            self._usage, self._counted = usage, tokens
        return tokens

    def _take_names(self, chunk: Mapping[str, object]) -> None:
        parts = (chunk.get("response"), chunk.get("message"), chunk)
        named = (_name(part.get("model")) for part in parts if isinstance(part, dict))
        self.model = self.model or next((name for name in named if name), None)
        provider = chunk.get("provider")
        word = provider.get("name") if isinstance(provider, dict) else provider
        self.provider = self.provider or _name(word)


def _around(chunk: Mapping[str, Any], data: bytes) -> _Around | None:
    """What surrounds the text of an ordinary chunk; None where anything else is generated in it."""
    choices = chunk.get("choices")
    if choices.__class__ is not list or len(choices) != 1 or not chunk.keys() <= _CHUNK:
        return None
    if not _is_ordinary(choices[0]) or choices[0]["delta"].keys() != {"content"}:
        return None
    before, named, rest = data.partition(_TEXT)
    text = _PLAIN_TEXT.match(rest)
    read = choices[0]["delta"]["content"]
    if text is None or not read or text[0].decode("utf-8", "replace") != read or _TEXT in rest:
        return None
    after = rest[text.end() :]
    if chunk.get("usage") is None:
        return _Around(before + named, after, counts=False)
    after, counted, counts = after.partition(b'"usage":')
    if not _COUNTS.fullmatch(counts):
        return None
    return _Around(before + named, after + counted, counts=True)


def _is_ordinary(choice: object) -> bool:
    if choice.__class__ is not dict or not choice.keys() <= _CHOICE:
        return False
    delta = choice.get("delta")
    return delta.__class__ is dict and delta.keys() <= _DELTA


def _routed_to(part: object, depth: int = 0) -> str | None:
    """The provider that a gateway chose in the end, as Vercel's says behind the text."""
    if depth > DEEPEST_ROUTE:
        return None
    if isinstance(part, list):
        return next((name for each in part[:8] if (name := _routed_to(each, depth + 1))), None)
    if not isinstance(part, dict):
        return None
    chosen = _name(part.get("finalProvider")) or _name(part.get("final_provider"))
    below = (name for value in part.values() if (name := _routed_to(value, depth + 1)))
    return chosen or next(below, None)


def _name(value: object) -> str | None:
    return one_line(value[:LONGEST_NAME]) or None if isinstance(value, str) else None


def _note(chunk: Mapping[str, object]) -> str | None:
    words = (chunk.get(name) for name in ("message", "status", "state", "msg", "title"))
    return next((one_line(word[:LONGEST_QUOTE]) for word in words if isinstance(word, str)), None)


def _short(data: bytes) -> str:
    return one_line(data[:LONGEST_QUOTE].decode("utf-8", "replace"))
