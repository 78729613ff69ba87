"""The environment variables that steer a simulation."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backends.domain.start import FailureKind
from backends.simulated.script import DEFAULT_START


@dataclass(frozen=True, slots=True)
class Controls:
    """What the environment asks of a simulation; `serving_speed` follows `speed`.

    `download` is the bytes to fetch and the recorded seconds that this takes.
    """

    start: str
    speed: float
    serving_speed: float
    failure: FailureKind | None
    gpu_file: Path | None
    sigterm: Literal["swallow", "deadlock"]
    download: tuple[int, float] | None


def read_controls() -> Controls:
    """Return what the variables ``INFERCTL_SIMULATED_*`` ask for; `vllm` lists them.

    Raises:
        ValueError: one has a value that it cannot have; the message names it.
    """

    def variable(name: str, default: str) -> str:
        return os.environ.get(f"INFERCTL_SIMULATED_{name}", default)

    speed = float(variable("SPEED", "1"))
    serving_speed = float(variable("SERVING_SPEED", str(speed)))
    if speed <= 0 or serving_speed <= 0:
        raise ValueError("INFERCTL_SIMULATED_SPEED must be above 0")
    size, _, seconds = variable("DOWNLOAD", "").partition("@")
    failure, gpu_file = variable("FAILURE", ""), variable("GPU", "")
    return Controls(
        start=variable("START", DEFAULT_START),
        speed=speed,
        serving_speed=serving_speed,
        failure=FailureKind(failure) if failure else None,
        gpu_file=Path(gpu_file) if gpu_file else None,
        sigterm="deadlock" if variable("SIGTERM", "swallow") == "deadlock" else "swallow",
        download=(int(size), float(seconds)) if size else None,
    )
