"""What a verb loads before it can answer: only what it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def loaded_by(module: str) -> set[str]:
    """Return every module that importing this one loads."""
    code = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("console.cli.parser", {"msgspec", "backends.wire", "backends.settings.config"}),
        ("console.cli.main", {"msgspec", "backends.wire", "console.cli.output"}),
        ("console.cli.orphans", {"backends.servers.listing", "psutil", "asyncio"}),
        ("console.cli.verdict", {"backends.operations.decision", "backends.history", "sqlite3"}),
        ("console.cli.explain", {"backends.operations.host", "backends.servers.listing"}),
        ("console.cli.history", {"backends.prober.client", "console.cli.load"}),
    ],
)
def test_a_verb_answers_without_what_only_others_need(module: str, without: set[str]) -> None:
    assert not loaded_by(module) & without


def test_no_verb_loads_the_console() -> None:
    verbs = [path.stem for path in (ROOT / "console" / "cli").glob("[!_]*.py")]
    loaded = loaded_by(", ".join(f"console.cli.{verb}" for verb in verbs))
    assert "console.cli.servers" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"textual", "rich", "openai"}
    assert not {name for name in loaded if name.startswith("console.tui")}
