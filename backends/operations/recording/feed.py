"""Where a console has the record of its host from: the agent, or itself."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence

from backends.agent import client
from backends.agent.client import AgentUnavailable
from backends.agent.follow import follow
from backends.agent.messages import Message
from backends.domain.server import Owner
from backends.history.thread import HistoryThread
from backends.keeper.folder import server_folders
from backends.operations.host import Host
from backends.operations.recording import by_agent
from backends.operations.recording.recorder import Recorder
from backends.servers.adopted import remembered
from backends.servers.listing import server_pids

AGAIN_S = 30.0
"""How long a console keeps the record itself where the agent cannot be had."""


class RecordFeed:
    """Yields the record of a host as messages: a snapshot first, then what happens.

    Attributes:
        problem: why the agent cannot be had, one sentence with the remedy; empty while it can.
    """

    def __init__(self, host: Callable[[], Host], history: HistoryThread) -> None:
        self.problem = ""
        self._host = host
        self._history = history
        self._recorder: Recorder | None = None
        self._refresh = asyncio.Event()

    def refresh(self) -> None:
        """Ask for a snapshot among the messages, as when another server is shown."""
        if self._recorder is not None:
            self._recorder.look_again()
        else:
            self._refresh.set()

    def reconfigure(self) -> None:
        """Go on with the configuration that the host has now; an agent reads it by itself."""
        if self._recorder is not None:
            self._recorder.host = self._host()

    async def series(self, server: str, step_s: float) -> Sequence[Sequence[float | None]]:
        """Return a server's figures over time from whoever keeps the record; see `FIGURES`.

        Raises:
            AgentUnavailable: it does not answer.
        """
        if (recorder := self._recorder) is not None:
            rows = await asyncio.to_thread(recorder.series, server, step_s)
            return [[None if math.isnan(one) else one for one in row] for row in rows]
        found = await asyncio.to_thread(client.series, self._host().state_folder, server, step_s)
        return found.rows if found is not None else ()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages until closed.

        Raises:
            Exception: whatever a source of the record raises, which is a bug of the source.
        """
        itself_until_s = 0.0
        while True:
            host = self._host()
            agents = by_agent.kept_by_agent(host)
            if (
                agents
                and host.now().mono_s >= itself_until_s
                and (host.settings.agent.always or await asyncio.to_thread(something_runs, host))
            ):
                try:
                    await asyncio.to_thread(by_agent.begin_agent, host)
                    self._refresh.clear()
                    async for message in follow(host.state_folder, self._refresh):
                        self.problem = ""
                        yield message
                except AgentUnavailable as problem:
                    itself_until_s = host.now().mono_s + AGAIN_S
                    self.problem = str(problem)
                continue
            async for message in self._own(switch=agents, until_s=itself_until_s):
                yield message

    async def _own(self, *, switch: bool, until_s: float) -> AsyncIterator[Message]:
        """Keep the record in this process, until there is something for an agent to do."""
        host = self._host()
        self._recorder = recorder = Recorder(host, self._history)
        running = asyncio.ensure_future(recorder.run())
        try:
            async for message in recorder.messages():
                yield message
                if switch and host.now().mono_s >= until_s and has_work(recorder):
                    return
            await running
        finally:
            self._recorder = None
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def has_work(recorder: Recorder) -> bool:
    """Return whether a server of this host runs that belongs into the record."""
    ours = (each for each in recorder.account.servers if each.owner is Owner.MANAGED)
    kept = any(each.keeper_pid is not None for each in recorder.account.servers)
    return bool(recorder.reads) or kept or any(each.pid is not None for each in ours)


def something_runs(host: Host) -> bool:
    """Return whether a server of ours runs, or one that the user adopted; reads files."""
    kept = any(folder.socket.exists() for folder in server_folders(host.state_folder))
    return kept or bool(server_pids(host.state_folder) or remembered(host.state_folder))
