"""How much of some files the kernel holds in memory, without reading any of them."""

import ctypes
import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

WINDOW_BYTES = 1 << 30
"""Files are mapped piece by piece, so that a terabyte needs no terabyte of address space."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
_MAP_FAILED = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class PageCache:
    """What of some files is in memory; `resident_bytes` None where `reason` says why."""

    resident_bytes: int | None
    total_bytes: int | None
    reason: str = ""


def page_cache(files: Iterable[Path]) -> PageCache:
    """Return how much of the files would be read from memory, by ``mincore(2)``.

    Linux tells the truth only to a file's owner or to those who may write to it, and calls every
    page of others resident, so such files are not judged.
    """
    total = resident = 0
    try:
        for path in files:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.geteuid() and not os.access(path, os.W_OK):
                    return PageCache(None, None, f"the kernel tells nobody but its owner: {path}")
                total += status.st_size
                resident += _resident(file.fileno(), status.st_size)
    except OSError as error:
        return PageCache(None, None, f"the model's files cannot be looked at: {error.strerror}")
    return PageCache(resident, total)


def drop_from_page_cache(files: Iterable[Path]) -> PageCache:
    """Ask the kernel to forget the files' pages, by ``posix_fadvise(2)``, and tell what stayed.

    Touches no other file and needs no privilege. What another process has mapped, or what is not
    written to the disk yet, stays; files that `page_cache` cannot judge are not dropped, because
    nobody could say whether they were.
    """
    paths = tuple(files)
    before = page_cache(paths)
    if before.resident_bytes is None:
        return before
    try:
        for path in paths:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        return PageCache(None, None, f"the model's files cannot be dropped: {error.strerror}")
    return page_cache(paths)


def _resident(descriptor: int, size: int) -> int:
    return sum(
        _resident_from(descriptor, start, min(WINDOW_BYTES, size - start))
        for start in range(0, size, WINDOW_BYTES)
    )


def _resident_from(descriptor: int, start: int, length: int) -> int:
    place = _libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, start)
    if place == _MAP_FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    pages = -(-length // mmap.PAGESIZE)
    told = ctypes.create_string_buffer(pages)
    try:
        if _libc.mincore(place, length, told):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        _libc.munmap(place, length)
    held = pages - told.raw.count(b"\0")
    return min(length, held * mmap.PAGESIZE)
