import struct
import time

import pytest

from backends.prober.clock import (
    NS,
    SO_TIMESTAMPNS,
    kernel_stamp_ns,
    now_ns,
    stamp_of,
    wall_offset_ns,
)

OFFSET = 1_700_000_000 * NS
READ = 5_000 * NS


def ancillary(mono_ns: int, kind: int = SO_TIMESTAMPNS) -> list[tuple[int, int, bytes]]:
    return [(1, kind, struct.pack("qq", *divmod(mono_ns + OFFSET, NS)))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (ancillary(READ - 40_000), READ - 40_000),
        (ancillary(READ + 2_000), READ),
        (ancillary(READ + NS), None),
        (ancillary(READ - 3600 * NS), None),
        (ancillary(READ, kind=29), None),
        ([], None),
        ([(1, SO_TIMESTAMPNS, b"short")], None),
    ],
    ids=["usual", "a hair late", "stepped back", "stepped on", "other kind", "none", "short"],
)
def test_only_sane_stamps_of_the_kernel_are_believed(
    data: list[tuple[int, int, bytes]], expected: int | None
) -> None:
    assert kernel_stamp_ns(data, OFFSET, READ) == expected


def test_the_offset_turns_one_clock_into_the_other() -> None:
    assert wall_offset_ns() == pytest.approx(time.time_ns() - time.monotonic_ns(), abs=NS / 100)
    stamp = stamp_of(now_ns())
    assert stamp.wall_s == pytest.approx(time.time(), abs=0.5)
