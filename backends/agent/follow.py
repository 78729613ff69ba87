"""Follows the record of a host as its agent tells it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from backends.agent.client import ANSWER_S, check_greeting, connection_to, strange
from backends.agent.greeting import LINE_LIMIT_BYTES, Hello, Status
from backends.agent.messages import Message, Series, decode
from backends.agent.place import Order
from backends.wire import UnreadableRecord


async def follow(state_folder: Path, refresh: asyncio.Event) -> AsyncIterator[Message]:
    """Yield a snapshot, then what happens, and another snapshot each time `refresh` is set.

    Ends when the agent does.

    Raises:
        AgentUnavailable: it does not answer, or with something else.
    """
    connection = await asyncio.to_thread(connection_to, state_folder)
    if connection is None:
        return
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_LIMIT_BYTES)
    asking = asyncio.ensure_future(_ask_again(writer, refresh))
    try:
        check_greeting(await asyncio.wait_for(reader.readline(), ANSWER_S))
        writer.write(msgspec.json.encode(Order("follow")) + b"\n")
        while line := await reader.readline():
            message = decode(line)
            if not isinstance(message, Hello | Status | Series):
                yield message
    except (TimeoutError, UnreadableRecord, ValueError) as error:
        raise strange(state_folder, error) from error
    except ConnectionError:
        return  # it was killed
    finally:
        asking.cancel()
        writer.close()


async def _ask_again(writer: asyncio.StreamWriter, refresh: asyncio.Event) -> None:
    while True:
        await refresh.wait()
        refresh.clear()
        writer.write(msgspec.json.encode(Order("snapshot")) + b"\n")
