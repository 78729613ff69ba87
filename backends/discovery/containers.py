"""Images that hold a vLLM, and running containers made of one: where a model can be served."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from backends.containers.engine import Engine, EngineRefused, EngineUnavailable, engines
from backends.containers.images import version_in
from backends.domain.server import RuntimeKind

VLLM = "vllm"


@dataclass(frozen=True, slots=True)
class ContainerSource:
    """One image, or one container that runs.

    Attributes:
        runtime: docker or podman for an image, exec for a container.
        version: of its vLLM, as the image's name says; None where that does not.
        size_bytes: of an image on disk, None for a container.
    """

    runtime: RuntimeKind
    name: str
    image: str
    version: str | None
    size_bytes: int | None = None


def find_container_sources() -> tuple[ContainerSource, ...]:
    """Return containers, then images; an engine that this user may not ask has none to offer."""
    found: list[ContainerSource] = []
    for kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
        for engine in engines(kind):
            with contextlib.suppress(EngineUnavailable, EngineRefused):
                found += [*_containers(engine), *_images(engine)]
    return tuple(sorted(found, key=lambda one: (one.runtime is not RuntimeKind.EXEC, one.name)))


def _containers(engine: Engine) -> Iterator[ContainerSource]:
    """Yield those whose own program is no vLLM: one that serves is listed as a server."""
    for one in engine.read("/containers/json"):
        image, names = str(one.get("Image", "")), one.get("Names") or [""]
        if VLLM in image and VLLM not in str(one.get("Command", "")):
            name = str(names[0]).removeprefix("/")
            yield ContainerSource(RuntimeKind.EXEC, name, image, version_in(image))


def _images(engine: Engine) -> Iterator[ContainerSource]:
    for one in engine.read("/images/json"):
        for tag in one.get("RepoTags") or ():
            if VLLM in tag:
                yield ContainerSource(engine.kind, tag, tag, version_in(tag), one.get("Size"))
