"""The matrix of driver faults holds what it must, and each row of it comes out as it says.

`make stub-matrix` prints all of it, with the rows that take a minute by policy.
"""

import shutil
from pathlib import Path

import pytest

from backends.gpus.nvml import NvmlGpus
from tests.backends.gpus import amdsmi_bindings
from tests.backends.gpus.amdsmi_bindings import VERSIONS
from tests.backends.gpus.nvml_stub import Driver
from tests.backends.gpus.situations import AMDSMI, NVIDIA, SITUATIONS, Situation
from tests.backends.gpus.stub_matrix import made_proc, run_rows, shown_of

LONGEST_STALL_S = 1.0
LONGEST_LEAVING_S = 3.0
AT_REST = [each for each in NVIDIA if each.library == "current" and not each.mends]
LIBRARIES = [each for each in NVIDIA if each.library != "current"]
MISMATCHED = [each for each in AMDSMI if each.binding == ("6.3.3", "7.0.2")]


def test_the_matrix_is_complete() -> None:
    names = [each.name for each in SITUATIONS]
    assert len(set(names)) == len(names)
    for vendor in ("nvidia", "amdsmi"):
        told = " ".join(name for name in names if name.startswith(vendor))
        for fault in ("hangs", "garbage", "no library", "GPU lost", "crashes"):
            assert fault in told
    pairs = {each.binding for each in AMDSMI if each.binding and not each.breaks}
    assert {(binding, library) for binding in VERSIONS for library in VERSIONS} < pairs
    assert all(each.shown for each in SITUATIONS)
    assert all(each.mends for each in SITUATIONS if each.breaks)


@pytest.mark.parametrize("situation", AT_REST, ids=lambda each: each.name)
def test_a_driver_at_rest_is_shown_as_what_it_is(
    situation: Situation, nvml_driver: Driver, tmp_path: Path
) -> None:
    nvml_driver.put(dict(situation.nvidia))
    shown = shown_of(NvmlGpus(proc=made_proc(tmp_path / "proc")).sample(processes=True))
    assert [word for word in situation.shown if word not in shown] == []


@pytest.mark.slow
def test_each_fault_is_shown_as_what_it_is_and_survived() -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the stub driver libraries")
    faults = [each for each in SITUATIONS if each.mends and not each.slow]
    faults.sort(key=lambda each: not each.in_binding)  # they take longest
    chosen = [*faults, *LIBRARIES, *MISMATCHED[:1]]
    if not amdsmi_bindings.fetched():  # `make stub-matrix` fetches them
        chosen = [each for each in chosen if each.binding is None]
    rows = list(run_rows(chosen))
    assert [row for row in rows if not row.as_expected] == []
    assert [row for row in rows if not row.lived] == []
    assert [row for row in rows if row.longest_stall_s > LONGEST_STALL_S] == []
    assert [row for row in rows if row.left_s > LONGEST_LEAVING_S] == []
