"""From a profile to the container that it is started in."""

import os
from dataclasses import replace
from pathlib import Path

from backends.containers.container import inspect, reached_at
from backends.containers.devices import devices_of
from backends.containers.engine import EngineUnavailable, engines
from backends.containers.launch import ContainerLaunch, mounted
from backends.discovery.models import hub_folder
from backends.discovery.surroundings import this_host
from backends.domain.server import RuntimeKind
from backends.http1 import NoAnswer
from backends.keeper.order import ContainerOrder, LaunchOrder, marker_value
from backends.operations.units import start_command
from backends.problem import Problem
from backends.settings.config import READ_BY_VLLM, Profile

EVERYWHERE = "0.0.0.0"  # noqa: S104
"""What a server binds in a network of its own, or nothing outside would reach it."""
PREFIX = "inferctl-"
"""Before the name of a profile, in that of its container."""


def contained(order: LaunchOrder, profile: Profile) -> LaunchOrder:
    """Return the order to launch a profile in a container, with the models of this host."""
    around = this_host()
    cache = hub_folder(around).parent
    inherited = {name: os.environ[name] for name in sorted(READ_BY_VLLM) if name in os.environ}
    environment = {**inherited, "HF_HOME": str(cache), **order.environment}
    whole = replace(order, environment=environment)
    launch = container_launch(whole, profile, cache)
    engine = engines(profile.runtime)[0]
    ordered = ContainerOrder(
        engine.kind, engine.socket, launch.name, profile.image, launch.as_request()
    )
    return replace(whole, container=ordered)


def inside(order: LaunchOrder, profile: Profile) -> LaunchOrder:
    """Return the order to launch a profile in a container that runs, by the address it has there.

    Raises:
        Problem: no engine knows the container, or nothing reaches it from here.
    """
    reason = f"no engine here knows container {profile.container}; docker ps -a lists them"
    for kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
        for engine in engines(kind):
            try:
                found = inspect(engine, profile.container)
                if found is None:
                    continue
                host, port = reached_at(engine, found, profile.port)
            except (EngineUnavailable, NoAnswer) as error:
                if kind is RuntimeKind.DOCKER or Path(engine.socket).exists():
                    reason = str(error)
                continue
            inherited = {one: os.environ[one] for one in sorted(READ_BY_VLLM) if one in os.environ}
            ordered = ContainerOrder(engine.kind, engine.socket, profile.container)
            environment = {**inherited, **order.environment}
            # The host's network is open to others; a network of its own is reached by its address.
            bound = profile.host if found.network == "host" else EVERYWHERE
            at = order.argv.index("--host") + 1
            argv = (*order.argv[:at], bound, *order.argv[at + 1 :])
            whole = replace(order, argv=argv, environment=environment, container=ordered)
            return replace(whole, host=host, port=port)
    raise Problem(reason)


def container_launch(order: LaunchOrder, profile: Profile, cache: Path) -> ContainerLaunch:
    """Return the container of an order; a model in a folder of this host is mounted too."""
    model = Path(profile.model).expanduser()
    folder = (mounted(model),) if model.is_absolute() else ()
    return ContainerLaunch(
        engine=profile.runtime,
        image=profile.image,
        name=f"{PREFIX}{profile.name}",
        command=order.argv[1:],
        start=marker_value(order),
        host=profile.host,
        port=profile.port,
        network=profile.network,
        mounts=(mounted(cache, writable=True), *folder, *profile.mounts),
        variables=tuple(order.environment),
        devices=devices_of(),
    )


def dry_run(order: LaunchOrder, profile: Profile) -> tuple[str, ...]:
    """Return the command that starts the same as this order, without the value of any key."""
    if order.container is not None and profile.container:
        names = (part for name in order.environment for part in ("-e", name))
        return (order.container.engine, "exec", "-d", *names, profile.container, *order.argv)
    if profile.unit:
        return start_command(profile)
    if not profile.image:
        return order.argv
    cache = Path(order.environment["HF_HOME"])
    return container_launch(order, profile, cache).as_command()
