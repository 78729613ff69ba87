"""The machine as the console sees it: where things lie, what it is configured for, its clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.domain.stamp import Stamp
from backends.gpus.source import GpuSource
from backends.settings.config import Settings


def clock() -> Stamp:
    """Return this instant on the host's two clocks."""
    return Stamp(time.monotonic(), time.time())


@dataclass(frozen=True, slots=True)
class Machine:
    """One host, real or simulated; everything else about it is read from these.

    Attributes:
        state_folder: where keepers leave what outlives them.
        open_gpus: opens the GPUs; may take a second, so it is called off the event loop.
        price_folder: where the user's own and imported prices are kept; None for shipped ones only.
        simulated: servers, GPUs and prices are made up, which every screen must say.
    """

    settings: Settings
    state_folder: Path
    history_file: Path
    open_gpus: Callable[[], GpuSource]
    price_folder: Path | None = None
    simulated: bool = False
    now: Callable[[], Stamp] = clock
