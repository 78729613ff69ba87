"""The same source on a machine that has a GPU; skipped where there is none."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.domain.gpu import Gpu
from backends.gpus.detect import open_gpus
from backends.gpus.source import GpuSource

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def source() -> Iterator[GpuSource]:
    source = open_gpus()
    sample = source.sample(processes=True)
    if not sample.gpus:
        source.close()
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


def test_a_torch_process_is_shown_to_the_byte(source: GpuSource) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("no torch")
    if source.sample(processes=False).gpus[0].vendor != "nvidia":
        pytest.skip("no NVIDIA GPU")
    order = [sys.executable, "-m", "tests.backends.gpus.real_gpu"]
    done = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
