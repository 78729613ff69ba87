"""The monotonic clock, and the kernel's receive stamps converted to it."""

import struct
import time
from collections.abc import Iterable

from backends.domain.stamp import Stamp

# Linux asm-generic/socket.h; the socket module has no name for it.
SO_TIMESTAMPNS = 35
STAMP_SPACE = 64
NS = 1_000_000_000

_TIMESPEC = struct.Struct("qq")
_LARGEST_BRACKET_NS = 5_000
_LARGEST_LAG_NS = 60 * NS


def now_ns() -> int:
    """Nanoseconds on the monotonic clock, which no time service steps."""
    return time.monotonic_ns()


def wall_offset_ns() -> int:
    """Wall clock minus monotonic clock, read close enough together to convert a stamp."""
    for _ in range(4):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < _LARGEST_BRACKET_NS:
            break
    return wall - (before + after) // 2


def kernel_stamp_ns(
    ancillary: Iterable[tuple[int, int, bytes]], offset_ns: int, read_ns: int
) -> int | None:
    """Return when the kernel took the segment, on the monotonic clock; None without a sane stamp.

    `read_ns` is when user space had the bytes; a stamp after it, or a minute before it, comes from
    a stepped wall clock.
    """
    for _, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            at_ns = seconds * NS + nanoseconds - offset_ns
            if 0 <= read_ns - at_ns + _LARGEST_BRACKET_NS <= _LARGEST_LAG_NS:
                return int(min(at_ns, read_ns))
    return None


def stamp_of(mono_ns: int) -> Stamp:
    """Return an instant of the monotonic clock on both clocks."""
    return Stamp(mono_ns / NS, (mono_ns + wall_offset_ns()) / NS)
