"""``python -m backends.operations.agent STATE_FOLDER``: keeps the record of this host."""

import asyncio
import fcntl
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from backends.agent.place import holds_socket, lock_of, socket_of
from backends.host import unix_socket
from backends.host.files import PRIVATE_FILE
from backends.operations.agent.service import Service


def main() -> int:
    """Keep the record until nothing is left to watch, or somebody ends it."""
    state_folder = Path(sys.argv[1])
    lock = os.open(lock_of(state_folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0  # another agent keeps it
    os.umask(0o077)
    asyncio.run(_live(state_folder))
    return 0


async def _live(state_folder: Path) -> None:
    """Answer at once, and keep the record as soon as what that takes is loaded."""
    service = Service()
    place = socket_of(state_folder)
    listener = unix_socket.listen(place)
    inode = place.stat().st_ino
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    work = [
        asyncio.create_task(service.run(listener)),
        asyncio.create_task(_keep(state_folder, service, inode)),
        asyncio.create_task(service.stop.wait()),
    ]
    done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
    if holds_socket(state_folder, inode):
        place.unlink()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await service.close()
    for task in done:
        task.result()


async def _keep(state_folder: Path, service: Service, inode: int) -> None:
    keeping = await asyncio.to_thread(import_module, "backends.operations.agent.keeping")
    host = await asyncio.to_thread(keeping.host_of, state_folder)
    await keeping.keep(host, service, inode)


if __name__ == "__main__":
    sys.exit(main())
