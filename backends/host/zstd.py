"""zstd files, where this Python can read them: 3.14 by itself, an older one with `zstandard`."""

import importlib
from collections.abc import Iterator
from typing import IO, Any


def unpacked(file: IO[bytes], size: int) -> Iterator[bytes] | None:
    """Return what a zstd file holds, in pieces; None where no module here can read it.

    What is damaged or cut off at its end gives what stands before the damage.

    Args:
        file: at its beginning.
        size: of a piece, in bytes.
    """
    reader = _reader(file)
    return None if reader is None else _pieces(reader, size)


def _reader(file: IO[bytes]) -> Any:
    if (own := _module("compression.zstd")) is not None:
        return own.open(file)
    if (other := _module("zstandard")) is not None:
        return other.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return None


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _pieces(reader: IO[bytes], size: int) -> Iterator[bytes]:
    while True:
        try:
            piece = reader.read(size)
        except OSError:
            raise
        except Exception:  # each module has an error of its own for damaged data
            return
        if not piece:
            return
        yield piece
