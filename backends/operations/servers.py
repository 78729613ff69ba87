"""From a profile to a running server and back: launch orders, stops, and who else is there."""

import asyncio
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from backends.containers.images import version_in
from backends.containers.launch import PROGRAM
from backends.discovery.executables import version_of
from backends.discovery.finding import Finding
from backends.domain.facts import ServerFact
from backends.domain.server import PLAIN_PROCESS, Owner, Runtime, RuntimeKind, Server
from backends.host.survivors import end
from backends.host.who import ordered_by
from backends.keeper.client import stop as keeper_stop
from backends.keeper.folder import server_folder
from backends.keeper.launch import adopt as keeper_adopt
from backends.keeper.launch import launch
from backends.keeper.order import LaunchOrder, served_model
from backends.operations.containers import EVERYWHERE, contained, dry_run, inside
from backends.operations.host import Host
from backends.operations.launched import POLLED, QUIET_FLAG
from backends.operations.units import look_before_unit, start_unit, stop_unit
from backends.problem import NotFound, Problem
from backends.servers.adoption import watch_order
from backends.servers.external import is_abandoned
from backends.servers.listing import list_servers
from backends.servers.preflight import container_preflight
from backends.servers.preflight import preflight as look_before
from backends.settings.config import KeySource, Profile, Settings
from backends.settings.secrets import resolve_secret

__all__ = ["dry_run"]

QUIET_SINCE = (0, 16)


def profile_named(settings: Settings, name: str) -> Profile:
    """Return a profile.

    Raises:
        NotFound: there is none of that name; the message lists those that exist.
    """
    profile = settings.profile(name)
    if profile is None:
        known = ", ".join(each.name for each in settings.servers)
        remedy = f"there are {known}" if known else "write a [server.NAME] table, or run inferctl"
        raise NotFound(f"no server is called {name}; {remedy}")
    return profile


def preflight(host: Host, profile: Profile) -> tuple[Finding, ...]:
    """Look at what stands in the way of a start: port, orphans, executable, model, memory.

    What this host lacks stands in the way of no simulation.
    """
    if host.simulated:
        return ()
    if profile.unit:
        return look_before_unit(profile)
    with closing(host.open_gpus()) as source:
        sample = source.sample(processes=True)
    listed = list_servers(host.state_folder)
    ordered = order(profile)
    if ordered.container is not None:
        return container_preflight(ordered, ordered.container, listed, sample)
    return look_before(ordered, listed, sample)


def start(host: Host, profile: Profile) -> None:
    """Launch a profile under a keeper, and return once that keeps it; blocks for a moment.

    Raises:
        Problem: the server runs already, or its program cannot be executed.
    """
    if profile.unit:
        start_unit(host, profile)
        return
    folder = server_folder(host.state_folder, profile.name)
    launch(replace(order(profile), by=ordered_by()), folder, host.settings.key_variables)


def adopt(host: Host, name: str) -> None:
    """Give a server that lost its keeper a new one, and return once that keeps it; blocks.

    Raises:
        Problem: its keeper lives, or nothing of it is left.
    """
    keeper_adopt(server_folder(host.state_folder, name), host.settings.key_variables)


def watch_external(host: Host, server: Server) -> None:
    """Have a keeper watch a server that something else started, which never signals it; blocks.

    Raises:
        Problem: it has ended, cannot be reached, or its name is that of a profile.
    """
    if host.settings.profile(server.name) is not None:
        raise Problem(
            f"{server.name} is also a [server.{server.name}] of the configuration; "
            "rename one of the two"
        )
    folder = server_folder(host.state_folder, server.name)
    launch(watch_order(server), folder, host.settings.key_variables)


def stop(
    host: Host, name: str, drain_s: float, runtime: Runtime = PLAIN_PROCESS
) -> AsyncIterator[ServerFact]:
    """Order a stop and yield what follows; systemd stops what `runtime` says is a unit of it."""
    profile = host.settings.profile(name)
    unit = runtime.name if runtime.kind is RuntimeKind.SYSTEMD else ""
    if unit := (profile.unit if profile else "") or unit:
        return stop_unit(host, name, unit)
    return keeper_stop(server_folder(host.state_folder, name), by=ordered_by(), drain_s=drain_s)


def end_left(host: Host, server: Server) -> str:
    """End what a server left behind that serves nobody; return what became of it. Blocks.

    Raises:
        Problem: something of it serves, belongs to another user or does not end.
    """
    if server.owner is Owner.MANAGED:
        asyncio.run(_drained(stop(host, server.name, 0.0)))
        return f"the orphaned processes of {server.name} were ended"
    if server.pid is None and not server.survivors:
        raise Problem(f"no process of {server.name} is running")
    if server.pid is not None:
        raise Problem(f"{server.name} is serving; inferctl did not start it and will not stop it")
    try:
        still = end(server.survivors, is_abandoned)
    except PermissionError as error:
        raise Problem(f"{server.name} belongs to another user: {error.strerror}") from error
    if still:
        names = ", ".join(f"{one.name} {one.process.pid}" for one in still)
        raise Problem(f"the kernel has not ended {names}; `dmesg` may show what they wait for")
    return f"what {server.name} held was ended: {len(server.survivors)} processes"


async def _drained(facts: AsyncIterator[ServerFact]) -> None:
    async for _ in facts:
        pass


def order(profile: Profile) -> LaunchOrder:
    """Return the launch of a profile; a key goes into the environment, never into arguments."""
    argv = command(profile)
    environment = {"PYTHONUNBUFFERED": "1", **dict(profile.environment)}
    if profile.api_key_env:
        key = resolve_secret(KeySource("env", profile.api_key_env))
        environment["VLLM_API_KEY"] = key.reveal()
    plain = LaunchOrder(
        server=profile.name,
        argv=argv,
        environment=environment,
        host=profile.host,
        port=profile.port,
        model=served_model(argv, profile.model),
        start_id=uuid.uuid4().hex[:12],
    )
    if profile.container:
        return inside(plain, profile)
    return contained(plain, profile) if profile.image else plain


def command(profile: Profile) -> tuple[str, ...]:
    """Return the command line of a profile; inside a bridge it has to listen everywhere."""
    named = ("--served-model-name", profile.served_name) if profile.served_name else ()
    bridged = (profile.image and profile.network == "bridge") or profile.container
    program = executable(profile)
    if profile.image or profile.container:  # what this host has says nothing of what is in there
        program = PROGRAM if profile.image else profile.vllm
    return (
        program,
        "serve",
        profile.model,
        "--host",
        EVERYWHERE if bridged else profile.host,
        "--port",
        str(profile.port),
        *named,
        *profile.args,
        *_quiet(_version(profile, program), profile.args),
    )


def _version(profile: Profile, program: str) -> str | None:
    if profile.container:
        return None
    return version_in(profile.image) if profile.image else version_of(Path(program))


def _quiet(version: str | None, args: tuple[str, ...]) -> tuple[str, ...]:
    """Keep our own polling out of the server's log, where this version can (0.16 on)."""
    if version is None or QUIET_FLAG in args or release(version) < QUIET_SINCE:
        return ()
    return (QUIET_FLAG, POLLED)


def release(version: str) -> tuple[int, int]:
    """Return major and minor number of a version, (0, 0) where it has none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def executable(profile: Profile) -> str:
    """Return the path of a profile's vLLM, or its name where PATH does not have it."""
    written = str(Path(profile.vllm).expanduser())
    return shutil.which(written) or written
