"""Where inferctl keeps its files, read from the environment at each call.

Folders made here have mode 0700 and files 0600: they name models, hosts and prices.
"""

import os
import stat
from pathlib import Path

from platformdirs import PlatformDirs

from backends.problem import Problem

_DIRS = PlatformDirs("inferctl", appauthor=False)


def config_file() -> Path:
    """Return ``$XDG_CONFIG_HOME/inferctl/config.toml``, which need not exist."""
    return _DIRS.user_config_path / "config.toml"


def state_folder() -> Path:
    """Return ``$XDG_STATE_HOME/inferctl``, made if missing.

    Raises:
        UntrustedFolder: it is a symbolic link, or belongs to another user.
        OSError: it cannot be made.
    """
    return private_folder(_DIRS.user_state_path)


def existing_state_folder() -> Path | None:
    """Return ``$XDG_STATE_HOME/inferctl`` where there is one to be trusted; makes nothing."""
    folder = _DIRS.user_state_path
    found = _seen(folder)
    if found is None or not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return None
    return folder


def history_file() -> Path:
    """Return where the history database lies, its folder made if missing."""
    return state_folder() / "history.sqlite"


def private_folder(folder: Path) -> Path:
    """Make `folder` with mode 0700, or narrow it to that, and return it.

    Raises:
        UntrustedFolder: it is a symbolic link, or belongs to another user.
        OSError: it cannot be made.
    """
    _refuse_untrusted(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another folder may have been put in its place since: the descriptor stays on one of them.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return folder


class UntrustedFolder(Problem):
    """What lies in a folder decides which processes are ended: it has to be the user's own."""


def _refuse_untrusted(folder: Path) -> None:
    """Refuse a folder that is a link or another user's, or that root would make in a user's home.

    Raises:
        UntrustedFolder: it is one of these; the message names the remedy.
    """
    found = _seen(folder)
    if found is None:
        user = os.environ.get("SUDO_UID") if os.geteuid() == 0 else None
        above = next(each for each in map(_seen, folder.parents) if each is not None)
        if user is not None and str(above.st_uid) == user:
            raise UntrustedFolder(
                f"root would make {folder} where it belongs to user {user}; "
                f"run inferctl without sudo, or with sudo -H"
            )
    elif stat.S_ISLNK(found.st_mode):
        raise UntrustedFolder(
            f"{folder} is a symbolic link, which is not followed; remove it, and name the folder "
            "above the one that it leads to by its XDG_ variable"
        )
    elif found.st_uid != os.geteuid():
        raise UntrustedFolder(
            f"{folder} belongs to user {found.st_uid} and inferctl runs as user {os.geteuid()}; "
            "run it as its owner (under sudo: without sudo, or with sudo -H)"
        )


def _seen(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
