"""``python -m backends.operations.agent STATE_FOLDER``: keeps the record of this host."""

import asyncio
import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backends.agent.place import lock_of, socket_of
from backends.history.thread import HistoryThread
from backends.host import unix_socket
from backends.host.files import PRIVATE_FILE
from backends.operations.agent.service import Service
from backends.operations.host import Host, this_host
from backends.operations.recording.feed import has_work
from backends.operations.recording.recorder import Recorder
from backends.problem import Problem
from backends.settings.config import Settings
from backends.settings.paths import config_file

IDLE_S = 60.0
"""The agent ends when nothing was there to watch, and nobody followed it, for this long."""

LOOK_S = 1.0

HISTORY_END_S = 5.0
"""How long an agent that ends goes on to write down what another process keeps it from."""


def main() -> int:
    """Keep the record until nothing is left to watch, or somebody ends it."""
    state_folder = Path(sys.argv[1])
    lock = os.open(lock_of(state_folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0  # another agent keeps it
    os.umask(0o077)
    try:
        host = replace(this_host(), state_folder=state_folder)
    except Problem as problem:
        print(problem, file=sys.stderr)  # noqa: T201  its log
        host = replace(this_host(Settings()), state_folder=state_folder)
    asyncio.run(keep(host))
    return 0


async def keep(host: Host, idle_s: float = IDLE_S) -> None:
    """Keep the record of a host, and answer those who ask for it."""
    history = HistoryThread(host.history_file)
    recorder = Recorder(host, history)
    service = Service(recorder)
    place = socket_of(host.state_folder)
    listener = unix_socket.listen(place)
    inode = place.stat().st_ino
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    work = [
        asyncio.create_task(recorder.run()),
        asyncio.create_task(service.run(listener)),
        asyncio.create_task(_until_over(recorder, service, idle_s, inode)),
        asyncio.create_task(service.stop.wait()),
    ]
    done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    if _is_ours(host.state_folder, inode):
        place.unlink()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await asyncio.to_thread(history.close, HISTORY_END_S)
    await service.close()
    for task in done:
        task.result()


async def _until_over(recorder: Recorder, service: Service, idle_s: float, inode: int) -> None:
    """Return once there is nothing to do, or nobody can reach this agent any more.

    Until then the recorder goes on with the configuration whenever its file has changed.
    """
    since_s, seen_ns = time.monotonic(), await asyncio.to_thread(_changed_ns)
    while time.monotonic() - since_s < idle_s:
        await asyncio.sleep(LOOK_S)
        ours, changed_ns = await asyncio.to_thread(_look, recorder.host.state_folder, inode)
        if not ours:
            return  # the folder is gone, or another agent has taken its place
        if changed_ns != seen_ns:
            seen_ns = changed_ns
            await _reconfigure(recorder)
        if service.following or has_work(recorder):
            since_s = time.monotonic()


def _look(state_folder: Path, inode: int) -> tuple[bool, int]:
    return _is_ours(state_folder, inode), _changed_ns()


def _is_ours(state_folder: Path, inode: int) -> bool:
    try:
        return socket_of(state_folder).stat().st_ino == inode
    except OSError:
        return False


async def _reconfigure(recorder: Recorder) -> None:
    with suppress(Problem):  # half a file, or a wrong one: the last that was right holds
        host = await asyncio.to_thread(this_host)
        recorder.host = replace(host, state_folder=recorder.host.state_folder)


def _changed_ns() -> int:
    try:
        return config_file().stat().st_mtime_ns
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
