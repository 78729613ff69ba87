"""Requests through a proxy, by the ``openai`` client: stamped in user space, and said so."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

import openai

from backends.domain.streams.sse import SseEvent
from backends.domain.streams.tokens import DONE, Piece
from backends.prober import clock, problems
from backends.prober.exchange import LIVE_NS, Hooks, Trace
from backends.prober.http import Head
from backends.prober.loop import Loop
from backends.prober.orders import Lane, Limits
from backends.prober.reply import Reply


def proxied_client(lane: Lane, limits: Limits) -> openai.OpenAI:
    """Return the client of one endpoint; it takes the proxy from the environment."""
    return openai.OpenAI(
        base_url=lane.base_url,
        api_key=lane.api_key or "none",
        max_retries=0,
        timeout=limits.ttft_s,
    )


class ProxiedExchange:
    """One request and its reply, like `Exchange`, in a thread of its own.

    Attributes:
        error: one line once it has ended badly, else None.
        status: of a reply that was no success.
    """

    def __init__(
        self, client: openai.OpenAI, body: dict[str, Any], loop: Loop, limits: Limits
    ) -> None:
        self.reply = Reply(body["model"])
        self.trace = Trace(from_kernel=False)
        self.error: str | None = None
        self.status: int | None = None
        self._client = client
        self._body = body
        self._loop = loop
        self._limits = limits
        self._hooks: Hooks | None = None
        self._told_sent = False
        self._arrived: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._problem: str | None = None
        self._over = threading.Event()

    def begin(self, planned_ns: int | None, hooks: Hooks) -> None:
        """Send the request."""
        self._hooks = hooks
        self.trace.planned_ns = planned_ns or clock.now_ns()
        threading.Thread(target=self._ask, daemon=True).start()
        self._look_again()

    def cancel(self) -> None:
        """Close without telling anybody."""
        self._hooks = None

    def _look_again(self) -> None:
        self._loop.call_at(clock.now_ns() + LIVE_NS, self._look)

    def _look(self) -> None:
        """Take what the thread has brought; runs on the loop."""
        hooks = self._hooks
        if hooks is None:
            return
        over = self._over.is_set()
        if self.trace.sent_ns and not self._told_sent:
            self._told_sent = True
            hooks.sent(self.trace.sent_ns)
        pieces: list[Piece] = []
        at_ns = self.trace.sent_ns
        while not self._arrived.empty():
            at_ns, data = self._arrived.get()
            self.trace.reads += 1
            at_s = (at_ns - self.trace.sent_ns) / clock.NS
            piece = self.reply.reader.feed(at_s, SseEvent(data))
            pieces += [piece] if piece else []
        if pieces:
            hooks.pieces(at_ns, pieces)
        if over:
            self._finish(hooks, self._problem)
        elif clock.now_ns() - self.trace.planned_ns > self._limits.total_s * clock.NS:
            self._finish(hooks, problems.too_long(self._limits.total_s))
        else:
            self._look_again()

    def _finish(self, hooks: Hooks, problem: str | None) -> None:
        self._hooks = None
        self.error = problem or self.reply.reader.error
        hooks.ended(self)

    def _ask(self) -> None:
        """Stream the reply; runs in the thread and touches only what the loop does not write."""
        known = {name: self._body[name] for name in ("model", "messages", "stream")}
        rest = {name: value for name, value in self._body.items() if name not in known}
        self.trace.sent_ns = clock.now_ns()
        try:
            with self._client.chat.completions.create(**known, extra_body=rest) as stream:
                for chunk in stream:
                    data = chunk.to_json(indent=None).encode()
                    self._arrived.put((clock.now_ns(), data))
                    if self._hooks is None:
                        break
            self._arrived.put((clock.now_ns(), DONE))
        except openai.APIStatusError as error:
            self._problem = self._status(error)
        except openai.APITimeoutError:
            self._problem = problems.no_token(self._limits.ttft_s)
        except (openai.APIError, OSError, ValueError) as error:
            self._problem = problems.proxied(error)
        finally:
            self._over.set()

    def _status(self, error: openai.APIStatusError) -> str:
        reply = error.response
        self.status = reply.status_code
        fields = {name.lower(): value for name, value in reply.headers.items()}
        return problems.status(
            Head(reply.status_code, reply.reason_phrase, fields), reply.content, self._body["model"]
        )
