"""Requests by the ``openai`` client: through proxies and over HTTP/2, stamped in user space."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import httpx2
import openai

from backends.domain.ab.tokens import Piece
from backends.prober import clock, problems
from backends.prober.exchange import LINGER_NS, LIVE_NS, Hooks, Trace
from backends.prober.http import Head
from backends.prober.loop import Loop
from backends.prober.protocol import Limits, Target
from backends.prober.reply import Reply, UnreadableReply

NAMED = ("model", "messages", "stream")


def open_client(target: Target, limits: Limits, *, proxied: bool) -> openai.OpenAI:
    """Return the client of one endpoint: through the environment's proxy, or over HTTP/2.

    It trusts the same authorities as the prober's own connections.
    """
    fields: dict[str, str | openai.Omit] = dict(target.headers)
    if target.auth != "bearer":
        fields["Authorization"] = openai.Omit()
        if target.api_key and target.auth != "none":
            fields[target.auth] = target.api_key
    return openai.OpenAI(
        base_url=target.base_url,
        default_headers=fields,  # type: ignore[arg-type]  # Omit is how its client leaves one out
        default_query=dict(target.query),
        api_key=target.api_key or "none",
        max_retries=0,
        timeout=openai.Timeout(limits.ttft_s, connect=limits.connect_s),
        http_client=openai.DefaultHttpxClient(
            http1=proxied, http2=True, trust_env=proxied, verify=ssl.create_default_context()
        ),
    )


class ClientExchange:
    """One request and its reply, like `Exchange`, in a thread of its own.

    The client brings the bytes of the body; what they mean is read as for every other endpoint.

    Attributes:
        error: one line once it has ended badly, else None.
        status: of the reply, None before one came.
        http_2_only: never: this is what such endpoints are asked with.
    """

    def __init__(
        self,
        client: openai.OpenAI,
        target: Target,
        body: dict[str, Any],
        loop: Loop,
        limits: Limits,
        *,
        proxied: bool,
    ) -> None:
        self.reply = Reply(target.model, target.secrets)
        self.trace = Trace(from_kernel=False, request_bytes=len(repr(body)))
        self.error: str | None = None
        self.http_2_only = False
        self._client = client
        self._body = body
        self._loop = loop
        self._limits = limits
        self._proxied = proxied
        self._hooks: Hooks | None = None
        self._told_sent = False
        self._arrived: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._problem: str | None = None
        self._ended_ns = 0
        self._whole = False
        self._over = threading.Event()

    def begin(self, planned_ns: int | None, hooks: Hooks) -> None:
        """Send the request."""
        self._hooks = hooks
        self.trace.planned_ns = planned_ns or clock.now_ns()
        threading.Thread(target=self._ask, daemon=True).start()
        self._look_again()

    def cancel(self) -> None:
        """Close without telling anybody; what came until now is read, and `error` says so."""
        self._hooks = None
        with suppress(ValueError):  # what came is no reply, and nobody waits for one any more
            self._take_arrived()
        self.error = problems.cancelled(len(self.reply.reader.pieces))

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
        try:
            at_ns, pieces = self._take_arrived()
        except UnreadableReply as error:
            self._finish(hooks, str(error))
            return
        if pieces:
            hooks.pieces(at_ns, pieces)
        late_ns = clock.now_ns() - self.trace.planned_ns
        if over:
            self._finish(hooks, self._problem)
        elif self._is_said_to_end(at_ns):
            self._whole = True
            self._finish(hooks, None)
        elif late_ns > self._limits.total_s * clock.NS:
            self._finish(hooks, problems.too_long(self._limits.total_s))
        elif late_ns > self._limits.ttft_s * clock.NS and not self._has_token():
            self._finish(hooks, problems.no_token(self._limits.ttft_s))
        else:
            self._look_again()

    def _take_arrived(self) -> tuple[int, list[Piece]]:
        at_ns, pieces = self.trace.sent_ns, list[Piece]()
        while not self._arrived.empty():
            at_ns, data = self._arrived.get()
            self.trace.reads += 1
            pieces += self.reply.feed_body((at_ns - self.trace.sent_ns) / clock.NS, data)
        return at_ns, pieces

    def _is_said_to_end(self, at_ns: int) -> bool:
        """Whether the end was said for so long that nothing more is waited for."""
        reader = self.reply.reader
        if not (reader.done or reader.finished):
            return False
        self._ended_ns = self._ended_ns or at_ns
        return clock.now_ns() - self._ended_ns > LINGER_NS

    def _has_token(self) -> bool:
        return any(piece.carries or piece.counted for piece in self.reply.reader.pieces)

    def _finish(self, hooks: Hooks, problem: str | None) -> None:
        self._hooks = None
        self.reply.end((clock.now_ns() - self.trace.sent_ns) / clock.NS)
        cut = self.reply.head is not None and not self._whole
        self.error = self.reply.error(problem, cut=cut)
        hooks.ended(self)

    def _ask(self) -> None:
        """Stream the reply; runs in the thread and touches only what the loop does not write."""
        known = {name: self._body[name] for name in NAMED}
        rest = {name: value for name, value in self._body.items() if name not in NAMED}
        plain = {"Accept-Encoding": "identity"}
        ask = self._client.chat.completions.with_streaming_response.create
        self.trace.sent(clock.now_ns())
        try:
            with ask(**known, extra_body=rest, extra_headers=plain) as response:
                self._take_head(response.http_response)
                for data in response.iter_bytes():
                    self._arrived.put((clock.now_ns(), data))
                    if self._hooks is None:
                        return
            self._whole = True
        except openai.APIStatusError as error:
            self._take_head(error.response)
            self._arrived.put((clock.now_ns(), error.response.content))
            self._whole = True
        except (openai.APITimeoutError, httpx2.TimeoutException):
            self._problem = problems.no_token(self._limits.ttft_s)
        except (openai.APIError, httpx2.HTTPError, OSError, ValueError) as error:
            self._problem = problems.through_client(error, proxied=self._proxied)
        finally:
            self._over.set()

    def _take_head(self, response: httpx2.Response) -> None:
        fields = {name.lower(): value for name, value in response.headers.items()}
        self.reply.take_head(Head(response.status_code, response.reason_phrase, fields))
