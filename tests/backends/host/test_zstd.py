"""zstd logs: read by whichever module is there, and named as unreadable where none is."""

import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from backends.host import zstd

TEXT = b"INFO 11-21 08:00:00 [a.py:1] one line\n" * 5000

has_command = pytest.mark.skipif(which("zstd") is None, reason="no zstd command")
has_module = pytest.mark.skipif(
    zstd._module("compression.zstd") is None and zstd._module("zstandard") is None,
    reason="neither compression.zstd nor zstandard can be imported",
)


def _packed(folder: Path, text: bytes) -> Path:
    file = folder / "log.zst"
    file.write_bytes(subprocess.run(["zstd", "-c"], input=text, stdout=-1, check=True).stdout)
    return file


@has_command
@has_module
def test_a_file_is_unpacked_in_pieces(tmp_path: Path) -> None:
    file = _packed(tmp_path, TEXT)
    file.write_bytes(file.read_bytes() * 2)
    with file.open("rb") as packed:
        pieces = zstd.unpacked(packed, 1000)
        assert pieces is not None
        told = list(pieces)
    assert b"".join(told) == TEXT * 2
    assert max(map(len, told)) <= 1000


@has_command
@has_module
def test_what_stands_before_a_damage_is_read(tmp_path: Path) -> None:
    half = _packed(tmp_path, bytes(range(256)) * 8000 + TEXT)
    half.write_bytes(half.read_bytes()[:-30])
    with half.open("rb") as packed:
        pieces = zstd.unpacked(packed, 1000)
        assert pieces is not None
        assert TEXT.startswith(b"".join(pieces)[256 * 8000 :])


def test_without_a_module_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    (tmp_path / "log.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    with (tmp_path / "log.zst").open("rb") as packed:
        assert zstd.unpacked(packed, 1000) is None
