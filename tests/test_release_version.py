"""A tag is released only where pyproject.toml and CHANGELOG.md agree with it."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "release_version.py"


@pytest.mark.parametrize(
    ("tag", "heading", "fault"),
    [
        ("v1.2.3", "## 1.2.3 - 2026-12-01", ""),
        ("v1.2.3", "## [1.2.3] - 2026-12-01", ""),
        ("v1.2.4", "## 1.2.4 - 2026-12-01", "tag v1.2.4 is not v1.2.3"),
        ("v1.2.3", "## Unreleased", "no heading '## 1.2.3 - YYYY-MM-DD'"),
        ("v1.2.3", "## 1.2.30 - 2026-12-01", "no heading"),
    ],
)
def test_a_tag_that_disagrees_is_not_released(
    tmp_path: Path, tag: str, heading: str, fault: str
) -> None:
    script = tmp_path / ".ci" / SCRIPT.name
    script.parent.mkdir()
    script.write_bytes(SCRIPT.read_bytes())
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n")
    ran = subprocess.run(
        [sys.executable, str(script), tag], capture_output=True, text=True, check=False
    )
    assert ran.returncode == (1 if fault else 0)
    assert fault in ran.stderr
