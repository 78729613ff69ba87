"""Files that only this user may read: replaced in one step, read without waiting."""

import ctypes
import errno
import os
import stat
import tempfile
from pathlib import Path

PRIVATE_FILE = 0o600
_KEEP_SIZE = 1
"""From ``linux/falloc.h``: the room lies behind the end of the file, which stays where it is."""

_libc = ctypes.CDLL(None)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)


class NotAFile(OSError):
    """Something that can be opened has the name of a file and is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "not a regular file", str(path))


def read_file(path: Path) -> bytes:
    """Return what a file holds; a FIFO or a device, which might never end, is not waited for.

    Raises:
        NotAFile: there is something else of that name.
        OSError: it cannot be read.
    """

    def at_once(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK)

    with open(path, "rb", opener=at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotAFile(path)
        return file.read()


def replace_file(
    path: Path, content: bytes, mode: int = PRIVATE_FILE, *, survives_power_cut: bool = True
) -> None:
    """Replace what `path` holds, so that a reader sees the old or the new, never half of it.

    The new content is on the disk before it has the name, so that a host that loses its power
    keeps one of the two; a file that is written every second can do without. A symbolic link is
    replaced and not followed.

    Raises:
        OSError: the folder takes no file; the old content is untouched.
    """
    descriptor, draft_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if survives_power_cut:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def reserve(descriptor: int, room_bytes: int) -> None:
    """Take room on the disk for what will be appended to a file, by ``fallocate(2)``.

    A file system that knows no such thing, or has no room, leaves everything as it is.
    """
    _libc.fallocate(descriptor, _KEEP_SIZE, os.fstat(descriptor).st_size, room_bytes)


def release(descriptor: int) -> None:
    """Give back what was reserved and not needed.

    Raises:
        OSError: the disk refuses.
    """
    os.ftruncate(descriptor, os.fstat(descriptor).st_size)
