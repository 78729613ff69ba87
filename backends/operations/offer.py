"""What this host offers, as the doctor examines it."""

from contextlib import closing

from backends.discovery.offer import Offer, discover
from backends.operations.host import open_this_hosts_gpus
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from backends.settings.faults import ConfigError, Fault
from backends.settings.paths import existing_state_folder
from backends.settings.read import read_settings


def offer_of_this_host() -> Offer:
    """Look around; takes as long as the drivers take to answer."""
    faults: tuple[Fault, ...] = ()
    profiles: tuple[Profile, ...] = ()
    try:
        profiles = read_settings().servers
    except ConfigError as error:
        faults = error.faults
    with closing(open_this_hosts_gpus()) as source:
        gpus = source.sample(processes=False)
    return discover(
        gpus=gpus,
        executables_named=[profile.vllm for profile in profiles],
        servers=list_servers(existing_state_folder()),
        config_faults=faults,
    )
