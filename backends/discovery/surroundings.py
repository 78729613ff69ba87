"""Where discovery looks: one value, so that a made tree can stand in for the host."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

_MOST_FOLDERS = 500  # a home folder with a million files must not hold up the first frame
_MOST_ENTRIES = 5000  # more files than the largest checkpoint has shards


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The folders and variables of the user; `root` stands for ``/``."""

    home: Path
    cwd: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    root: Path = Path("/")

    def variable_path(self, name: str) -> Path | None:
        """Return the folder that a variable names, None if it is unset or empty."""
        value = self.environ.get(name, "")
        return self.expand(value) if value else None

    def expand(self, path: str) -> Path:
        """Return a path as the user writes it, with ``~`` and relative to `cwd`."""
        if path == "~" or path.startswith("~/"):
            return self.home / path[2:]
        return self.cwd / path


def this_host() -> Surroundings:
    """Return the surroundings of this process."""
    home = home_folder(os.environ)
    try:
        return Surroundings(home, Path.cwd(), os.environ)
    except FileNotFoundError:  # the folder was deleted under the shell
        return Surroundings(home, home, os.environ)


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the home folder of this user; ``/``, as login(1) has it, where there is none."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, at most 500 entries looked at; none if unreadable."""
    return sorted(entry for entry in entries_of(folder, _MOST_FOLDERS) if _is_folder(entry))


def entries_of(folder: Path, most: int = _MOST_ENTRIES) -> list[Path]:
    """Return what a folder holds, at most `most` entries; nothing if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in islice(entries, most)]
    except OSError:
        return []


def existing(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths that are files this user may look at, in order."""
    for path in paths:
        try:
            if path.is_file():
                yield path
        except OSError:
            continue


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
