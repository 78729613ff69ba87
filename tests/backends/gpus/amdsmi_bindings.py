"""AMD's binding in four generations, as published; fetched once and kept in the cache.

Run ``python -m tests.backends.gpus.amdsmi_bindings`` to fetch them. They are 60 kB each and hold no
library: that is compiled here, with the functions and the struct sizes that each one expects.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

VERSIONS = ("6.1.2", "6.3.3", "6.4.4", "7.0.2")


def cache() -> Path:
    """Return the folder that holds them, whatever a test makes of ``XDG_CACHE_HOME``."""
    return Path(os.environ.get("INFERCTL_TESTS_CACHE", "~/.cache/inferctl-tests")).expanduser()


def folder(version: str) -> Path:
    """Return the folder from which ``amdsmi`` of a version is imported."""
    return cache() / f"amdsmi-{version}"


def fetched() -> bool:
    """Return whether all of them are there."""
    return all((folder(version) / "amdsmi/__init__.py").is_file() for version in VERSIONS)


def fetch() -> None:
    """Download those that are not there; raises where that is not possible."""
    for version in VERSIONS:
        place = folder(version)
        if (place / "amdsmi/__init__.py").is_file():
            continue
        place.mkdir(parents=True, exist_ok=True)
        order = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        subprocess.run([*order, str(place), f"amdsmi=={version}"], check=True)
        (wheel,) = place.glob("*.whl")
        zipfile.ZipFile(wheel).extractall(place)
        wheel.unlink()


if __name__ == "__main__":
    fetch()
    print(f"amdsmi {', '.join(VERSIONS)} in {cache()}")
