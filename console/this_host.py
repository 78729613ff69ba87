"""The machine that this program runs on."""

from backends.gpus.detect import open_gpus
from backends.host.processes import environment_value, running
from backends.host.survivors import MARKER
from backends.settings.paths import config_file, history_file, state_folder
from backends.settings.read import read_settings
from console.machine import Machine


def this_host() -> Machine:
    """Return this host with its configuration.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    return Machine(
        settings=read_settings(config_file()),
        state_folder=state_folder(),
        history_file=history_file(),
        open_gpus=lambda: open_gpus(cpu_server_pids=kept_pids),
    )


def kept_pids() -> list[int]:
    """Return every process of every server that inferctl started here."""
    return [each.id.pid for each in running() if environment_value(each.id.pid, MARKER)]
