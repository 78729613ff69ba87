"""Where a console has the record of its host from."""

import asyncio
from collections.abc import AsyncIterator, Callable

from backends.agent.messages import Message
from backends.history.thread import HistoryThread
from backends.operations.host import Host
from backends.operations.recording.recorder import Recorder


class RecordFeed:
    """Yields the record of a host as messages: a snapshot first, then what happens."""

    def __init__(self, host: Callable[[], Host], history: HistoryThread) -> None:
        self._host = host
        self._history = history
        self._recorder: Recorder | None = None

    def refresh(self) -> None:
        """Ask for a snapshot among the messages, as when another server is shown."""
        if self._recorder is not None:
            self._recorder.republish()

    def reconfigure(self) -> None:
        """Go on with the configuration that the host has now."""
        if self._recorder is not None:
            self._recorder.host = self._host()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages until closed.

        Raises:
            Exception: whatever a source of the record raises, which is a bug of the source.
        """
        async for message in self._own():
            yield message

    async def _own(self) -> AsyncIterator[Message]:
        """Keep the record in this process."""
        self._recorder = recorder = Recorder(self._host(), self._history)
        running = asyncio.ensure_future(recorder.run())
        try:
            async for message in recorder.messages():
                yield message
            await running
        finally:
            self._recorder = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
