"""Finds vLLM executables, and their versions without importing anything."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from backends.discovery.surroundings import Surroundings, existing, folders_in

_CONDA_HOMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")
_SCRIPT_BYTES = 65536
_OTHER_PROGRAM = re.compile(
    rb"(?:^|[\s;&|(/])(?P<program>docker|podman|nerdctl|nsenter|kubectl|apptainer|singularity|ssh)\s"
)
_DISTRIBUTION = re.compile(
    r"vllm(?:_(?:cpu|rocm|xpu|tpu))?-(?P<version>\d[^-]*)\.(?:dist|egg)-info"
)


@dataclass(frozen=True, slots=True)
class Executable:
    """One installed vLLM.

    Attributes:
        path: as it was found first; what it links to may serve others too.
        version: from the metadata beside it, None where there is none.
        on_path: plain ``vllm`` in a shell starts this one.
    """

    path: Path
    version: str | None = None
    on_path: bool = False


def find_executables(around: Surroundings, named: Iterable[str] = ()) -> tuple[Executable, ...]:
    """Return every vLLM within reach, each once, those on PATH first, then those `named`.

    Profiles name theirs, which may lie where nobody would look.
    """
    on_path = next(_executable(_path_candidates(around)), None)
    found: dict[Path, Executable] = {}
    for path in _executable(
        chain(_path_candidates(around), _named_candidates(around, named), _candidates(around))
    ):
        real = path.resolve()
        if real not in found:
            found[real] = Executable(path, version_of(path), path == on_path)
    return tuple(found.values())


def version_of(executable: Path) -> str | None:
    """Return the version of the vLLM that an executable belongs to, None where nothing tells it."""
    for folder in packages_of(executable):
        for entry in folder.glob("vllm*-info"):
            if match := _DISTRIBUTION.fullmatch(entry.name):
                return match["version"]
    return None


def handed_over_to(executable: Path) -> str:
    """Return what a script hands vLLM over to, such as ``docker``; empty for any other file."""
    try:
        with executable.open("rb") as file:
            text = file.read(_SCRIPT_BYTES)
    except OSError:
        return ""
    if not text.startswith(b"#!"):
        return ""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(b"#"))
    found = next(filter(None, map(_OTHER_PROGRAM.search, lines)), None)
    return found["program"].decode() if found else ""


def packages_of(executable: Path) -> Iterator[Path]:
    """Yield the folders in which the packages of an executable may lie."""
    for prefix in _prefixes(executable):
        yield from _package_folders(prefix)


def _path_candidates(around: Surroundings) -> Iterator[Path]:
    for folder in around.environ.get("PATH", "").split(os.pathsep):
        if folder:
            yield around.expand(folder) / "vllm"


def _named_candidates(around: Surroundings, named: Iterable[str]) -> Iterator[Path]:
    for name in named:
        if found := shutil.which(name, path=around.environ.get("PATH", "")):
            yield Path(found)


def _candidates(around: Surroundings) -> Iterator[Path]:
    for environment in _environments(around):
        yield environment / "bin" / "vllm"


def _environments(around: Surroundings) -> Iterator[Path]:
    """Yield the folders in which people keep Python environments."""
    home, root = around.home, around.root
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if path := around.variable_path(variable):
            yield path
    for base in (around.cwd, home):
        yield from (base / ".venv", base / "venv")
        for folder in folders_in(base):
            yield from (folder, folder / ".venv", folder / "venv")
    yield home / ".local"
    for shelf in _shelves(around):
        yield from folders_in(shelf)
    for conda in (*(home / name for name in _CONDA_HOMES), root / "opt" / "conda"):
        yield conda
        yield from folders_in(conda / "envs")
    for folder in folders_in(root / "opt"):
        yield from (folder, folder / ".venv", folder / "venv")
    yield from (root / "usr" / "local", root / "usr")


def _shelves(around: Surroundings) -> Iterator[Path]:
    """Yield the folders that hold one environment per entry."""
    data = around.variable_path("XDG_DATA_HOME") or around.home / ".local" / "share"
    yield around.variable_path("UV_TOOL_DIR") or data / "uv" / "tools"
    yield (around.variable_path("PIPX_HOME") or data / "pipx") / "venvs"
    yield around.home / ".local" / "pipx" / "venvs"
    yield around.variable_path("WORKON_HOME") or around.home / ".virtualenvs"
    yield around.home / ".pyenv" / "versions"


def _executable(candidates: Iterator[Path]) -> Iterator[Path]:
    return (path for path in existing(candidates) if os.access(path, os.X_OK))


def _prefixes(executable: Path) -> Iterator[Path]:
    """Yield where the packages of an executable may lie: around it, and around its interpreter."""
    yield executable.parent.parent
    yield executable.resolve().parent.parent
    try:
        with executable.open("rb") as script:
            first_line = script.readline(512)
    except OSError:
        return
    words = first_line.removeprefix(b"#!").split()
    if first_line.startswith(b"#!") and words:
        yield Path(os.fsdecode(words[0])).parent.parent


def _package_folders(prefix: Path) -> Iterator[Path]:
    for name in ("lib", "lib64"):
        for python in (prefix / name).glob("python3*"):
            yield from (python / "site-packages", python / "dist-packages")
