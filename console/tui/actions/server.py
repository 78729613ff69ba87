"""What the keys for a server do: start, stop, restart, and what becomes of it on quitting."""

import asyncio
from typing import TYPE_CHECKING

from backends.domain.foreign import is_external
from backends.domain.server import Server, ServerState
from backends.domain.stamp import Stamp
from backends.domain.vram_owners import with_survivor_memory
from backends.problem import Problem
from backends.settings.config import Profile
from console.tui.screens.question import Question

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

END, LEAVE = "end", "leave"


def left(app: "InferctlApp") -> tuple[Server, ...]:
    """Return the servers that serve nobody and of which something lives, and nobody ends it yet."""
    if app.host.simulated or app.context.replayed:
        return ()
    return tuple(
        with_survivor_memory(each, app.session.gpus)
        for each in app.session.servers
        if each.survivors and each.pid is None and each.keeper_pid is None
    )


async def end(app: "InferctlApp") -> None:
    """Ask with the names of all that was left behind, and end it if the answer is yes."""
    from backends.operations import servers

    found = left(app)
    if not found:
        return
    told = await asyncio.to_thread(_told, found)
    answers = ((LEAVE, "Leave them"), (END, "End them"))
    sentence = f"End what was left behind? It serves nobody.\n{told}"
    if await app.push_screen_wait(Question(sentence, answers)) != END:
        return
    for server in found:
        try:
            said = await asyncio.to_thread(servers.end_left, app.host, server)
        except Problem as problem:
            app.notify(str(problem), title="not ended", severity="error", markup=False, timeout=15)
        else:
            app.notify(said, markup=False)


def _told(found: tuple[Server, ...]) -> str:
    from backends.servers.holders import left_by

    return "\n".join(one.sentence() for server in found for one in left_by(server))


RUNNING = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNHEALTHY})

SEEN_S = 0.02
"""How often it is looked whether the facts of a launch have come."""

LEAVE, STOP = "leave", "stop"


def state_of(app: "InferctlApp") -> ServerState | None:
    """Return the watched server's state, None where no server is watched."""
    return app.session.life.server.state if app.session.life else None


def can(app: "InferctlApp", action: str) -> bool:
    """Return whether a server key has something to act on now."""
    state = state_of(app)
    if action in ("leave", "end"):
        return action == "leave" or bool(left(app))
    if is_external(app.session.life):
        return False
    if action == "stop":
        return state in RUNNING
    if _profile(app) is None:
        return False
    if action == "restart":
        return state in RUNNING
    return state is not None and state not in {*RUNNING, ServerState.STOPPING}


async def start(app: "InferctlApp") -> None:
    """Launch the watched profile and follow it."""
    from backends.operations import servers

    profile = _profile(app)
    if profile is None:
        return
    earlier = app.session.life.spawned_at if app.session.life else None
    try:
        if not await _clear_to_start(app, profile):
            return
        await asyncio.to_thread(servers.start, app.host, profile)
    except Problem as problem:
        app.notify(str(problem), title="not started", severity="error", markup=False, timeout=15)
        return
    app.follow_server(profile.name)
    while _awaits(app, profile.name, earlier):  # noqa: ASYNC110 - a fold sets no event
        await asyncio.sleep(SEEN_S)  # until it is seen the key would start it once more


def _awaits(app: "InferctlApp", name: str, earlier: Stamp | None) -> bool:
    """Whether the facts of a launch are still to come to a console that follows that server."""
    life, following = app.session.life, app.following
    if life is None or life.server.name != name or following is None or following.is_finished:
        return False
    return life.spawned_at == earlier


async def _clear_to_start(app: "InferctlApp", profile: Profile) -> bool:
    """Look at what stands in the way; what would make the start fail is asked about."""
    from backends.operations import servers

    if app.host.simulated:
        return True  # what this host lacks stands in the way of no simulation
    findings = await asyncio.to_thread(servers.preflight, app.host, profile)
    for finding in findings:
        if finding.state == "warn":
            app.notify(f"{finding.what}; {finding.remedy}", severity="warning", markup=False)
    failures = [each for each in findings if each.state == "fail"]
    if not failures:
        return True
    told = "\n".join(f"✖ {each.what}; {each.remedy}" for each in failures)
    answers = (("no", "Put it right first"), ("launch", "Launch anyway"))
    return (
        await app.push_screen_wait(Question(f"The start would fail.\n{told}", answers)) == "launch"
    )


async def stop(app: "InferctlApp") -> None:
    """Ask, then stop the watched server."""
    if await _agreed(app, "Stop", "Stop it"):
        await stop_now(app)


async def _agreed(app: "InferctlApp", what: str, words: str) -> bool:
    """Ask with what would be lost; the first answer, which Enter takes, loses nothing."""
    from backends.operations.outage import lost_in_session

    life = app.session.life
    if life is None or _ours(app) is None:
        return False
    sentence = f"{what} {life.server.name}? {lost_in_session(app.session, life.server)}."
    answers = ((LEAVE, "Cancel, and leave it running"), (STOP, words))
    return await app.push_screen_wait(Question(sentence, answers)) == STOP


async def stop_now(app: "InferctlApp") -> None:
    """Stop the watched server; its steps arrive as facts."""
    from backends.operations import servers

    name = _ours(app)
    if name is None:
        return
    try:
        async for fact in servers.stop(app.host, name, drain_s=0.0):
            app.happened(fact)
    except Problem as problem:
        app.notify(str(problem), title="not stopped", severity="error", markup=False, timeout=15)


async def restart(app: "InferctlApp") -> None:
    """Stop the watched server, if the answer is yes, and launch it again."""
    if await _agreed(app, "Restart", "Stop it, then start it"):
        await stop_now(app)
        await start(app)


async def leave(app: "InferctlApp") -> None:
    """Quit; a running server goes on unless the answer says otherwise."""
    if state_of(app) in RUNNING and _ours(app) is not None and not app.host.simulated:
        answers = (
            (LEAVE, "Quit, and leave the server running"),
            (STOP, "Stop the server, then quit"),
        )
        answer = await app.push_screen_wait(Question("A server is running.", answers))
        if answer is None:
            return
        if answer == STOP:
            await stop_now(app)
    app.exit()


def _ours(app: "InferctlApp") -> str | None:
    """Return the watched server's name, None where it is not inferctl's to stop."""
    life = app.session.life
    return life.server.name if life and not is_external(life) else None


def _profile(app: "InferctlApp") -> Profile | None:
    """Return what the watched server is launched by; one still runs whose table was removed."""
    name = _ours(app)
    return app.host.settings.profile(name) if name else None


ORDERS = {"start": start, "stop": stop, "restart": restart}
"""What `action_server` runs one at a time, by the word in its binding."""

QUESTIONS = {"leave": leave, "end": end}
"""What it runs at any time: a stop that takes long keeps nobody from quitting."""
