import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.sse import SseEvent, SseParser

CASES = {
    "plain": (b"data: a\n\n", [SseEvent(b"a")]),
    "no space": (b"data:a\n\n", [SseEvent(b"a")]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [SseEvent(b"a"), SseEvent(b"b")]),
    "cr": (b"data: a\r\rdata: b\r\r", [SseEvent(b"a"), SseEvent(b"b")]),
    "several data lines": (b"data: a\ndata: b\ndata\n\n", [SseEvent(b"a\nb\n")]),
    "ping": (b": ping\n\ndata: a\n\n: ping\n\n", [SseEvent(b"a")]),
    "named": (b"event: error\nid: 7\nretry: 3\ndata: x\n\n", [SseEvent(b"x", "error")]),
    "name alone": (b"event: ping\n\ndata: a\n\n", [SseEvent(b"a")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [SseEvent(b"a")]),
    "done": (b"data: [DONE]\n\n", [SseEvent(b"[DONE]")]),
    "colon in data": (b'data: {"a": 1}\n\n', [SseEvent(b'{"a": 1}')]),
    "unfinished": (b"data: a\n", []),
}


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES)
def test_events_of_a_stream(stream: bytes, events: list[SseEvent]) -> None:
    assert SseParser().feed(stream) == events


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES)
def test_single_bytes_give_the_same_events(stream: bytes, events: list[SseEvent]) -> None:
    parser = SseParser()
    pieces = [stream[i : i + 1] for i in range(len(stream))]
    if stream.startswith(b"\xef\xbb\xbf"):
        pieces = [stream[:3], *pieces[3:]]
    assert [event for piece in pieces for event in parser.feed(piece)] == events


lines = st.binary(max_size=40).filter(lambda data: not set(data) & set(b"\r\n"))
payloads = st.lists(st.lists(lines, min_size=1, max_size=3), max_size=8)


@given(
    payloads,
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(1, 300), max_size=8),
)
def test_no_cut_changes_the_events(
    data: list[list[bytes]], newline: bytes, cuts: list[int]
) -> None:
    stream = b"".join(
        b"".join(b"data: " + line + newline for line in event) + newline for event in data
    )
    parser, events, before = SseParser(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        events += parser.feed(stream[before:cut])
        before = max(before, cut)
    assert [event.data for event in events] == [b"\n".join(event) for event in data]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_no_single_cut_parts_an_event_of_two_lines(newline: bytes) -> None:
    stream = newline.join((b"event: error", b"data: a", b"data: b", b"", b"data: c", b"", b""))
    for cut in range(len(stream) + 1):
        parser = SseParser()
        events = [*parser.feed(stream[:cut]), *parser.feed(stream[cut:])]
        assert events == [SseEvent(b"a\nb", "error"), SseEvent(b"c")]


def test_a_very_long_event_in_many_pieces() -> None:
    parser = SseParser()
    body = b"x" * 2_000_000
    stream = b"data: " + body + b"\n\n"
    events = [e for i in range(0, len(stream), 1448) for e in parser.feed(stream[i : i + 1448])]
    assert events == [SseEvent(body)]


def test_the_end_of_a_stream_completes_what_has_no_blank_line() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\n\ndata: [DONE]") == [SseEvent(b"a")]
    assert parser.close() == [SseEvent(b"[DONE]")]
    assert parser.close() == []


def test_a_stream_may_begin_with_a_blank_line() -> None:
    assert SseParser().feed(b"\n\ndata: a\n\n") == [SseEvent(b"a")]


def test_the_first_line_that_is_no_field_is_kept() -> None:
    parser = SseParser()
    assert parser.feed(b'id: 1\nretry: 3\n: note\ndata:\n {"a": 1}\n\n {"b"}\n') == [SseEvent(b"")]
    assert parser.unread == b' {"a": 1}'
