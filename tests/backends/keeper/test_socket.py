"""The socket on which a keeper takes orders: for its user alone, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.keeper.folder import ServerFolder, prepare
from backends.keeper.service import listen


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_may_connect(tmp_path: Path) -> None:
    folder = ServerFolder(tmp_path / "servers" / "chat")
    prepare(folder)
    listener, inode = listen(folder)
    with listener:
        seen = folder.socket.lstat()
        assert stat.S_IMODE(seen.st_mode) == 0o600
        assert seen.st_ino == inode
