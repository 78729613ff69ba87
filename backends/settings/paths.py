"""Where inferctl keeps its files, read from the environment at each call.

Folders made here have mode 0700 and files 0600: they name models, hosts and prices.
"""

import os
import tempfile
from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("inferctl", appauthor=False)


def config_file() -> Path:
    """Return ``$XDG_CONFIG_HOME/inferctl/config.toml``, which need not exist."""
    return _DIRS.user_config_path / "config.toml"


def state_folder() -> Path:
    """Return ``$XDG_STATE_HOME/inferctl``, made if missing.

    Raises:
        OSError: it cannot be made.
    """
    return private_folder(_DIRS.user_state_path)


def existing_state_folder() -> Path | None:
    """Return ``$XDG_STATE_HOME/inferctl`` where there is one; makes nothing."""
    folder = _DIRS.user_state_path
    return folder if folder.is_dir() else None


def history_file() -> Path:
    """Return where the history database lies, its folder made if missing."""
    return state_folder() / "history.sqlite"


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/inferctl``, made if missing."""
    return private_folder(_DIRS.user_cache_path)


def private_folder(folder: Path) -> Path:
    """Make `folder` with mode 0700, or narrow it to that, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def replace_file(path: Path, data: bytes) -> None:
    """Replace what `path` holds in one step, so that a reader sees the old or the new, never half.

    A symbolic link stays one and its target is replaced; a new file gets mode 0600, an existing
    one keeps its mode.

    Raises:
        OSError: the folder or file cannot be written; the old content is untouched.
    """
    target = path.resolve()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    handle, draft_name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    draft = Path(draft_name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
