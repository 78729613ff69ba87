"""Which GPU devices a container on this host needs, as its device files show without a driver."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Devices:
    """What a container is given of GPUs.

    Attributes:
        groups: the numbers of the groups that may use AMD's files; an image need not know names.
        cdi: a specification of the Container Device Interface names NVIDIA's devices.
    """

    vendor: Literal["nvidia", "amd", ""] = ""
    groups: tuple[int, ...] = ()
    cdi: bool = False


def devices_of(root: Path = ROOT) -> Devices:
    """Return the devices of this host: NVIDIA's, else AMD's, else none."""
    dev = root / "dev"
    if (dev / "nvidiactl").exists() or (dev / "nvidia0").exists():
        specs = (root / "etc/cdi", root / "var/run/cdi")
        cdi = any(next(iter(folder.glob("nvidia*")), None) for folder in specs if folder.is_dir())
        return Devices("nvidia", cdi=cdi)
    if (dev / "kfd").exists():
        files = [dev / "kfd", *sorted((dev / "dri").glob("renderD*"))]
        files += sorted((dev / "dri").glob("card*"))
        groups = dict.fromkeys(one.stat().st_gid for one in files)
        return Devices("amd", tuple(groups))
    return Devices()
