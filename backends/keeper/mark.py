"""Who keeps a folder, written where everybody finds it."""

import os

import msgspec

from backends.domain.server import ProcessId
from backends.host import processes
from backends.keeper.folder import ServerFolder, write_private


def leave_mark(folder: ServerFolder) -> None:
    """Write down that this process keeps the folder.

    Raises:
        OSError: the folder takes no file.
    """
    write_private(folder.keeper, msgspec.json.encode(processes.identity(os.getpid())))


def keeper_id(folder: ServerFolder) -> ProcessId | None:
    """Return the last keeper of this folder, alive or not."""
    try:
        return msgspec.json.decode(folder.keeper.read_bytes(), type=ProcessId)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def living_keeper(folder: ServerFolder) -> ProcessId | None:
    """Return the keeper of this folder that runs now, by the process table where no file tells.

    The file names a keeper that was killed where the disk took no other since.
    """
    keeper = keeper_id(folder)
    if keeper is not None and processes.is_alive(keeper):
        return keeper
    command = ("-m", "backends.keeper", str(folder.path.absolute()))
    running = (one.id for one in processes.running())
    return next((one for one in running if processes.command_line(one.pid)[-3:] == command), None)
