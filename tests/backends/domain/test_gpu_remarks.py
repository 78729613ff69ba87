"""What is said of a GPU beside its figures: nothing twice, the weightiest first."""

import pytest

from backends.domain.gpu import Gpu, GpuMemory
from backends.domain.gpu_remarks import remarks

HUNG = "the driver does not answer"


def gpu(memory_reason: str = "", *, unified: bool = False, **more: object) -> Gpu:
    memory = GpuMemory(100, 50, None, unified=unified, source="made", reason=memory_reason)
    return Gpu(0, "GPU-0", "made", "nvidia", memory, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (gpu(), ()),
        (gpu("no memory figure"), ("no memory figure",)),
        (gpu(unified=True), ("shares the host's memory",)),
        (gpu(throttled=("power", "heat")), ("clocks limited by power, heat",)),
        (gpu(throttled=()), ()),
        (
            gpu(reasons=(("power_w", "not measured"), ("busy_percent", "not measured"))),
            ("no power or activity: not measured",),
        ),
        (
            gpu(reasons=(("temperature_c", "no sensor"), ("fan", "no fan"))),
            ("no temperature: no sensor", "no fan: no fan"),
        ),
        (gpu(HUNG, reasons=(("power_w", HUNG),), processes_reason=HUNG), (HUNG,)),
        (
            gpu("no figure", unified=True, processes_reason="only root sees processes"),
            ("no figure", "shares the host's memory", "only root sees processes"),
        ),
    ],
)
def test_remarks(seen: Gpu, said: tuple[str, ...]) -> None:
    assert remarks(seen) == said
