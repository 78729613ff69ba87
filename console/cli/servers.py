"""How the verbs start, wait for and stop a server."""

import asyncio

from backends.domain.facts import (
    FirstTokenSeen,
    FirstTokenUnavailable,
    PhaseBegan,
    StopOrdered,
    Stopped,
    StopProgressed,
)
from backends.domain.lifecycle import Life, life_after, unborn
from backends.domain.server import Owner, Server, ServerState
from backends.domain.start import PhaseName
from backends.keeper.client import follow
from backends.keeper.folder import server_folder
from backends.operations import servers
from backends.operations.host import Machine
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from console.cli.output import say
from widgets.phase_names import LONG_NAMES


def launch(machine: Machine, profile: Profile, *, force: bool) -> None:
    """Check the host, then launch; every check that is not well is told.

    Raises:
        Problem: a check failed and `force` is not set, or the launch failed.
    """
    failed = False
    for check in servers.preflight(machine, profile):
        if check.state != "ok":
            say(f"{check.state}: {check.what}" + (f"; {check.remedy}" if check.remedy else ""))
        failed |= check.state == "fail"
    if failed and not force:
        raise Problem("a check failed; put it right, or launch anyway with --force")
    if profile.binds_beyond_loopback:
        say(f"note: {profile.name} binds {profile.host}: other machines can reach it")
    servers.start(machine, profile)


def wait_until_ready(machine: Machine, name: str) -> Life:
    """Follow a start to its first token or its end, telling each phase once, as it begins."""
    return asyncio.run(_wait_until_ready(machine, name))


async def _wait_until_ready(machine: Machine, name: str) -> Life:
    life = unborn(name)
    told = {PhaseName.UNLOGGED}
    async for fact in follow(server_folder(machine.state_folder, name)):
        life = life_after(life, fact)
        if isinstance(fact, PhaseBegan) and life.spawned_at and fact.phase not in told:
            told.add(fact.phase)
            say(f"{fact.at.mono_s - life.spawned_at.mono_s:7.1f} s  {LONG_NAMES[fact.phase]}")
        if isinstance(fact, FirstTokenSeen | FirstTokenUnavailable | Stopped):
            break
    return life


def foreign_named(machine: Machine, name: str) -> Server | None:
    """Return the server of that name which inferctl did not start, None where there is none."""
    if server_folder(machine.state_folder, name).is_dir() or machine.settings.profile(name):
        return None
    found = (each for each in list_servers(machine.state_folder) if each.name == name)
    return next((each for each in found if each.owner is Owner.FOREIGN), None)


def stop(machine: Machine, name: str, drain_s: float) -> Life:
    """Stop a server, telling each step, until nothing of it is left.

    Raises:
        Problem: it does not run.
    """
    return asyncio.run(_stop(machine, name, drain_s))


async def _stop(machine: Machine, name: str, drain_s: float) -> Life:
    life = unborn(name)
    async for fact in servers.stop(machine, name, drain_s):
        life = life_after(life, fact)
        if isinstance(fact, StopOrdered):
            say(f"stop ordered by {fact.by}")
        elif isinstance(fact, StopProgressed):
            say(fact.step)
    return life


def is_up(life: Life) -> bool:
    """Return whether a start came to serve."""
    return life.server.state is ServerState.READY
