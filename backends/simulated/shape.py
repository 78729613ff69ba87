"""What a shape of reply is made of, and the pieces that most of them are made from."""

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
        wire: the reply byte by byte, behind which the connection is closed; instead of `events`.
    """

    about: str
    events: Sequence[Chunk] = ()
    golden: Golden = Golden()
    refuses: Refusal | None = None
    times: int = 0
    untaken: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: bytes = b""


def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "model": "m-1",
        "choices": [choice],
        **more,
    }


WORD_DELTAS = tuple([{"content": word} for word in WORDS])


def stream(
    *before: Chunk,
    texts: Sequence[Mapping[str, Any]] = WORD_DELTAS,
    end: Sequence[Chunk] | None = None,
    **more: Any,
) -> tuple[Chunk, ...]:
    """Return a stream of these deltas, with `before` in front and usage at its end."""
    role = chunk({"role": "assistant", "content": ""}, **more)
    usage: Chunk = {**chunk({}), "choices": [], "usage": COUNTS}
    return (
        *before,
        role,
        *(chunk(text, **more) for text in texts),
        *((chunk({}, "stop"), usage, DONE) if end is None else end),
    )


def ended(usage: Any = None, **more: Any) -> tuple[Chunk, ...]:
    """Return an end with everything in its last chunk."""
    counted = {} if usage is None else {"usage": usage}
    return (chunk({}, "stop", **counted, **more), DONE)


def untaken(field_name: str, refusal: Refusal, **golden: Any) -> Shape:
    """Return the mode of an endpoint that refuses one field."""
    return Shape(
        f"refuses {field_name}",
        stream(),
        Golden(**golden),
        refusal,
        untaken=field_name,
    )
