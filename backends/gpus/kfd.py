"""AMD's compute driver in sysfs: which of its nodes belong to a card, and who holds its memory.

ROCm programs reach the card through ``/dev/kfd`` and so do not appear in a process's ``fdinfo``;
``/sys/class/kfd/kfd/proc/PID/vram_GPUID`` has their memory in bytes.
"""

from dataclasses import dataclass
from pathlib import Path

_FUNCTION_BITS = 0x7


def same_card(bdf: str) -> str:
    """Return a PCI address with function 0, which all partitions of one card share."""
    return bdf.partition(".")[0] + ".0" if bdf else ""


@dataclass(frozen=True, slots=True)
class KfdNodes:
    """The tree at `root`, normally ``/sys/class/kfd/kfd``."""

    root: Path

    def partitions(self, bdf: str) -> int:
        """Return how many compute nodes a card has, 0 when the tree does not say."""
        return len(self._gpu_ids(bdf))

    def process_memory(self, bdf: str) -> dict[int, int | None] | str:
        """Return bytes by pid on all partitions of a card, or the reason why they are unknown."""
        gpu_ids = self._gpu_ids(bdf)
        processes = self.root / "proc"
        try:
            folders = (
                [each for each in processes.iterdir() if each.name.isdigit()] if gpu_ids else None
            )
        except OSError:
            folders = None
        if folders is None:
            return f"no compute processes in {processes} (amdkfd absent or hidden from here)"
        held: dict[int, int | None] = {}
        for folder in folders:
            files = [folder / f"vram_{gpu_id}" for gpu_id in gpu_ids]
            sizes = [_number(path) for path in files if path.exists()]
            known = [size for size in sizes if size is not None]
            if len(known) < len(sizes):
                held[int(folder.name)] = None
            elif sum(known):
                held[int(folder.name)] = sum(known)
        return held

    def _gpu_ids(self, bdf: str) -> list[int]:
        found = []
        for node in sorted(self.root.glob("topology/nodes/*")):
            gpu_id = _number(node / "gpu_id")
            if gpu_id and _bdf(_properties(node / "properties")) == bdf:
                found.append(gpu_id)
        return found


def _bdf(properties: dict[str, int]) -> str:
    """Return the card's address; the kernel puts a partition's number into the function bits."""
    location = properties.get("location_id", 0) & ~_FUNCTION_BITS
    bus, device = location >> 8 & 0xFF, location >> 3 & 0x1F
    return f"{properties.get('domain', 0):04x}:{bus:02x}:{device:02x}.0"


def _properties(path: Path) -> dict[str, int]:
    try:
        words = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2 and pair[1].isdigit()}


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
