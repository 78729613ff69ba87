"""Speaks to the agent of a state folder, and starts one where none answers."""

import io
import os
import select
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backends.agent.greeting import (
    LINE_LIMIT_BYTES,
    PROTOCOL,
    RELEASE,
    Hello,
    NoGreeting,
    Status,
    greeting_of,
)
from backends.agent.place import Order, folder_of, log_of, socket_of
from backends.host import spawn, unix_socket
from backends.host.files import PRIVATE_FILE
from backends.problem import Problem
from backends.settings.paths import private_folder

if TYPE_CHECKING:
    from backends.agent.messages import Message, Series, Snapshot

ANSWER_S = 2.0
"""How long a living agent may take to greet; it does within milliseconds."""

START_S = 10.0
"""How long a new agent may take to greet, and then to answer from the record that it takes up."""

POLL_S = 0.02

LOG_LIMIT_BYTES = 1 << 20


class AgentUnavailable(Problem):
    """The agent does not answer as it should; the message is one sentence with the remedy."""


def status(state_folder: Path) -> Status | None:
    """Return what the agent is doing, None where none runs.

    Raises:
        AgentUnavailable: one runs and does not answer, or is not to be trusted.
    """
    line = _asked(state_folder, Order("status"))
    try:
        return None if line is None else greeting_of(line, Status)
    except NoGreeting as error:
        raise strange(state_folder, error) from error


def snapshot(state_folder: Path) -> "Snapshot | None":
    """Return the whole record of the host as the agent has it, None where none runs.

    Raises:
        AgentUnavailable: one runs and does not answer, or is not to be trusted.
    """
    from backends.agent.messages import Snapshot  # noqa: PLC0415  see `_answered`

    found = _answered(state_folder, Order("snapshot"))
    if found is None or isinstance(found, Snapshot):
        return found
    raise strange(state_folder, TypeError(type(found).__name__))


def series(state_folder: Path, server: str, step_s: float) -> "Series | None":
    """Return figures of a server over time, None where no agent runs.

    Raises:
        AgentUnavailable: one runs and does not answer, or is not to be trusted.
    """
    from backends.agent.messages import Series  # noqa: PLC0415  see `_answered`

    found = _answered(state_folder, Order("series", server, step_s))
    if found is None or isinstance(found, Series):
        return found
    raise strange(state_folder, TypeError(type(found).__name__))


def stop(state_folder: Path) -> bool:
    """End the agent, and return once it has written the record; False where none ran.

    Raises:
        AgentUnavailable: one runs and does not end.
    """
    with _connected(state_folder) as connected:
        if connected is None:
            return False
        lines, hello = connected
        _send(lines, Order("stop"))
        try:
            while lines.readline():
                pass  # it hangs up once everything is written
        except OSError as error:
            raise AgentUnavailable(f"the agent did not stop; see {log_of(state_folder)}") from error
    _await_end(hello.pid)
    return True


def _await_end(pid: int) -> None:
    """Wait for a process that is about to end: until then it keeps the next one from beginning."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            select.select([handle], [], [], START_S)
        finally:
            os.close(handle)


def ensure(state_folder: Path, withheld: Collection[str] = ()) -> None:
    """Return once an agent of this release, or a newer one, answers; blocks.

    Args:
        state_folder: whose agent.
        withheld: variables that it must not get, see `Settings.key_variables`.

    Raises:
        AgentUnavailable: it cannot be started, or does not answer.
    """
    running = status(state_folder)
    if running is not None and _older(running.version):
        stop(state_folder)
        running = None
    if running is None:
        _start(state_folder, withheld)


def _answered(state_folder: Path, order: Order) -> "Message | Hello | Status | Series | None":
    # Half of what a verb loads is the record's values, which starting an agent does not need.
    from backends.agent.messages import decode  # noqa: PLC0415
    from backends.wire import UnreadableRecord  # noqa: PLC0415

    line = _asked(state_folder, order)
    try:
        return None if line is None else decode(line)
    except UnreadableRecord as error:
        raise strange(state_folder, error) from error


def _asked(state_folder: Path, order: Order) -> bytes | None:
    with _connected(state_folder) as connected:
        if connected is None:
            return None
        lines, _ = connected
        _send(lines, order)
        try:
            return lines.readline(LINE_LIMIT_BYTES)
        except OSError as error:
            raise strange(state_folder, error) from error


@contextmanager
def _connected(state_folder: Path) -> Iterator["tuple[io.BufferedRWPair, Hello] | None"]:
    """Yield the lines of a connection, and its greeting; None where nobody answers."""
    connection = connection_to(state_folder)
    if connection is None:
        yield None
        return
    with closing(connection), connection.makefile("rwb") as lines:
        try:
            hello = check_greeting(lines.readline(LINE_LIMIT_BYTES))
        except (OSError, NoGreeting) as error:
            raise strange(state_folder, error) from error
        connection.settimeout(START_S)
        yield lines, hello


def _send(lines: io.BufferedRWPair, order: Order) -> None:
    lines.write(msgspec.json.encode(order) + b"\n")
    lines.flush()


def connection_to(state_folder: Path) -> socket.socket | None:
    """Return a connection to an agent of this user, None where none answers.

    Raises:
        AgentUnavailable: it does not answer, or is another user's.
    """
    path = socket_of(state_folder)
    try:
        connection = unix_socket.connect(path, ANSWER_S)
    except (OSError, TimeoutError) as error:
        raise AgentUnavailable(f"{path} does not answer: {error}; end the agent") from error
    if connection is not None and unix_socket.peer_uid(connection) not in {0, os.geteuid()}:
        connection.close()
        raise AgentUnavailable(f"{path} is answered by another user; remove it")
    return connection


def check_greeting(line: bytes) -> Hello:
    """Return the greeting of an agent whose messages are understood here.

    Raises:
        NoGreeting: it is none.
        AgentUnavailable: it is one of another release, which is not understood.
    """
    hello = greeting_of(line, Hello)
    if hello.protocol != PROTOCOL and not _older(hello.version):
        raise AgentUnavailable(
            f"the agent is inferctl {hello.version} and this is {RELEASE}: they do not understand "
            f"each other; end it with `inferctl agent stop`, or use that release"
        )
    return hello


def _older(version: str) -> bool:
    return _numbers(version) < _numbers(RELEASE)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.encode("ascii", "replace").split(b".")
    return tuple(int(part) for part in parts if part.isdigit() and len(part) < 10)


def strange(state_folder: Path, error: Exception) -> AgentUnavailable:
    """Return the problem for an answer that no agent gives."""
    return AgentUnavailable(
        f"the agent does not answer as it should ({error}); see {log_of(state_folder)}"
    )


def _start(state_folder: Path, withheld: Collection[str]) -> None:
    try:
        private_folder(folder_of(state_folder))
        path = log_of(state_folder)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)) as log:
            if os.fstat(log.fileno()).st_size > LOG_LIMIT_BYTES:
                os.ftruncate(log.fileno(), 0)
            process = subprocess.Popen(
                spawn.command("backends.operations.agent", str(state_folder.absolute())),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=spawn.environment(withheld),
                start_new_session=True,
            )
    except OSError as error:
        raise AgentUnavailable(f"the agent cannot be started: {error.strerror}") from error
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        if status(state_folder) is not None:
            return
        if process.poll() not in {None, 0}:
            break
        time.sleep(POLL_S)
    raise AgentUnavailable(f"the agent did not start; see {log_of(state_folder)}")
