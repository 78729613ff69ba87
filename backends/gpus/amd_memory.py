"""The memory of one AMD GPU from its two kinds: VRAM on the card, GTT in the host."""

from dataclasses import dataclass

from backends.domain.gpu import GpuMemory
from backends.domain.vram import impossible_use

_SMALL_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class AmdFigures:
    """Total and used bytes of both kinds; None for what a source does not say."""

    vram_total: int | None
    vram_used: int | None
    gtt_total: int | None
    gtt_used: int | None


def amd_memory(figures: AmdFigures, source: str) -> GpuMemory:
    """Return the memory a GPU works in; `source` is completed with its kind.

    A processor's own GPU (MI300A, Strix Halo) has little or no VRAM and works in GTT. Its GTT is
    given then, and the two are never added, since they may overlap.
    """
    vram, gtt = figures.vram_total, figures.gtt_total
    unified = bool(gtt and vram is not None and vram < _SMALL_BYTES and gtt >= 8 * vram)
    kind = "gtt" if unified else "vram"
    total = gtt if unified else vram
    used = figures.gtt_used if unified else figures.vram_used
    reason = ""
    if total is None or used is None:
        reason = f"{source} gives no {kind} {'total' if total is None else 'used'}"
    elif used > total:
        reason = impossible_use(used, total)
        used = None
    return GpuMemory(total, used, None, unified=unified, source=f"{source} {kind}", reason=reason)
