"""The machine that this program runs on."""

from backends.gpus.source import GpuSource
from backends.operations.host import Machine
from backends.operations.pricing import with_known_prices
from backends.settings.config import Settings
from backends.settings.paths import config_file, history_file, state_folder
from backends.settings.read import read_settings


def this_host(settings: Settings | None = None) -> Machine:
    """Return this host, with its configuration unless `settings` are given.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    return Machine(
        settings=settings_of_this_host() if settings is None else settings,
        state_folder=state_folder(),
        history_file=history_file(),
        open_gpus=open_this_hosts_gpus,
        price_folder=config_file().parent,
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
    """Return the GPUs of this host, and its memory while a server computes on the CPU."""
    from backends.gpus.detect import open_gpus

    return open_gpus(cpu_server_pids=kept_pids)


def kept_pids() -> frozenset[int]:
    """Return every process of every server that inferctl started here."""
    from backends.servers.listing import server_pids

    return frozenset().union(*server_pids(state_folder()).values())
