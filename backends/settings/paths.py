"""Where inferctl keeps its files, read from the environment at each call.

INFERCTL_HOME names one folder for all of them; without it each kind has its XDG folder.

Folders made here have mode 0700 and files 0600: they name models, hosts and prices.
"""

import os
import stat
from pathlib import Path
from typing import Literal

from platformdirs import PlatformDirs

from backends.host.home import is_simulated, named_home, state_of
from backends.problem import Problem

_DIRS = PlatformDirs("inferctl", appauthor=False)


def config_file() -> Path:
    """Return ``$XDG_CONFIG_HOME/inferctl/config.toml``, which need not exist.

    Under INFERCTL_HOME it is ``config/config.toml``.

    Raises:
        UnusableFolder: this user has no home folder, and no variable names another place.
    """
    return _place("config") / "config.toml"


def state_folder() -> Path:
    """Return ``$XDG_STATE_HOME/inferctl``, or ``state`` under INFERCTL_HOME, made if missing.

    Raises:
        UnusableFolder: it cannot be made, is a symbolic link, or belongs to another user.
    """
    folder = _place("state")
    try:
        return private_folder(folder)
    except OSError as error:
        raise UnusableFolder(
            f"{folder} cannot be made: {error.strerror}; "
            "set XDG_STATE_HOME to a folder that you may write to"
        ) from error


def existing_state_folder() -> Path | None:
    """Return ``$XDG_STATE_HOME/inferctl`` where there is one that can be used; makes nothing."""
    try:
        return state_folder_to_read()
    except UnusableFolder:
        return None


def state_folder_to_read() -> Path | None:
    """Return ``$XDG_STATE_HOME/inferctl``, None where nothing was ever kept; makes nothing.

    Raises:
        UnusableFolder: it is a symbolic link, belongs to another user, or may not be looked at.
    """
    folder = _place("state")
    try:
        found = _seen(folder)
        if found is not None:
            _refuse_untrusted(folder)
    except OSError as error:
        raise UnusableFolder(
            f"{folder} cannot be read: {error.strerror}; "
            "set XDG_STATE_HOME to a folder that you may read"
        ) from error
    return folder if found is not None else None


def demo_home() -> Path:
    """Return where a demo is kept: ``inferctl-demo`` beside the state folder; makes nothing.

    Raises:
        UnusableFolder: this user has no home folder, and no variable names another place.
    """
    home, state = named_home(), _place("state")
    return home if home is not None and is_simulated(state) else state.with_name("inferctl-demo")


def history_file() -> Path:
    """Return where the history database lies, its folder made if missing."""
    return state_folder() / "history.sqlite"


def private_folder(folder: Path) -> Path:
    """Make `folder` with mode 0700, or narrow it to that, and return it.

    Raises:
        UnusableFolder: it is a symbolic link, no folder, or belongs to another user.
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


class UnusableFolder(Problem):
    """A folder that inferctl needs cannot be had; the message names the remedy."""


class UntrustedFolder(UnusableFolder):
    """What lies in a folder decides which processes are ended: it has to be the user's own."""


def _place(kind: Literal["config", "state"]) -> Path:
    home = named_home()
    if home is not None:
        return home / "config" if kind == "config" else state_of(home)
    try:
        return _DIRS.user_config_path if kind == "config" else _DIRS.user_state_path
    except RuntimeError as error:  # neither HOME nor an entry of this user in the user database
        raise UnusableFolder(
            f"user {os.geteuid()} has no home folder; set HOME, or XDG_STATE_HOME and "
            "XDG_CONFIG_HOME, to folders that you may write to"
        ) from error


def _refuse_untrusted(folder: Path) -> None:
    """Refuse what is a link, no folder or another user's, or root would make in a user's home.

    Raises:
        UnusableFolder: it is one of these; the message names the remedy.
    """
    found = _seen(folder)
    if found is None:
        refuse_to_leave_files(folder)
    elif stat.S_ISLNK(found.st_mode):
        raise UntrustedFolder(
            f"{folder} is a symbolic link, which is not followed; remove it, and name the folder "
            "above the one that it leads to by its XDG_ variable"
        )
    elif not stat.S_ISDIR(found.st_mode):
        raise UnusableFolder(
            f"{folder} is not a folder; move it away, or set XDG_STATE_HOME to another place"
        )
    elif found.st_uid != os.geteuid():
        raise UntrustedFolder(
            f"{folder} belongs to user {found.st_uid} and inferctl runs as user {os.geteuid()}; "
            "run it as its owner (under sudo: without sudo, or with sudo -H)"
        )


def refuse_to_leave_files(folder: Path) -> None:
    """Refuse what root would leave behind in a folder of the user who called sudo.

    Raises:
        UntrustedFolder: this is root, and the folder, or what it would be made in, is that user's.
    """
    user = os.environ.get("SUDO_UID") if os.geteuid() == 0 else None
    owner = next(seen for seen in map(_seen, (folder, *folder.parents)) if seen is not None).st_uid
    if user is not None and user != "0" and str(owner) == user:
        raise UntrustedFolder(
            f"root would write to {folder}, which belongs to user {user}; "
            "run inferctl without sudo, or with sudo -H"
        )


def _seen(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
