import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.prober.http import BrokenReply, ReplyParser

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "body", "complete", "reusable"),
    [
        (HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc", True, True),
        (HEAD + b"Content-Length: 4\r\n\r\nabc", b"abc", False, True),
        (HEAD + b"Content-Length: 0\r\n\r\n", b"", True, True),
        (HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc", b"abc", True, False),
        (HEAD + b"\r\nabc", b"abc", False, False),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc", True, True),
        (CHUNKED + b"3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n", b"abc", True, True),
        (CHUNKED + b"3\r\nabc\r\nA\r\ndef", b"abcdef", False, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True, True),
        (
            b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\nx",
            b"x",
            True,
            True,
        ),
    ],
)
def test_framings(data: bytes, body: bytes, complete: bool, reusable: bool) -> None:
    parser = ReplyParser()
    assert parser.feed(data) == body
    assert (parser.complete, parser.reusable) == (complete, reusable)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0",
        b"\x15\x03\x01\x00\x02",
        b"HTTP/2 200\r\n\r\n",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"1\r\nab\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        b"HTTP/" + b"x" * 70_000,
    ],
    ids=range(7),
)
def test_what_is_no_http_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BrokenReply):
        ReplyParser().feed(data)


def test_the_end_of_the_connection_ends_only_a_body_without_framing() -> None:
    open_ended, cut = ReplyParser(), ReplyParser()
    open_ended.feed(HEAD + b"\r\nabc")
    cut.feed(CHUNKED + b"5\r\nabc")
    assert open_ended.end()
    assert not cut.end()
    assert not ReplyParser().end()


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.data())
def test_no_cut_changes_a_chunked_body(chunks: list[bytes], data: st.DataObject) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    reply = CHUNKED + body + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reply)), max_size=12)))
    parser, got, before = ReplyParser(), b"", 0
    for cut in [*cuts, len(reply)]:
        got += parser.feed(reply[before:cut])
        before = cut
    assert got == b"".join(chunks)
    assert parser.complete
    assert parser.reusable
