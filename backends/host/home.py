"""The folder that INFERCTL_HOME names: one place for configuration and state, a demo's too."""

import os
from pathlib import Path

VARIABLE = "INFERCTL_HOME"

DEMO_MARK = "SIMULATED"
"""A file of this name in a state folder says that its servers and GPUs are made up."""

DEMO_GPUS = "gpu.json"
"""The file in such a state folder that stands for its GPUs."""


def named_home() -> Path | None:
    """Return the folder that INFERCTL_HOME names, None where it names none."""
    name = os.environ.get(VARIABLE)
    return Path(name).absolute() if name else None


def state_of(home: Path) -> Path:
    """Return the state folder of a home."""
    return home / "state"


def is_simulated(state_folder: Path | None) -> bool:
    """Return whether the servers, GPUs and bill of a state folder are made up."""
    return state_folder is not None and (state_folder / DEMO_MARK).exists()


def is_of_a_demo(home: str | None) -> bool:
    """Return whether a process that began with this INFERCTL_HOME belongs to a demo."""
    return bool(home) and is_simulated(state_of(Path(home or "")))
