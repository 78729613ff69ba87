"""Whether the memory of the GPUs was given back."""

import os
from dataclasses import replace

import pytest

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess
from backends.keeper import gpu_memory
from backends.keeper.gpu_memory import Usage, Usages, sample_in_child
from backends.keeper.gpu_sample import usage_of

GIB = 2**30
GPU = Gpu(0, "u", "H100", "nvidia", GpuMemory(80 * GIB, 10 * GIB, 0, False, "test"))


def _released(before: Usages, after: Usages) -> bool | None:
    samples = iter([before, after])
    memory = gpu_memory.GpuMemory(lambda: next(samples))
    memory.note_before()
    return memory.is_released()


@pytest.mark.parametrize(
    ("expected", "before", "after"),
    [
        (True, Usage(1 * GIB, 1 * GIB), Usage(1 * GIB, 1 * GIB)),
        (False, Usage(1 * GIB, 1 * GIB), Usage(71 * GIB, 71 * GIB)),
        (True, Usage(1 * GIB, 1 * GIB), Usage(41 * GIB, 1 * GIB)),  # another server's growth
        (False, Usage(41 * GIB, 1 * GIB), Usage(41 * GIB, 31 * GIB)),  # another server's end
        (True, Usage(1 * GIB, None), Usage(1 * GIB, None)),
        (False, Usage(1 * GIB, None), Usage(9 * GIB, None)),
        (None, Usage(None, None), Usage(None, None)),
        (None, Usage(1 * GIB, None), Usage(None, None)),
    ],
)
def test_the_usage_must_come_back_to_what_it_was(
    expected: bool | None, before: Usage, after: Usage
) -> None:
    assert _released({"u": before}, {"u": after}) is expected


def test_one_gpu_that_still_holds_is_enough() -> None:
    clean, held = Usage(0, 0), Usage(70 * GIB, 70 * GIB)
    assert _released({"a": clean, "b": clean}, {"a": clean, "b": held}) is False


def test_without_a_sample_nothing_is_claimed() -> None:
    assert _released({}, {}) is None
    assert _released({"u": Usage(0, 0)}, {}) is None


def test_what_living_processes_hold_is_theirs() -> None:
    own = GpuProcess(os.getpid(), "me", 4 * GIB)
    gone = GpuProcess(2**22 + 1, "gone", 5 * GIB)
    assert usage_of(replace(GPU, processes=(own, gone))) == Usage(10 * GIB, 6 * GIB)
    assert usage_of(replace(GPU, processes=())) == Usage(10 * GIB, 10 * GIB)


def test_an_incomplete_list_attributes_nothing() -> None:
    silent = GpuProcess(os.getpid(), "me", None)
    assert usage_of(replace(GPU, processes=(silent,))) == Usage(10 * GIB, None)
    assert usage_of(replace(GPU, processes=None)) == Usage(10 * GIB, None)


def test_a_child_looks_at_the_gpus_of_this_host() -> None:
    usages = sample_in_child()
    assert all(usage.used_bytes is None or usage.used_bytes >= 0 for usage in usages.values())
