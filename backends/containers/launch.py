"""One container to be started: as the engine is asked for it, and as a person would type it.

The variables' values are in the request alone, and only their names in the command: an argument
list may be read by every user of the host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backends.containers.container import OURS
from backends.containers.devices import Devices
from backends.domain.format import GIB
from backends.domain.server import RuntimeKind

SHARED_MEMORY_BYTES = 16 * GIB
"""A limit and no reservation: workers of tensor parallelism meet in ``/dev/shm``, of which an
engine gives 64 MiB otherwise. It goes with the container, unlike the host's (``--ipc=host``)."""

NVIDIA_CDI = "nvidia.com/gpu=all"
AMD_FILES = ("/dev/kfd", "/dev/dri")
PROGRAM = "vllm"
"""What an image's own entry point is differs by image and version; this is on the PATH of all."""


@dataclass(frozen=True, slots=True)
class ContainerLaunch:
    """What a container is started with.

    Attributes:
        command: the arguments of `PROGRAM`.
        start: ``NAME:START_ID``, as in `MARKER`.
        network: ``bridge`` publishes `port` on `host`; ``host`` needs no publishing.
        mounts: ``HOST:CONTAINER`` with ``:ro`` for reading only.
        variables: their names; the values are added to the request by whoever sends it.
    """

    engine: RuntimeKind
    image: str
    name: str
    command: tuple[str, ...]
    start: str
    host: str
    port: int
    network: Literal["bridge", "host"]
    mounts: tuple[str, ...]
    variables: tuple[str, ...]
    devices: Devices

    @property
    def uses_cdi(self) -> bool:
        """Whether NVIDIA's devices are named by CDI: podman knows no other way."""
        return self.engine is RuntimeKind.PODMAN or self.devices.cdi

    def as_command(self) -> tuple[str, ...]:
        """Return the command that starts the same container."""
        publish = ("-p", f"{self.host}:{self.port}:{self.port}")
        return (
            *(self.engine, "run", "-d", "--name", self.name, "--label", f"{OURS}={self.start}"),
            *("--init", f"--shm-size={SHARED_MEMORY_BYTES // GIB}g"),
            *self._device_flags(),
            *(("--network=host",) if self.network == "host" else publish),
            *(part for mount in self.mounts for part in ("-v", mount)),
            *(part for name in self.variables for part in ("-e", name)),
            *("--entrypoint", PROGRAM, self.image, *self.command),
        )

    def _device_flags(self) -> tuple[str, ...]:
        match self.devices.vendor:
            case "nvidia" if self.uses_cdi:
                return ("--device", NVIDIA_CDI)
            case "nvidia":
                return ("--gpus", "all")
            case "amd":
                files = (part for file in AMD_FILES for part in ("--device", file))
                groups = (part for one in self.devices.groups for part in ("--group-add", str(one)))
                return (*files, *groups, "--security-opt", "seccomp=unconfined")
            case _:
                return ()

    def as_request(self) -> dict[str, Any]:
        """Return the body of ``POST /containers/create``, without the environment."""
        inner = f"{self.port}/tcp"
        bindings = {inner: [{"HostIp": self.host, "HostPort": str(self.port)}]}
        bridged = self.network == "bridge"
        return {
            "Image": self.image,
            "Entrypoint": [PROGRAM],
            "Cmd": list(self.command),
            "Labels": {OURS: self.start},
            "ExposedPorts": {inner: {}} if bridged else {},
            "HostConfig": {
                "Init": True,
                "ShmSize": SHARED_MEMORY_BYTES,
                "NetworkMode": "host" if not bridged else "default",
                "PortBindings": bindings if bridged else {},
                "Binds": list(self.mounts),
                **self._device_request(),
            },
        }

    def _device_request(self) -> Mapping[str, Any]:
        match self.devices.vendor:
            case "nvidia" if self.engine is RuntimeKind.PODMAN:
                return {"Devices": [{"PathOnHost": NVIDIA_CDI}]}
            case "nvidia" if self.uses_cdi:
                return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": [NVIDIA_CDI]}]}
            case "nvidia":
                return {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}
            case "amd":
                files = [_device(file) for file in AMD_FILES]
                return {
                    "Devices": files,
                    "GroupAdd": [str(one) for one in self.devices.groups],
                    "SecurityOpt": ["seccomp=unconfined"],
                }
            case _:
                return {}


def mounted(path: Path, *, writable: bool = False) -> str:
    """Return the mount of a folder of this host under the same path."""
    return f"{path}:{path}" if writable else f"{path}:{path}:ro"


def _device(path: str) -> dict[str, str]:
    return {"PathOnHost": path, "PathInContainer": path, "CgroupPermissions": "rwm"}
