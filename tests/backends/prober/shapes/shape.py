"""What a shape is: a script that plays events in some form, and what is true of it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.backends.domain.ab.chunks import ROLE, chunk, usage
from tests.backends.prober.scripted_server import CHUNKED_HEAD, Conversation, Reply

TTFT_S, GAP_S, TOKENS = 0.08, 0.03, 4
WORDS = tuple(f"w{number} " for number in range(1, TOKENS + 1))
TEXT = "".join(WORDS)
DONE = "[DONE]"


@dataclass(frozen=True)
class Expected:
    """What is true of a shape, besides its times; `error` is a pattern, empty for none."""

    tokens: int | None = TOKENS
    gaps: int = TOKENS - 1
    text: str = TEXT
    finish: str | None = "length"
    error: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shape:
    """One row of the table; `warm_up` where it is about a connection that was used before."""

    name: str
    reply: Reply
    expected: Expected = Expected()
    warm_up: bool = False


@dataclass(frozen=True)
class Event:
    """One event: how long the server computes before it, and whether it brings tokens."""

    data: str
    after_s: float = 0.0
    token: bool = False
    visible: bool = False


@dataclass(frozen=True)
class Script:
    """The events of a stream, to be changed where a shape differs.

    Attributes:
        deltas: of the chunks with tokens.
        counts: the running count in each of them; None where the server sends none.
        at_end: events after the last token.
    """

    deltas: Sequence[dict[str, Any]] = tuple({"content": word} for word in WORDS)
    counts: Sequence[int | None] = tuple(range(1, TOKENS + 1))
    finish: str | None = "length"
    before: Sequence[str] = (json.dumps(chunk(ROLE, counted=0)),)
    at_end: Sequence[str] = (json.dumps(usage(TOKENS)), DONE)
    gaps_s: Sequence[float] = field(default=(TTFT_S, *[GAP_S] * (TOKENS - 1)))

    def events(self) -> list[Event]:
        """All of it in order."""
        made = [Event(data) for data in self.before]
        last = len(self.deltas) - 1
        for place, delta in enumerate(self.deltas):
            finish = self.finish if place == last else None
            data = json.dumps(chunk(delta, counted=self.counts[place], finish=finish))
            visible = bool(delta.get("content"))
            made.append(Event(data, self.gaps_s[place], token=True, visible=visible))
        return made + [Event(data) for data in self.at_end]


def plain_sse(data: str) -> bytes:
    """An event as most servers write it."""
    return f"data: {data}\n\n".encode()


def play(
    conversation: Conversation,
    script: Script | None = None,
    *,
    encode: Callable[[str], bytes] = plain_sse,
    write: Callable[[bytes], None] | None = None,
) -> None:
    """Send the events of a script, and note when those with tokens left."""
    for event in (script or Script()).events():
        conversation.wait(event.after_s)
        now_s = time.monotonic()
        if event.token:
            conversation.tokens_s.append(now_s)
        if event.visible and conversation.visible_s is None:
            conversation.visible_s = now_s
        (write or conversation.chunk)(encode(event.data))


def chunked(script: Script | None = None, *, encode: Callable[[str], bytes] = plain_sse) -> Reply:
    """A script in ordinary chunks of HTTP."""

    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        play(conversation, script, encode=encode)
        conversation.end()

    return reply
