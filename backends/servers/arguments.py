"""The arguments of a running vLLM, with those of the file that its ``--config`` names."""

from pathlib import Path

from backends.domain.vllm_arguments import value_of, with_config
from backends.host import processes

MOST_BYTES = 1 << 16


def arguments_of(pid: int) -> tuple[str, ...]:
    """Return what a vLLM was started with; without the file's where this user may not read it."""
    arguments = processes.command_line(pid)
    named = value_of(("--config",), arguments)
    if named is None:
        return arguments
    # As the process sees it: in its own file system, and from its working folder.
    view = Path(f"/proc/{pid}/root") if named.startswith("/") else Path(f"/proc/{pid}/cwd")
    try:
        with (view / named.lstrip("/")).open(encoding="utf-8", errors="replace") as file:
            return with_config(arguments, file.read(MOST_BYTES))
    except OSError:
        return arguments
