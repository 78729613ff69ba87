"""Who keeps the record of a host: the process that holds one file locked."""

import contextlib
import fcntl
import os
from pathlib import Path

from backends.host.files import PRIVATE_FILE

FOLDER_MODE = 0o700


class RecordLock:
    """The lock on the record of one state folder; the kernel drops it with the process."""

    def __init__(self, state_folder: Path) -> None:
        self._path = state_folder / "record.lock"
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._descriptor is not None

    def take(self) -> bool:
        """Take it if nobody else holds it; where no file can be made nobody keeps a record."""
        try:
            self._path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, PRIVATE_FILE)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let another process keep the record."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
