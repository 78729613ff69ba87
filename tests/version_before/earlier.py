"""The version before this one: its packages out of the repository, and its command line."""

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMIT = "6abf5c07c1e6ce13a37b80fe1c5bbe74182b7f3a"
MAIN = "import sys; from console.cli import main; sys.exit(main())"
VLLM = """#!{python}
import sys
sys.path.insert(0, {packages!r})
from backends.simulated.vllm import main
main()
"""


@dataclass(frozen=True)
class EarlierVersion:
    """The packages of the version before, in a folder of their own."""

    packages: Path

    def run(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its verbs to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-c", MAIN, *arguments],
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self, changes: dict[str, str] | None = None) -> dict[str, str]:
        """Return the environment in which its packages are the ones that are found."""
        return {**os.environ, **(changes or {}), "PYTHONPATH": str(self.packages)}

    def simulated_vllm(self) -> Path:
        """Return its simulated vLLM as an executable."""
        program = self.packages / "vllm"
        program.write_text(VLLM.format(python=sys.executable, packages=str(self.packages)))
        program.chmod(0o700)
        return program


def earlier_version(folder: Path) -> EarlierVersion | None:
    """Unpack the version before into a folder; None where this checkout does not hold it."""
    archived = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT, "backends", "console", "widgets"],
        capture_output=True,
        check=False,
    )
    if archived.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as packages:
        packages.extractall(folder, filter="data")
    return EarlierVersion(folder)
