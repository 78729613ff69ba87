"""Unix sockets in folders of any depth, for this user alone."""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from backends.host.files import PRIVATE_FILE


def listen(path: Path) -> socket.socket:
    """Return a non-blocking socket that listens at a path, in place of what was there.

    The address of a Unix socket holds 107 bytes; the folder is therefore named by a descriptor.

    Raises:
        OSError: the folder is gone, or takes no new file.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    with _descriptor(path.parent) as place:
        listener.bind(f"/proc/self/fd/{place}/{path.name}")
    path.chmod(PRIVATE_FILE)
    listener.listen()
    listener.setblocking(False)
    return listener


def connect(path: Path, timeout_s: float | None = None) -> socket.socket | None:
    """Return a connection to whoever listens at a path, None where nobody does.

    Raises:
        PermissionError: this user may not connect.
        TimeoutError: whoever listens does not accept in time.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_s)
    try:
        with _descriptor(path.parent) as place:
            connection.connect(f"/proc/self/fd/{place}/{path.name}")
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def peer_uid(connection: socket.socket) -> int:
    """Return the user of the process at the other end, as the kernel knows it."""
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)


@contextlib.contextmanager
def _descriptor(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
