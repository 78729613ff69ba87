"""Whether an agent keeps the record of a host, and how it is begun."""

from backends.agent import client
from backends.operations.host import Host


def kept_by_agent(host: Host) -> bool:
    """Return whether a process of its own keeps the record of a host, once a server runs."""
    return host.settings.agent.enabled


def begin_agent(host: Host) -> None:
    """Have the record kept from now on, whoever looks; blocks until the agent answers.

    Raises:
        AgentUnavailable: it cannot be started.
    """
    if kept_by_agent(host):
        client.ensure(host.state_folder, host.settings.key_variables)
