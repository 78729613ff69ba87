"""Which server the console shows: at first, by the user's choice, and when others start it anew."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from backends.domain.facts import ServersSeen, Ticked
from backends.domain.lifecycle import not_started
from backends.domain.server import Owner, Server
from backends.domain.session import Session, watching_external
from backends.operations.host import Host
from backends.settings.config import Settings

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

Watched = str | Server
"""A server that inferctl runs, or could, by its name; or one that somebody else runs."""


def first(host: Host) -> Watched | None:
    """Return what to show when the console opens.

    One of ours that runs; else the first profile; else what the user adopted last, while it runs.
    """
    from backends.servers.adopted import remembered
    from backends.servers.listing import server_pids

    running = server_pids(host.state_folder)
    profiles = [profile.name for profile in host.settings.servers]
    ours = [name for name in profiles if name in running] or sorted(running) or profiles
    candidates: tuple[Watched, ...] = (*ours, *remembered(host.state_folder))
    return candidates[0] if candidates else None


def known(app: "InferctlApp") -> tuple[Server, ...]:
    """Return every server that can be watched: ours, those only configured, those of others."""
    ours = [each for each in app.session.servers if each.owner is Owner.MANAGED]
    names = {each.name for each in ours}
    configured = (
        not_started(profile.name, profile.request_model).server
        for profile in app.host.settings.servers
        if profile.name not in names
    )
    # A real server has no place on a screen that says SIMULATED.
    others = () if app.host.simulated else external(app.session)
    return (*ours, *configured, *others)


def external(session: Session) -> tuple[Server, ...]:
    """Return the running servers of others."""
    return tuple(
        each for each in session.servers if each.owner is Owner.EXTERNAL and each.pid is not None
    )


def target_of(server: Server) -> Watched:
    """Return what `turn_to` takes for a listed server."""
    return server if server.owner is Owner.EXTERNAL else server.name


def turn_to(app: "InferctlApp", target: Watched) -> None:
    """Show another server on the main screen.

    The turn waits its place in the queue: facts of the server before it must not reach its Life.
    """
    app.workers.cancel_group(app, "follow")
    app.call_later(_turn, app, target)


def _turn(app: "InferctlApp", target: Watched) -> None:
    from console.tui.screens.main import MainScreen

    while not isinstance(app.screen, MainScreen):
        app.pop_screen()
    show(app, target)
    app.happened(Ticked(app.host.now()))


def show(app: "InferctlApp", target: Watched) -> None:
    """Begin to show a server: follow its journal, or watch it from outside."""
    if isinstance(target, str):
        app.follow_server(target)
        return
    app.session = watching_external(app.session, target)
    app.context = replace(app.context, earlier=())
    app.recall_plan(target.name)


def reconfigure(app: "InferctlApp", settings: Settings) -> None:
    """Go on with a configuration that was just written."""
    app.host = replace(app.host, settings=settings)
    app.context = replace(app.context, settings=settings)


def follow_restarted(app: "InferctlApp", fact: ServersSeen) -> None:
    """Follow the watched server of ours where another console or a verb has started it anew."""
    life = app.session.life
    if life is None or (app.following is not None and not app.following.is_finished):
        return
    seen = next((each for each in fact.servers if each.name == life.server.name), None)
    if seen is not None and seen.keeper_pid is not None and life.server.owner is Owner.MANAGED:
        from console.tui import feeds

        app.following = app.pump(feeds.follow(app.host, life.server.name), "follow")


def adopt_orphaned(app: "InferctlApp", fact: ServersSeen) -> None:
    """Give a new keeper to each server of ours that lost its own and whose API server lives."""
    for each in fact.servers:
        if each.lost_its_keeper and each.pid is not None:
            app.run_worker(_keep(app, each.name), group=f"keep {each.name}", exclusive=True)


async def _keep(app: "InferctlApp", name: str) -> None:
    from backends.keeper.order import KeeperError
    from backends.operations.servers import adopt

    try:
        await asyncio.to_thread(adopt, app.host, name)
    except KeeperError:
        return  # another console was quicker, or it has ended meanwhile
    app.notify(
        f"the keeper of {name} was killed; the server went on and has a new one",
        severity="warning",
        markup=False,
    )
