"""Who keeps a folder, written where everybody finds it."""

import os
from pathlib import Path

import msgspec

from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.processes import Process
from backends.keeper.folder import ServerFolder, Unreadable, write_private


def leave_mark(folder: ServerFolder) -> None:
    """Write down that this process keeps the folder.

    Raises:
        OSError: the folder takes no file.
    """
    write_private(folder.keeper, msgspec.json.encode(processes.identity(os.getpid())))


def keeper_id(folder: ServerFolder) -> ProcessId | None:
    """Return the last keeper of this folder, alive or not.

    Raises:
        Unreadable: its file is there, and cannot be read.
    """
    try:
        return msgspec.json.decode(folder.keeper.read_bytes(), type=ProcessId)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    except OSError as error:
        raise Unreadable.of(folder.keeper, error) from error


def living_keeper(folder: ServerFolder) -> ProcessId | None:
    """Return the keeper of this folder that runs now, by the process table where no file tells.

    The file names a keeper that was killed where the disk took no other since, or whatever
    process somebody wrote into it.
    """
    keeper = keeper_id(folder)
    named = processes.read(keeper.pid) if keeper is not None else None
    if named is not None and named.id == keeper and keeps(named, folder):
        return keeper
    return next((one.id for one in processes.running() if keeps(one, folder)), None)


def keeps(process: Process, folder: ServerFolder) -> bool:
    """Tell by its command line whether a process is a keeper of this folder."""
    # One that has ended shows no command line.
    *_, flag, module, place = ("", "", "", *processes.command_line(process.id.pid))
    if (flag, module) != ("-m", "backends.keeper"):
        return False
    return Path(place).resolve() == folder.path.resolve()
