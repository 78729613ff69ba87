"""The same source on a machine that has a GPU; skipped where there is none."""

import os
from collections.abc import Iterator

import pytest

from backends.domain.gpu import Gpu, GpuSample
from backends.gpus.detect import open_gpus
from backends.gpus.source import GpuSource


@pytest.fixture
def source() -> Iterator[GpuSource]:
    source = open_gpus()
    sample = source.sample(processes=True)
    if not sample.gpus:
        pytest.skip(sample.reason)
    yield source
    source.close()


def unexplained(gpu: Gpu) -> list[str]:
    """Return the figures that are None without a reason."""
    told = dict(gpu.reasons)
    figures = ("busy_percent", "power_w", "temperature_c", "throttled")
    missing = [name for name in figures if getattr(gpu, name) is None and not told.get(name)]
    if gpu.memory.used_bytes is None and not gpu.memory.reason:
        missing.append("memory")
    if gpu.processes is None and not gpu.processes_reason:
        missing.append("processes")
    return missing


def test_every_figure_is_possible_or_explained(source: GpuSource) -> None:
    for gpu in source.sample(processes=True).gpus:
        print(gpu)
        assert gpu.name
        assert unexplained(gpu) == []
        total, used = gpu.memory.total_bytes, gpu.memory.used_bytes
        if total is not None and used is not None:
            assert 0 <= used + (gpu.memory.reserved_bytes or 0) <= total
        assert gpu.power_w is None or 0 < gpu.power_w < 5000
        assert gpu.temperature_c is None or 0 < gpu.temperature_c < 120
        assert gpu.busy_percent is None or 0 <= gpu.busy_percent <= 100


def test_memory_taken_here_is_seen_here(source: GpuSource) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    taken_bytes = 4 << 30
    before = _used_by_index(source.sample(processes=False))
    block = torch.empty(taken_bytes, dtype=torch.uint8, device="cuda")
    sample = open_gpus().sample(processes=True)
    grown = [
        used - before[index]
        for index, used in _used_by_index(sample).items()
        if used is not None and before.get(index) is not None
    ]
    assert max(grown) >= taken_bytes
    mine = [
        process.used_bytes
        for gpu in sample.gpus
        for process in gpu.processes or ()
        if process.pid == os.getpid()
    ]
    if any(gpu.processes for gpu in sample.gpus):
        assert [used for used in mine if used is None or used >= taken_bytes]
    del block


def _used_by_index(sample: GpuSample) -> dict[int, int]:
    return {
        gpu.index: gpu.memory.used_bytes for gpu in sample.gpus if gpu.memory.used_bytes is not None
    }
