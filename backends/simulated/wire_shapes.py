"""Shapes whose bytes are unusual: framing, coding and what stands between the events."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence

from backends.simulated.shape import TEXT, WORDS, Chunk, Golden, Shape, stream


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


def _chunked(body: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    parts = [body[at : at + 37] for at in range(0, len(body), 37)]
    framed = [b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts]
    return b"".join((*framed, b"0\r\n", trailers, b"\r\n"))


def _named_events(documents: Sequence[Mapping[str, object]]) -> bytes:
    return b"".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in documents
    )


def _response(state: str, **more: object) -> Mapping[str, object]:
    return {"type": f"response.{state}", "response": {"model": "m-1", "status": state, **more}}


_COUNTED = {
    "input_tokens": 20,
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 1},
}
_RESPONSE: Sequence[Mapping[str, object]] = (
    _response("created", error=None, usage=None),
    {"type": "response.reasoning_text.delta", "delta": "Hm "},
    *({"type": "response.output_text.delta", "delta": word} for word in WORDS),
    {"type": "response.output_text.done", "text": TEXT},
)
_MESSAGES: Sequence[Mapping[str, object]] = (
    {
        "type": "message_start",
        "message": {"model": "m-1", "usage": {"input_tokens": 20, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    *(
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": word}}
        for word in WORDS
    ),
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 4},
    },
    {"type": "message_stop"},
)

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
        "bytes that are not UTF-8",
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
    "brotli": Shape(
        "another coding that cannot be read",
        golden=Golden("[(]br[)]", "", None, None, answered_model=None, flags=()),
        wire=_head("content-encoding: br") + b"\x0b\x02\x80hi\x03",
    ),
    "coded-twice": Shape(
        "a coding in each of two fields",
        wire=_head("content-encoding: identity, deflate", "transfer-encoding: gzip, Chunked")
        + _chunked(gzip.compress(zlib.compress(_PLAIN))),
    ),
    "chunk-extensions": Shape(
        "chunks with extensions and trailers, behind interim replies",
        wire=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        + _head("Transfer-Encoding: CHUNKED")
        + _chunked(_PLAIN, b';ieof=1;x="y"', b"x-checksum: 1\r\n"),
    ),
    "folded-head": Shape(
        "a head with a folded line and a field twice",
        wire=_head("x-long: a", " b", "set-cookie: a=1", "set-cookie: b=2") + _PLAIN,
    ),
    "returns": Shape(
        "lines that end in a return alone", wire=_head() + _PLAIN.replace(b"\n", b"\r")
    ),
    "marked": Shape(
        "a byte order mark, a comment and a wait before the first event, a number in each",
        wire=_head()
        + b"\xef\xbb\xbf: hello\nretry: 3000\n\n"
        + _PLAIN.replace(b"data: ", b"id: 1\nevent: message\ndata:"),
    ),
    "many-lines": Shape(
        "documents over many lines of data",
        wire=_head() + _PLAIN.replace(b', "', b',\ndata: "'),
    ),
    "heartbeats": Shape(
        "events of another name, empty ones and comments between the others (OpenRouter)",
        wire=_head()
        + _PLAIN.replace(
            b"data: ", b': PROCESSING\n\nevent: heartbeat\ndata: {"time": 17}\n\ndata:\n\ndata: '
        ),
    ),
    "stray-lines": Shape(
        "documents beside the field that should hold them",
        golden=Golden("not server-sent events", "", None, None, answered_model=None, flags=()),
        wire=_head() + _PLAIN.replace(b"data: ", b"data:\n "),
    ),
    "lines-of-json": Shape(
        "documents line by line, without events (Ollama's own interface)",
        golden=Golden("not a stream of events", "", None, None, answered_model=None, flags=()),
        wire=_head(kind="application/x-ndjson") + _PLAIN.replace(b"data: ", b""),
    ),
    "no-reason-phrase": Shape(
        "a status without a reason phrase, with a web page (Cloudflare)",
        golden=Golden(
            *("HTTP 524.*timeout occurred", "", None, None),
            answered_model=None,
            waited_for="unavailable",
        ),
        wire=_head(kind="text/html").replace(b"200 OK", b"524 ")
        + b"<html><head><title>524: A timeout occurred</title></head></html>",
    ),
    "messages": Shape(
        "events of Anthropic's own interface",
        wire=_head() + _named_events(_MESSAGES),
    ),
    "responses": Shape(
        "events of the Responses API",
        golden=Golden(output_tokens=5, reasoning_tokens=1),
        wire=_head() + _named_events((*_RESPONSE, _response("completed", usage=_COUNTED))),
    ),
    "responses-filtered": Shape(
        "a response that its filter cut before any text",
        golden=Golden("filter held the reply back", "", None, None, flags=()),
        wire=_head()
        + _named_events(
            (
                _RESPONSE[0],
                _response("incomplete", incomplete_details={"reason": "content_filter"}),
            )
        ),
    ),
    "responses-failed": Shape(
        "a response that failed half way",
        golden=Golden("inside the stream: it died", "one ", None, None, flags=("no_usage",)),
        wire=_head()
        + _named_events((*_RESPONSE[:3], _response("failed", error={"message": "it died"}))),
    ),
}
