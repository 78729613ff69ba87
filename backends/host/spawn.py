"""How one of our own modules is run as a process of its own: its command and its environment."""

import os
import site
import sys
from collections.abc import Collection
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that holds our packages, in a checkout as where they are installed."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module with this interpreter, from any folder.

    ``-P`` keeps the working folder, which may hold anybody's files, off the module path.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(withheld: Collection[str] = ()) -> dict[str, str]:
    """Return our environment as a child of ours gets it: it finds our packages.

    Args:
        withheld: the names of variables that the child must not get, such as those of API keys.
    """
    kept = {name: value for name, value in os.environ.items() if name not in withheld}
    paths = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Where they are installed they are found anyway, and a folder of packages that is named here
    # would come before the standard library.
    installed = str(PACKAGES) in site.getsitepackages()
    if not installed and str(PACKAGES) not in paths:
        paths.append(str(PACKAGES))
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}
