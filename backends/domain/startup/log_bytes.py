"""The bytes of a log file as UTF-8, whatever wrote them: compressed, or in UTF-16."""

import bz2
import codecs
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

PIECE_BYTES = 1 << 20
"""At most this much is unpacked at once, so that a small file that unpacks to much is harmless."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""How a zstd file begins, which Python's standard library before 3.14 cannot read."""

_ENCODINGS = (
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)


def utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the file's text as UTF-8, without a byte order mark.

    What is damaged or cut off at its end gives what stands before the damage.
    """
    return _decoded(_unpacked(chunks))


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    first, rest = _first(chunks)
    if first.startswith(b"\x1f\x8b"):
        return _gunzipped(rest)
    if first.startswith(b"\xfd7zXZ\x00"):
        return _decompressed(rest, lzma.LZMADecompressor)
    if first.startswith(b"BZh"):
        return _decompressed(rest, bz2.BZ2Decompressor)
    return rest


def _decoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    first, rest = _first(chunks)
    for mark, encoding in _ENCODINGS:
        if first.startswith(mark):
            return _recoded(rest, encoding, len(mark))
    if first[1:2] == b"\0" and first[3:4] == b"\0":
        return _recoded(rest, "utf-16-le", 0)
    if first[:1] == b"\0" and first[2:3] == b"\0":
        return _recoded(rest, "utf-16-be", 0)
    return rest


def _first(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    pieces = iter(chunks)
    first = b""
    while len(first) < 6 and (piece := next(pieces, b"")):
        first += piece
    return first, chain((first,), pieces)


def _recoded(chunks: Iterable[bytes], encoding: str, mark: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        text = decoder.decode(chunk[mark:])
        mark = 0
        yield text.encode("utf-8", "replace")


def _gunzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        data = chunk
        while data:
            try:
                unpacked = member.decompress(data, PIECE_BYTES)
            except zlib.error:
                return
            yield unpacked
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, zlib.decompressobj(wbits=31)


def _decompressed(
    chunks: Iterable[bytes],
    make: Callable[[], lzma.LZMADecompressor] | Callable[[], bz2.BZ2Decompressor],
) -> Iterator[bytes]:
    packed = make()
    for chunk in chunks:
        data = chunk
        while data or not packed.needs_input:
            try:
                yield packed.decompress(data, PIECE_BYTES)
            except (lzma.LZMAError, OSError, EOFError):
                return
            data = b""
            if packed.eof:
                data, packed = packed.unused_data, make()
                if not data:
                    break
