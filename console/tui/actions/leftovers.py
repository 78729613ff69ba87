"""The key that ends what servers left behind: names it, asks, ends it."""

import asyncio
from typing import TYPE_CHECKING

from backends.domain.server import Server
from backends.domain.vram_owners import with_survivor_memory
from backends.problem import Problem
from console.tui.screens.question import Question

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

END, LEAVE = "end", "leave"


def left(app: "InferctlApp") -> tuple[Server, ...]:
    """Return the servers that serve nobody and of which something lives, and nobody ends it yet."""
    if app.machine.simulated or app.desk.replayed:
        return ()
    return tuple(
        with_survivor_memory(each, app.session.gpus)
        for each in app.session.servers
        if each.survivors and each.pid is None and each.keeper_pid is None
    )


async def end(app: "InferctlApp") -> None:
    """Ask with the names of all that was left behind, and end it if the answer is yes."""
    from backends.operations import servers  # noqa: PLC0415 - the first frame waits for nothing

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
            said = await asyncio.to_thread(servers.end_left, app.machine, server)
        except Problem as problem:
            app.notify(str(problem), title="not ended", severity="error", markup=False, timeout=15)
        else:
            app.notify(said, markup=False)


def _told(found: tuple[Server, ...]) -> str:
    from backends.servers.holders import left_by  # noqa: PLC0415

    return "\n".join(one.sentence() for server in found for one in left_by(server))
