"""Which servers of a host a console can show, and which it shows first."""

from dataclasses import replace

from backends.domain.lifecycle import not_started
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session
from backends.keeper.folder import ServerFolder, Unreadable, living_keeper, server_folder
from backends.operations.host import Host
from backends.servers.adopted import remembered
from backends.servers.listing import server_pids

Watched = str | Server
"""A server that a journal tells of, or a profile, by its name; or one that no keeper watches."""


def first_watched(host: Host) -> Watched | None:
    """Return what to show when the console opens.

    One of ours that runs; else the first profile; else what the user adopted last, while it runs.
    """
    running = server_pids(host.state_folder)
    profiles = [profile.name for profile in host.settings.servers]
    ours = [name for name in profiles if name in running] or sorted(running) or profiles
    adopted = (_journaled(host, each) for each in remembered(host.state_folder))
    candidates: tuple[Watched, ...] = (*ours, *adopted)
    return candidates[0] if candidates else None


def _journaled(host: Host, server: Server) -> Watched:
    """Return the name of a server that a keeper watches by now, else the server itself."""
    folder = ServerFolder(server_folder(host.state_folder, server.name))
    try:
        kept = living_keeper(folder) is not None
    except Unreadable:  # the list of servers says so
        kept = False
    # What it was when it was adopted may be long ago.
    unasked = replace(server, state=ServerState.UNKNOWN, address_reason="not asked yet")
    return server.name if kept else unasked


def watchable(host: Host, session: Session) -> tuple[Server, ...]:
    """Return every server that can be shown: ours, those only configured, those of others."""
    ours = [each for each in session.servers if each.owner is Owner.MANAGED]
    names = {each.name for each in session.servers}
    configured = (
        not_started(profile.name, profile.request_model).server
        for profile in host.settings.servers
        if profile.name not in names
    )
    external = (
        each for each in session.servers if each.owner is Owner.EXTERNAL and each.pid is not None
    )
    return (*ours, *configured, *external)


def watched_of(server: Server) -> Watched:
    """Return what stands for a listed server: its name where a journal tells of it."""
    unkept = server.owner is Owner.EXTERNAL and server.keeper_pid is None
    return server if unkept else server.name
