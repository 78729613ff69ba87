"""Installs the benchmark tools that `make bench-ab` measures beside ours: `make bench-peers`.

Each gets an environment of its own under ``$XDG_CACHE_HOME/inferctl-tests/peers`` (together 7 GB,
most of it the torch that guidellm asks for). They are no dependencies of anything here.
"""

import subprocess
import sys
from pathlib import Path

from tests.real_vllm.environment import cache_folder, found

VERSIONS = {"aiperf": "0.13.0", "guidellm": "0.8.1"}


def executable(name: str) -> Path:
    """Where a tool is, or would be."""
    return cache_folder().parent / "peers" / name / "bin" / name


def installed() -> dict[str, Path]:
    """The tools that are there, by name; vLLM's is that of the CPU build for the tests."""
    here = {name: path for name in VERSIONS if (path := executable(name)).exists()}
    vllm = found()
    return {"vllm": Path(vllm.executable), **here} if vllm else here


def tokenizer() -> str | None:
    """A tokenizer on disk, which every one of them wants; None without the CPU vLLM's model."""
    vllm = found()
    return vllm.model if vllm else None


def main() -> None:
    """Install what is missing."""
    for name, version in VERSIONS.items():
        if executable(name).exists():
            continue
        folder = executable(name).parents[1]
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"{name}=={version}"], check=True)
    for name, path in installed().items():
        print(f"{name:9} {path}")
    if "vllm" not in installed():
        print("vllm      absent: make vllm-cpu builds it")


if __name__ == "__main__":
    main()
