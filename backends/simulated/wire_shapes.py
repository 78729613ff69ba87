"""Shapes whose bytes are unusual: framing, coding and what stands between the events."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence

from backends.simulated.shape import Chunk, Golden, Shape, stream


def _events(chunks: Sequence[Chunk]) -> bytes:
    return b"".join(
        b"data: %b\n\n" % (each if isinstance(each, str) else json.dumps(each)).encode()
        for each in chunks
    )


def _head(*lines: str, kind: str = "text/event-stream") -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", f"content-type: {kind}", *lines, "", "")).encode()


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


_PLAIN = _events(stream())
_BROKEN = _PLAIN.replace(b"one ", b"one\xff ")
_HALF = len(_PLAIN) // 2

WIRE_SHAPES: Mapping[str, Shape] = {
    "wrapped": Shape(
        "events inside events (proxies that wrap twice)",
        wire=_head() + _PLAIN.replace(b"data: ", b"data: data: "),
    ),
    "unseparated": Shape(
        "events without a blank line between them, none of which is whole before the end",
        golden=Golden("no blank line between", "", None, None, answered_model=None, flags=()),
        wire=_head() + _PLAIN.replace(b"\n\n", b"\n") + b"\n",
    ),
    "no-utf8": Shape(
        "bytes that are no UTF-8",
        golden=Golden(text="one\ufffd two three four "),
        wire=_head() + _BROKEN,
    ),
    "typeless": Shape(
        "events under another type, the first of them with a number",
        wire=_head(kind="application/octet-stream") + b"id: 1\n" + _PLAIN,
    ),
    "blank-first": Shape(
        "blank lines while the request waits (DeepSeek)",
        wire=_head(kind="text/plain") + b"\r\n\n\n" + _PLAIN,
    ),
    "deflate": Shape(
        "deflate without its header",
        wire=_head("content-encoding: deflate") + _raw_deflate(_PLAIN),
    ),
    "gzip-members": Shape(
        "gzip in many members",
        wire=_head("content-encoding: gzip")
        + gzip.compress(_PLAIN[:_HALF])
        + gzip.compress(_PLAIN[_HALF:]),
    ),
    "bare-lines": Shape(
        "a head whose lines end without a return",
        wire=_head().replace(b"\r\n", b"\n") + _PLAIN,
    ),
    "http10": Shape(
        "HTTP/1.0, behind hints that it will come",
        wire=b"HTTP/1.1 103 Early Hints\r\n\r\n" + _head().replace(b"1.1", b"1.0") + _PLAIN,
    ),
    "zstd": Shape(
        "a coding that was not asked for and cannot be read",
        golden=Golden("zstd", "", None, None, answered_model=None, flags=()),
        wire=_head("content-encoding: zstd") + b"\x28\xb5\x2f\xfd",
    ),
}
