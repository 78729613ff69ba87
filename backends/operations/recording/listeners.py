"""Those who follow the record of a host, each with what it has not taken yet."""

import asyncio
from collections.abc import AsyncIterator, Callable

from backends.agent.messages import Message, Snapshot

MOST_WAITING = 600
"""Messages that a listener may be behind: ten minutes of them. One that is further is let go."""


class Listeners:
    """Sends every message to all who listen, and waits for none of them."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._queues: set[asyncio.Queue[Message | None]] = set()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield a snapshot, then what is sent; ends with `end`, or where it is too far behind."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        queue.put_nowait(self._snapshot())
        self._queues.add(queue)
        try:
            while (message := await queue.get()) is not None:
                yield message
        finally:
            self._queues.discard(queue)

    def send(self, message: Message) -> None:
        """Send a message to all; one that is too far behind loses what it has not taken."""
        for queue in list(self._queues):
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(message)
                continue
            self._queues.discard(queue)
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)

    def end(self) -> None:
        """Let all go, once they have taken what was sent."""
        for queue in self._queues:
            queue.put_nowait(None)
