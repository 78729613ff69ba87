"""Where the agent of a state folder answers, and the one line that an order to it is."""

from pathlib import Path

import msgspec

ORDER_LIMIT_BYTES = 4096


def folder_of(state_folder: Path) -> Path:
    """Return the folder that holds the agent's files."""
    return state_folder / "agent"


def socket_of(state_folder: Path) -> Path:
    """Return where the living agent answers."""
    return folder_of(state_folder) / "agent.sock"


def holds_socket(state_folder: Path, inode: int) -> bool:
    """Return whether the socket of a state folder is still the one with this inode."""
    try:
        return socket_of(state_folder).stat().st_ino == inode
    except OSError:
        return False


def log_of(state_folder: Path) -> Path:
    """Return the file that holds the errors of agents, as text."""
    return folder_of(state_folder) / "agent.log"


def lock_of(state_folder: Path) -> Path:
    """Return the file that the living agent holds locked."""
    return folder_of(state_folder) / "lock"


class Order(msgspec.Struct):
    """One line from a client.

    Attributes:
        order: ``follow``, ``snapshot``, ``status``, ``series`` or ``stop``.
        server: whose series.
        step_s: of which resolution: 1, 15 or 300 seconds.
    """

    order: str
    server: str = ""
    step_s: float = 1.0
