"""Ends with 1 unless a tag is the version of pyproject.toml and has a heading in CHANGELOG.md.

Run as ``python .ci/release_version.py v1.2.3``; the heading is ``## 1.2.3 - 2026-12-01``.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def faults(tag: str, root: Path) -> list[str]:
    """Return what keeps this tag from being released, a sentence each."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    found = []
    if tag != f"v{version}":
        found.append(f"tag {tag} is not v{version}, the version of pyproject.toml")
    heading = rf"^## \[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (root / "CHANGELOG.md").read_text(), re.MULTILINE):
        found.append(f"CHANGELOG.md has no heading '## {version} - YYYY-MM-DD'")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(faults(sys.argv[1], ROOT)) or 0)
