"""A simulated serverless endpoint: ``python -m backends.simulated.endpoint --port P``.

OpenAI-compatible, streaming, on loopback. Its time to first token is spread as that of a published
one was: 446 ms to 1.3 s with a median of 546 ms over twenty requests. It can misbehave in the
ways that real ones do, for all requests (``--misbehave``) or for those whose model name ends in
the way's name (``gpt-oss-120b-cut``); below ``/MODE/v1`` it answers in a shape of `conformance`.
``SIMULATED_API_KEY`` is the key it asks for, if set.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

from backends.simulated.completions import Ask, BadRequest, answerer, read_ask
from backends.simulated.conformance import Conformance
from backends.simulated.prose import answer
from backends.simulated.web import Reply, Request, WebServer

MISBEHAVIOURS = (
    "401", "404", "429", "500", "html", "cut", "silent", "role-late", "no-usage"
)  # fmt: skip
_FASTEST_S, _MEDIAN_S, _SLOWEST_S = 0.446, 0.546, 1.3
_SPREAD = 0.75
_OUTPUT_TOKENS_PER_S = 110.0
_ROOM_TOKENS = 131_072
_FAILURES = {
    "401": ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "404": ("The model does not exist or you do not have access to it.", "invalid_request_error",
            "model_not_found"),
    "429": ("Rate limit reached for requests. Please try again later.", "rate_limit_error",
            "rate_limit_exceeded"),
    "500": ("The server had an error while processing your request.", "server_error", None),
}  # fmt: skip
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n"


def first_token_delays(seed: int) -> Iterator[float]:
    """Yield times to first token in seconds: a shifted log-normal, held between its two ends."""
    chance = random.Random(seed)
    while True:
        excess_s = (_MEDIAN_S - _FASTEST_S) * chance.lognormvariate(0.0, _SPREAD)
        yield min(_FASTEST_S + excess_s, _SLOWEST_S)


@dataclass(slots=True)
class Endpoint:
    """Answers completions at a serverless endpoint's speed.

    Attributes:
        cold_after_s: left alone for longer, it loads its model first, which takes `cold_start_s`;
            both at true speed, None for an endpoint that never sleeps.
        shapes: what it answers below a mode's path.
        busy_at: when it last answered, on the loop's clock; None before it ever did.
    """

    model: str
    misbehave: str
    speed: float
    delays: Iterator[float]
    key: str
    cold_after_s: float | None = None
    cold_start_s: float = 0.0
    busy_at: float | None = None
    shapes: Conformance = field(default_factory=Conformance)

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        bearer = request.headers.get("authorization")
        match request.method, request.path:
            case "GET", "/health":
                await reply.send(200, b"")
            case _ if self.key and bearer != f"Bearer {self.key}":
                await self._fail(reply, "401")
            case "GET", "/v1/models":
                card = {"id": self.model, "object": "model", "owned_by": "simulated"}
                await reply.send_json(200, {"object": "list", "data": [card]})
            case "POST", "/v1/chat/completions":
                await self._complete(request, reply, chat=True)
            case "POST", "/v1/completions":
                await self._complete(request, reply, chat=False)
            case _ if self.shapes.knows(request.path):
                await self.shapes.handle(request, reply)
            case _:
                await self._fail(reply, "404")

    async def _complete(self, request: Request, reply: Reply, *, chat: bool) -> None:
        try:
            body = request.json()
            ask = read_ask(body, chat=chat, identity=uuid4().hex, room=_ROOM_TOKENS)
        except (BadRequest, ValueError, TypeError) as error:
            await reply.send_json(400, {"error": {"message": str(error), "code": None}})
            return
        manner = self._manner(ask.model)
        await self._wake()
        if manner in _FAILURES:
            await self._fail(reply, manner)
        elif manner == "html":
            await reply.send(502, _HTML, "text/html")
        elif manner == "silent":
            await asyncio.Event().wait()
        elif ask.stream:
            await self._stream(ask, reply, manner)
        else:
            await self._wait(next(self.delays) + ask.tokens / _OUTPUT_TOKENS_PER_S)
            text = "".join(answer(ask.prompt, ask.tokens))
            await reply.send_json(200, answerer(ask).whole(text))

    async def _wake(self) -> None:
        loop = asyncio.get_running_loop()
        if self.cold_after_s is None:
            return
        if self.busy_at is None or loop.time() - self.busy_at > self.cold_after_s:
            await asyncio.sleep(self.cold_start_s)
        self.busy_at = loop.time()

    async def _stream(self, ask: Ask, reply: Reply, manner: str) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + next(self.delays) / self.speed
        writes = answerer(ask)
        await reply.begin_stream()
        if manner != "role-late":
            await reply.event(writes.role())
        for done, word in enumerate(answer(ask.prompt, ask.tokens), 1):
            await asyncio.sleep(due - loop.time())
            if manner == "role-late" and done == 1:
                await reply.event(writes.role())
            if manner == "cut" and done > ask.tokens // 2:
                reply.cut()
                return
            write = writes.last if done == ask.tokens else writes.text
            await reply.event(write(word, done))
            due += 1 / _OUTPUT_TOKENS_PER_S / self.speed
        if ask.include_usage and manner != "no-usage":
            await reply.event(writes.usage(ask.tokens))
        await reply.event(b"[DONE]")
        await reply.end_stream()

    def _manner(self, model: str) -> str:
        named = (way for way in MISBEHAVIOURS if model.endswith(f"-{way}"))
        return next(named, self.misbehave)

    async def _wait(self, recorded_s: float) -> None:
        await asyncio.sleep(recorded_s / self.speed)

    async def _fail(self, reply: Reply, status: str) -> None:
        message, kind, code = _FAILURES[status]
        error = {"message": message, "type": kind, "param": None, "code": code}
        headers = {"retry_after": "1"} if status == "429" else {}
        await reply.send_json(int(status), {"error": error}, **headers)


def main() -> None:
    """Serve until SIGTERM or SIGINT; print the port as the first line."""
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(_serve(_arguments()))


async def _serve(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    endpoint = Endpoint(
        model=arguments.model,
        misbehave=arguments.misbehave,
        speed=arguments.speed,
        delays=first_token_delays(arguments.seed),
        key=os.environ.get("SIMULATED_API_KEY", ""),
        cold_after_s=arguments.cold_after,
        cold_start_s=arguments.cold_start,
    )
    port = socket.create_server(("127.0.0.1", arguments.port))
    server = WebServer(endpoint.handle)
    await server.listen(port)
    print(port.getsockname()[1], flush=True)  # noqa: T201
    await ended.wait()
    await server.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A simulated serverless endpoint, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", default="openai-gpt-oss-120b")
    parser.add_argument("--misbehave", choices=MISBEHAVIOURS, default="")
    parser.add_argument("--speed", type=float, default=1.0, help="divides all times")
    parser.add_argument("--seed", type=int, default=1293, help="chooses the times to first token")
    parser.add_argument("--cold-after", type=float, metavar="S", help="sleep when idle for longer")
    parser.add_argument("--cold-start", type=float, default=0.0, metavar="S", help="to wake it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
