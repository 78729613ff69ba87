"""Everything a host offers to someone who has configured nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from backends.discovery.containers import ContainerSource, find_container_sources
from backends.discovery.executables import Executable, find_executables
from backends.discovery.models import Model, find_models, hub_folder
from backends.discovery.surroundings import Surroundings, this_host
from backends.domain.gpu import GpuSample
from backends.domain.server import Server
from backends.settings.faults import Fault


@dataclass(frozen=True, slots=True)
class Offer:
    """What was found.

    Attributes:
        gpus: None where nobody has looked.
        reasons: for each thing of which there is none, its name and one sentence on where was
            looked and what to do.
    """

    executables: tuple[Executable, ...]
    models: tuple[Model, ...]
    gpus: GpuSample | None
    servers: tuple[Server, ...]
    config_faults: tuple[Fault, ...]
    reasons: tuple[tuple[str, str], ...]
    containers: tuple[ContainerSource, ...] = ()


def discover(
    around: Surroundings | None = None,
    *,
    executables_named: Iterable[str] = (),
    gpus: GpuSample | None = None,
    servers: tuple[Server, ...] = (),
    config_faults: tuple[Fault, ...] = (),
) -> Offer:
    """Look for executables and models, and join them with what the caller knows already."""
    around = around or this_host()
    executables = find_executables(around, executables_named)
    models = find_models(around)
    reasons = []
    if not executables:
        reasons.append(
            (
                "executables",
                "no vllm on PATH, in an environment or a tool folder; install vllm or name it",
            )
        )
    if not models:
        reasons.append(
            (
                "models",
                f"no model in {hub_folder(around)}; any Hugging Face model is downloaded on start",
            )
        )
    if gpus is not None and not gpus.gpus:
        reasons.append(("gpus", gpus.reason or "no GPU was found"))
    containers = find_container_sources()
    return Offer(executables, models, gpus, servers, config_faults, tuple(reasons), containers)
