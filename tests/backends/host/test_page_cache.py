"""What of a file is in memory, against a file that the test itself reads and drops."""

import os
from pathlib import Path

import pytest

from backends.host import page_cache as host_page_cache
from backends.host.page_cache import drop_from_page_cache, page_cache

SIZE = 4 * 2**20 + 17


def _drop(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_a_file_that_was_just_read_is_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"x" * SIZE)
    path.read_bytes()
    found = page_cache([path])
    assert (found.resident_bytes, found.total_bytes, found.reason) == (SIZE, SIZE, "")


def test_a_file_that_was_dropped_is_not(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"x" * SIZE)
    _drop(path)
    found = page_cache([path])
    if found.resident_bytes == SIZE:
        pytest.skip("this file system keeps its files in memory")
    assert found.resident_bytes == 0
    assert found.total_bytes == SIZE


def test_dropping_tells_what_stayed(tmp_path: Path) -> None:
    path, other = tmp_path / "weights.safetensors", tmp_path / "other.safetensors"
    for each in (path, other):
        each.write_bytes(b"x" * SIZE)
        with each.open("rb") as file:
            os.fsync(file.fileno())
    found = drop_from_page_cache([path])
    if found.resident_bytes == SIZE:
        pytest.skip("this file system keeps its files in memory")
    assert (found.resident_bytes, found.total_bytes) == (0, SIZE)
    assert page_cache([other]).resident_bytes == SIZE
    assert path.read_bytes() == b"x" * SIZE


def test_files_that_cannot_be_judged_are_not_dropped(tmp_path: Path) -> None:
    found = drop_from_page_cache([tmp_path / "gone.safetensors"])
    assert found.resident_bytes is None
    assert found.reason


def test_looking_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"x" * SIZE)
    _drop(path)
    assert page_cache([path]) == page_cache([path])


def test_no_bytes_are_no_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.bin"
    path.touch()
    assert page_cache([path]).total_bytes == 0


def test_a_file_that_is_not_there_has_a_reason(tmp_path: Path) -> None:
    found = page_cache([tmp_path / "gone.bin"])
    assert found.resident_bytes is None
    assert "No such file" in found.reason


def test_a_large_file_is_looked_at_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_page_cache, "WINDOW_BYTES", 2**20)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"x" * SIZE)
    path.read_bytes()
    assert page_cache([path]).resident_bytes == SIZE


def test_what_the_kernel_does_not_map_has_its_reason() -> None:
    reading, writing = os.pipe()
    with (
        os.fdopen(reading),
        os.fdopen(writing, "w"),
        pytest.raises(OSError, match="No such device"),
    ):
        host_page_cache._resident_from(reading, 0, 4096)
