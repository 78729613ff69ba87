"""How long a reading is held, and what of a driver is believed, to the last second and byte."""

from collections.abc import Callable

import pytest

from backends.gpus.amd_memory import AmdFigures, amd_memory
from backends.gpus.cache import Held, HeldList
from backends.gpus.proc import Proc
from backends.gpus.process_list import ProcessList, against_used, believed

GIB = 1 << 30


def test_a_reading_is_good_for_its_time_and_not_at_its_end() -> None:
    held, read = Held[int](), iter(range(9))
    assert held.last(0.0, 5.0) is None
    assert [held.read(at_s, 2.0, lambda: next(read)) for at_s in (10.0, 11.9, 12.0, 12.1)] == [
        0,
        0,
        1,
        1,
    ]
    assert held.last(17.0, 5.0) == 1
    assert held.last(17.1, 5.0) is None


@pytest.mark.parametrize(
    ("used", "at_s", "renewed"),
    [
        ((5, 5), 14.9, False),
        ((5, 5), 15.0, True),
        ((5, 6), 1.9, False),
        ((5, 6), 2.0, True),
        ((None, None), 2.0, True),
    ],
)
def test_a_process_list_is_renewed_every_two_seconds_and_every_fifteen_while_nothing_changes(
    used: tuple[int | None, int | None], at_s: float, *, renewed: bool
) -> None:
    held, read = HeldList[int](), iter(range(9))
    held.read(0.0, used[0], lambda: next(read))
    assert (held.read(at_s, used[1], lambda: next(read)) == 1) is renewed


def test_a_process_list_that_nobody_asked_for_is_shown_for_twenty_seconds() -> None:
    held = HeldList[int]()
    held.read(100.0, 5, lambda: 7)
    assert held.last(120.0) == 7
    assert held.last(120.1) is None


@pytest.mark.parametrize(
    ("listed", "total", "is_believed"),
    [
        ([(1, 5)], 5, True),
        ([(1, 6)], 5, False),
        ([(1, 6)], None, True),
        ([(0, 1)], 5, False),
        ([(-1, 1)], 5, False),
        ([], 5, True),
    ],
)
def test_which_process_lists_are_believed(
    made_proc: Callable[..., Proc],
    listed: list[tuple[int, int | None]],
    total: int | None,
    *,
    is_believed: bool,
) -> None:
    found = believed(listed, total, made_proc({1: "VLLM::EngineCore"}))
    assert (found.processes is not None) is is_believed


def test_of_two_entries_of_a_process_the_larger_counts(made_proc: Callable[..., Proc]) -> None:
    proc = made_proc({1: "VLLM::EngineCore"})
    for listed in ([(1, 5), (1, 9)], [(1, 9), (1, 5)], [(1, None), (1, 9)], [(1, 9), (1, None)]):
        assert believed(listed, 10, proc).listed_bytes == 9
    assert believed([(1, None)], 10, proc).listed_bytes is None


@pytest.mark.parametrize(("used", "said"), [(GIB - 1, False), (GIB, True), (0, False)])
def test_a_gibibyte_that_nobody_is_listed_for_is_remarked(used: int, *, said: bool) -> None:
    found = against_used(ProcessList(()), used)
    assert bool(found.reason) is said


@pytest.mark.parametrize(
    ("vram", "gtt", "unified"),
    [
        (8 * GIB - 1, 64 * GIB, True),
        (8 * GIB, 64 * GIB, False),
        (GIB, 8 * GIB, True),
        (GIB, 8 * GIB - 1, False),
        (0, 1, True),
        (0, 0, False),
    ],
)
def test_which_amd_gpu_works_in_the_memory_of_its_host(
    vram: int, gtt: int, *, unified: bool
) -> None:
    found = amd_memory(AmdFigures(vram, 0, gtt, 0), "sysfs")
    assert found.unified is unified
    assert found.total_bytes == (gtt if unified else vram)


@pytest.mark.parametrize(("used", "known"), [(10, True), (11, False)])
def test_an_amd_gpu_uses_no_more_than_it_has(used: int, *, known: bool) -> None:
    found = amd_memory(AmdFigures(10, used, None, None), "sysfs")
    assert (found.used_bytes is not None) is known
