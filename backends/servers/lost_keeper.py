"""Servers of ours that run, wholly or in part, while their keeper does not.

Every verb asks for them, so nothing is loaded to list servers unless there is one.
"""

import os
from pathlib import Path

from backends.domain.server import Server
from backends.host import processes
from backends.keeper.folder import ServerFolder, Unreadable, keeper_id, server_folders
from backends.keeper.order import KeeperError, load_order

LAST_FACT_BYTES = 4096


def servers_without_keeper(state_folder: Path) -> tuple[Server, ...]:
    """Return the servers of which something lives without a keeper; mostly two small reads each."""
    candidates = [one.path for one in server_folders(state_folder) if _may_live_on(one)]
    if not candidates:
        return ()
    from backends.servers.listing import our_server  # noqa: PLC0415  see above

    return tuple(one for one in map(our_server, candidates) if one.lost_its_keeper)


def watches_without_keeper(state_folder: Path) -> tuple[Path, ...]:
    """Return the folders of adopted servers that run on and that no keeper watches any more."""
    return tuple(
        one.path for one in server_folders(state_folder) if _may_live_on(one) and _is_watched(one)
    )


def _is_watched(folder: ServerFolder) -> bool:
    try:
        external = load_order(folder.order).external
    except (KeeperError, OSError):
        return False
    return external is not None and processes.is_alive(external.process)


def _may_live_on(folder: ServerFolder) -> bool:
    """Tell whether the keeper of the last start is gone and did not see the server's end."""
    try:
        keeper = keeper_id(folder)
    except Unreadable:  # the verbs that list servers say so
        return False
    if keeper is None or processes.is_alive(keeper):
        return False
    try:
        with folder.journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_FACT_BYTES))
            return b'"fact":"Stopped"' not in file.read().splitlines()[-1:][0]
    except (OSError, IndexError):
        return False
