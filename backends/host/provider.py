"""Which cloud this host is rented from, as far as the host itself shows it."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DMI = Path("/sys/class/dmi/id")

_VARIABLES = {
    "RUNPOD_POD_ID": "runpod",
    "VAST_CONTAINERLABEL": "vast",
    "MODAL_TASK_ID": "modal",
    "PAPERSPACE_FQDN": "paperspace",
}
_VENDORS = {
    "digitalocean": "digitalocean",
    "amazon ec2": "aws",
    "google": "gcp",
    "vultr": "vultr",
    "hetzner": "hetzner",
    "scaleway": "scaleway",
    "ovh": "ovh",
    "nebius": "nebius",
    "lambda": "lambda",
    "crusoe": "crusoe",
}
_SIZE = re.compile(r"gpu-[a-z0-9]+x\d+-\d+gb")


@dataclass(frozen=True, slots=True)
class HostProvider:
    """Who rents this host out.

    Attributes:
        name: as price tables name the provider.
        size: the provider's own name of this size of host, empty where nothing shows it.
    """

    name: str
    size: str = ""


def provider_seen(
    environ: Mapping[str, str] = os.environ, dmi: Path = DMI, hostname: str | None = None
) -> HostProvider | None:
    """Return the provider of this host, None where nothing shows it.

    A container's variables say it first, then the firmware's vendor; the size is in the name that
    a host was given, or the firmware's product.
    """
    name = next((each for key, each in _VARIABLES.items() if environ.get(key)), "")
    vendor = _read(dmi / "sys_vendor").lower()
    name = name or next((each for said, each in _VENDORS.items() if vendor.startswith(said)), "")
    if not name:
        return None
    size = _SIZE.search(hostname if hostname is not None else socket.gethostname())
    return HostProvider(name, size[0] if size else _read(dmi / "product_name"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
