"""The matrix of driver faults holds what it must, and each row of it comes out as it says.

`make stub-matrix` prints all of it, with the rows that take a minute by policy.
"""

import shutil

import pytest

from tests.backends.gpus import amdsmi_bindings
from tests.backends.gpus.amdsmi_bindings import VERSIONS
from tests.backends.gpus.situations import AMDSMI, NVIDIA, SITUATIONS, SYSFS, TOGETHER, Situation
from tests.backends.gpus.stub_matrix import run_rows

LONGEST_STALL_S = 1.0
LONGEST_LEAVING_S = 3.0
AMDSMI_FAULTS = [each for each in AMDSMI if each.breaks or each.binding == ("6.3.3", "7.0.2")]


def test_the_matrix_is_complete() -> None:
    names = [each.name for each in SITUATIONS]
    assert len(set(names)) == len(names)
    for vendor in ("nvidia", "amdsmi"):
        told = " ".join(name for name in names if name.startswith(vendor))
        for fault in ("hang", "garbage", "no library", "mismatched", "GPU lost", "crashes"):
            assert fault in told or fault in str(
                [each.simulated for each in SITUATIONS if each.name.startswith(vendor)]
            )
    pairs = {each.binding for each in AMDSMI if each.binding and not each.breaks}
    assert {(binding, library) for binding in VERSIONS for library in VERSIONS} < pairs
    assert all(each.shown for each in SITUATIONS)
    assert all(each.mends for each in SITUATIONS if each.breaks)


@pytest.mark.parametrize(
    "chosen",
    [NVIDIA, SYSFS + TOGETHER, AMDSMI_FAULTS],
    ids=["nvidia", "amd and both", "amdsmi"],
)
def test_each_fault_is_shown_as_what_it_is_and_survived(chosen: tuple[Situation, ...]) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to compile the stub driver libraries")
    if any(each.binding for each in chosen) and not amdsmi_bindings.fetched():
        pytest.skip("AMD's bindings are not in the cache; run make stub-matrix once")
    rows = list(run_rows(each for each in chosen if not each.slow))
    assert [row for row in rows if not row.as_expected] == []
    assert [row for row in rows if not row.lived] == []
    assert [row for row in rows if row.longest_stall_s > LONGEST_STALL_S] == []
    assert [row for row in rows if row.left_s > LONGEST_LEAVING_S] == []
