"""An endpoint that answers in any known shape: ``python -m backends.simulated.conformance``.

The mode is the first part of the path: ``http://127.0.0.1:PORT/MODE/v1``; `shapes` has them all,
each with the result that it must be read as.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
from collections import Counter
from typing import Any

from backends.simulated.shape import Shape
from backends.simulated.shapes import SHAPES
from backends.simulated.web import Reply, Request, WebServer

FIRST_S, GAP_S = 0.05, 0.01
COMPLETIONS = "/v1/chat/completions"


class Conformance:
    """Answers in the shape that the path names; each mode counts its own requests."""

    def __init__(self) -> None:
        self._had: Counter[str] = Counter()

    def knows(self, path: str) -> bool:
        """Whether a path asks for a mode."""
        return path.endswith(COMPLETIONS) and path.split("/")[1] in SHAPES

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request."""
        mode = request.path.split("/")[1]
        if request.path.endswith("/v1/models") and mode in SHAPES:
            await reply.send_json(200, {"object": "list", "data": [{"id": "m-1"}]})
            return
        if not self.knows(request.path):
            known = {"error": {"message": f"no such mode; there are {', '.join(SHAPES)}"}}
            await reply.send_json(404, known)
            return
        shape = SHAPES[mode]
        if shape.refuses is not None and self._refuses(mode, shape, request):
            refusal = shape.refuses
            await reply.send(
                refusal.status, refusal.payload, refusal.content_type, **refusal.headers
            )
            return
        if shape.wire:
            await reply.wire(shape.wire)
        else:
            await _play(shape, reply)

    def _refuses(self, mode: str, shape: Shape, request: Request) -> bool:
        if request.method == "GET":  # the reply that a redirect has promised
            return False
        if shape.untaken:
            return _sends(request.json(), shape.untaken)
        self._had[mode] += 1
        return shape.times < 0 or self._had[mode] <= shape.times


def _sends(body: dict[str, Any], name: str) -> bool:
    first, _, second = name.partition(".")
    return first in body and (not second or second in body[first])


async def _play(shape: Shape, reply: Reply) -> None:
    await reply.begin_stream(**shape.headers)
    await asyncio.sleep(FIRST_S)
    for event in shape.events:
        await reply.event(event.encode() if isinstance(event, str) else json.dumps(event).encode())
        await asyncio.sleep(GAP_S)
    await reply.end_stream()


def main() -> None:
    """Serve until SIGTERM or SIGINT; print the port as the first line."""
    parser = argparse.ArgumentParser(description="An endpoint in every known shape, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(_serve(parser.parse_args().port))


async def _serve(port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    listener = socket.create_server(("127.0.0.1", port))
    server = WebServer(Conformance().handle)
    await server.listen(listener)
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    await ended.wait()
    await server.close()


if __name__ == "__main__":
    main()
