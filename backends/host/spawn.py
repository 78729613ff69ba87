"""How one of our own modules is run as a process of its own: its command and its environment."""

import os
import site
import sys
from collections.abc import Collection
from pathlib import Path

from backends.domain.redaction import may_hold_a_key

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that holds our packages, in a checkout as where they are installed."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module with this interpreter, from any folder.

    ``-P`` keeps the working folder, which may hold anybody's files, off the module path.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(withheld: Collection[str] = (), *, resolves_keys: bool = False) -> dict[str, str]:
    """Return our environment as a child of ours gets it: it finds our packages, and no key.

    Args:
        withheld: the names of further variables that the child must not get.
        resolves_keys: the child looks up keys in its environment, and gets those that are there.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in withheld and (resolves_keys or not may_hold_a_key(name))
    }
    paths = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Where they are installed they are found anyway, and a folder of packages that is named here
    # would come before the standard library.
    installed = str(PACKAGES) in site.getsitepackages()
    if not installed and str(PACKAGES) not in paths:
        paths.append(str(PACKAGES))
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}
