"""Whether the GPUs gave back what a server held."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from backends.keeper.helper import printed_by

TOLERANCE_BYTES = 512 * 2**20
"""What may stay: drivers keep contexts and caches of this order for a while."""

SAMPLE_S = 10.0
"""How long a driver may take to answer."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The memory in use on one GPU, in bytes; None where the driver does not say.

    Attributes:
        unattributed_bytes: what no process that the driver lists accounts for; unlike `used_bytes`
            it does not change with what other servers do.
    """

    used_bytes: int | None
    unattributed_bytes: int | None


Usages = Mapping[str, Usage]


class GpuMemory:
    """Remembers the usage before a server took its memory, and compares when it has ended."""

    def __init__(self, sample: Callable[[], Usages]) -> None:
        self._sample = sample
        self._before: Usages = {}

    def note_before(self) -> None:
        """Take the usage that a stop must come back to."""
        self._before = self._sample()

    def is_released(self) -> bool | None:
        """Tell whether every GPU is back to what it was, None where no driver can say."""
        after = self._sample() if self._before else {}
        both = [(self._before[gpu], after[gpu]) for gpu in self._before if gpu in after]
        excess = [_excess_bytes(earlier, later) for earlier, later in both]
        known = [size for size in excess if size is not None]
        return all(size <= TOLERANCE_BYTES for size in known) if known else None


def _excess_bytes(before: Usage, after: Usage) -> int | None:
    if before.unattributed_bytes is not None and after.unattributed_bytes is not None:
        return after.unattributed_bytes - before.unattributed_bytes
    if before.used_bytes is not None and after.used_bytes is not None:
        return after.used_bytes - before.used_bytes
    return None


def sample_in_child() -> Usages:
    """Return the usage of every GPU, nothing where the child does not say in time."""
    try:
        printed = printed_by("backends.keeper.gpu_sample", within_s=SAMPLE_S)
        return msgspec.json.decode(printed, type=dict[str, Usage])
    except (TimeoutError, msgspec.MsgspecError):
        return {}
