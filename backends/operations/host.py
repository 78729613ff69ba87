"""The machine as the console sees it: where things lie, what it is configured for, its clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.domain.stamp import Stamp
from backends.gpus.source import GpuSource
from backends.host.home import DEMO_GPUS, is_simulated
from backends.operations.pricing import with_known_prices
from backends.servers.listing import server_pids
from backends.settings.config import Settings
from backends.settings.paths import (
    config_file,
    existing_state_folder,
    history_file,
    state_folder,
)
from backends.settings.read import read_settings


def clock() -> Stamp:
    """Return this instant on the host's two clocks."""
    return Stamp(time.monotonic(), time.time())


@dataclass(frozen=True, slots=True)
class Host:
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


def this_host(settings: Settings | None = None) -> Host:
    """Return this host, with its configuration unless `settings` are given.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    return Host(
        settings=settings_of_this_host() if settings is None else settings,
        state_folder=state_folder(),
        history_file=history_file(),
        open_gpus=open_this_hosts_gpus,
        price_folder=config_file().parent,
        simulated=is_simulated(existing_state_folder()),
    )


def settings_of_this_host() -> Settings:
    """Return the configuration, with prices that it leaves open taken from the price table.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageProblem: a file of prices cannot be read.
    """
    path = config_file()
    return with_known_prices(read_settings(path), path.parent)


def open_this_hosts_gpus() -> GpuSource:
    """Return the GPUs of this host, and its memory while a server computes on the CPU.

    In the home of a demo they are those that its simulated servers stand on.
    """
    state = existing_state_folder()
    if state is not None and is_simulated(state):
        from backends.simulated.gpus import SimulatedGpus  # noqa: PLC0415  see below

        return SimulatedGpus(state / DEMO_GPUS)
    from backends.gpus.detect import open_gpus  # noqa: PLC0415  only who asks GPUs loads it

    return open_gpus(cpu_server_pids=managed_pids)


def managed_pids() -> frozenset[int]:
    """Return every process of every server that inferctl started here."""
    return frozenset().union(*server_pids(existing_state_folder()).values())
