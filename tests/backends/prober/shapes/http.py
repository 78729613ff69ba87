"""HTTP around the events: heads, chunks, codings and connections as servers really do them."""

import gzip
import json
import socket
import zlib

from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    STREAM_HEAD,
    Conversation,
    HangUp,
    a_good_stream,
)
from tests.backends.prober.shapes.shape import Expected, Script, Shape, chunked, plain_sse, play

EVERYTHING = b"".join(plain_sse(event.data) for event in Script().events())


def late_head(conversation: Conversation) -> None:
    conversation.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    conversation.wait(0.02)
    conversation.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\nHTTP/1.1 2")
    conversation.wait(0.02)
    conversation.write(CHUNKED_HEAD[10:])
    play(conversation, Script(gaps_s=(0.04, 0.03, 0.03, 0.03)))
    conversation.end()


def head_with_the_first_token(conversation: Conversation) -> None:
    held = [CHUNKED_HEAD]

    def write(data: bytes) -> None:
        held.append(b"%x\r\n%b\r\n" % (len(data), data))
        if conversation.tokens_s:
            conversation.write(b"".join(held))
            held.clear()

    play(conversation, write=write)
    conversation.end()


def extensions_and_trailers(conversation: Conversation) -> None:
    def write(data: bytes) -> None:
        conversation.write(b'%X;name="a;b";flag\r\n%b\r\n' % (len(data), data))

    conversation.write(CHUNKED_HEAD.replace(b"chunked", b"Chunked"))
    play(conversation, write=write)
    conversation.write(b"000;last\r\nserver-timing: total;dur=123\r\nx-more: yes\r\n\r\n")


def counted_body(conversation: Conversation) -> None:
    head = STREAM_HEAD + b"content-length: %d\r\n\r\n" % len(EVERYTHING)
    conversation.write(head)
    play(conversation, write=conversation.write)


def counted_body_cut(conversation: Conversation) -> None:
    conversation.write(STREAM_HEAD + b"content-length: %d\r\n\r\n" % (len(EVERYTHING) + 9))
    play(conversation, Script(at_end=()), write=conversation.write)
    raise HangUp


def compressed(conversation: Conversation) -> None:
    squeeze = zlib.compressobj(wbits=31)

    def write(data: bytes) -> None:
        conversation.chunk(squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))

    conversation.write(CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"))
    play(conversation, write=write)
    conversation.chunk(squeeze.flush())
    conversation.end()


def compressed_unreadably(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: br\r\n\r\n"))
    conversation.chunk(gzip.compress(EVERYTHING))
    conversation.end()


def under_another_type(conversation: Conversation) -> None:
    def write(data: bytes) -> None:
        conversation.chunk(data[:1])
        conversation.chunk(data[1:])

    conversation.write(CHUNKED_HEAD.replace(b"text/event-stream", b"application/octet-stream"))
    play(conversation, write=write)
    conversation.end()


def reset(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    play(conversation, Script(finish=None, at_end=()))
    conversation.wait(0.02)
    conversation.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    conversation.connection.close()
    raise HangUp


def closed_just_before(conversation: Conversation) -> None:
    """The warm-up's connection is closed while the next request is on its way."""
    if conversation.number == 0:
        a_good_stream(conversation)
    elif conversation.number == 1:
        conversation.wait(0.1)
        raise HangUp
    else:
        chunked()(conversation)


def error_with_200(conversation: Conversation) -> None:
    body = json.dumps({"error": {"message": "no credit left", "code": 402}}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    conversation.write(head % len(body) + body)


NOTHING = Expected(tokens=None, gaps=0, text="", finish=None)


def failed(pattern: str, like: Expected = NOTHING) -> Expected:
    return Expected(like.tokens, like.gaps, like.text, like.finish, pattern, like.flags)


CUT = Expected(finish=None)

HTTP_SHAPES = (
    Shape("100, 103, slow head", late_head),
    Shape("head with the first token", head_with_the_first_token),
    Shape("chunk extensions, trailers", extensions_and_trailers),
    Shape("content-length", counted_body),
    Shape("content-length, cut", counted_body_cut, failed("cut after 5 chunks", Expected())),
    Shape("gzip, though not asked for", compressed),
    Shape("br, which cannot be read", compressed_unreadably, failed(r"compressed \(br\)")),
    Shape("under another type", under_another_type),
    Shape("reset in the middle", reset, failed("cut after 5 chunks.*reset", CUT)),
    Shape(
        "kept connection closed", closed_just_before, Expected(flags=("reconnected",)), warm_up=True
    ),
    Shape("error with status 200", error_with_200, failed("no credit left")),
)
