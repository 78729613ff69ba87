"""Makes the profile of a server from a model and a vLLM that the user chose."""

import re
import shutil
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path

from backends.host.ports import is_free
from backends.settings.config import LOOPBACK, Profile, Settings

FIRST_PORT = 8000
"""What vLLM listens on without ``--port``, and the first that is tried for a new profile."""

LONGEST_NAME = 48


def executable_at(typed: str) -> str | None:
    """Return the path of an executable that the user named, None if it is none."""
    return shutil.which(str(Path(typed).expanduser()))


def model_at(typed: str) -> str | None:
    """Return what ``vllm serve`` takes: a name as it is, a folder's whole path, None if missing."""
    if not typed.startswith(("/", "~", ".")):
        return typed
    folder = Path(typed).expanduser().absolute()
    return str(folder) if folder.is_dir() else None


def new_profile(
    model: str, executable: str, settings: Settings, names: Collection[str], ports: Collection[int]
) -> Profile:
    """Return a profile with a name of its own, on a port that nobody has.

    `names` are those of servers known beside those configured, `ports` those of servers that
    run, or that will listen once they are ready.
    """
    taken = {*names, *(each.name for each in settings.servers)}
    taken |= {each.name for each in settings.endpoints}
    used = {each.port for each in settings.servers} | set(ports)
    return Profile(
        name=next(name for name in _names(model) if name not in taken),
        model=model,
        vllm=executable,
        port=next(
            port for port in count(FIRST_PORT) if port not in used and is_free(LOOPBACK, port)
        ),
    )


def _names(model: str) -> Iterator[str]:
    """Yield names for a server of this model: its own, then its own with a number."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name)[:LONGEST_NAME]
    stem = plain.strip("._-") or "server"
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))
