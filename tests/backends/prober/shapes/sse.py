"""Events in every form that the HTML standard allows, and cut as a network may cut them."""

from tests.backends.prober.scripted_server import CHUNKED_HEAD, STREAM_HEAD, Conversation, HangUp
from tests.backends.prober.shapes.shape import Expected, Script, Shape, chunked, plain_sse, play

MEGABYTE = 1 << 20


def single_bytes(conversation: Conversation) -> None:
    whole = conversation.connection

    class Drip:
        def sendall(self, data: bytes) -> None:
            for place in range(len(data)):
                whole.sendall(data[place : place + 1])

    conversation.connection = Drip()  # type: ignore[assignment]
    conversation.write(CHUNKED_HEAD)
    conversation.chunk(b"\xef\xbb\xbf")
    play(conversation)
    conversation.end()


def one_segment(conversation: Conversation) -> None:
    written: list[bytes] = []
    play(conversation, Script(gaps_s=(0.08, 0, 0, 0)), write=written.append)
    body = b"".join(written)
    conversation.write(CHUNKED_HEAD + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))


def without_length(conversation: Conversation) -> None:
    conversation.write(STREAM_HEAD.replace(b"1.1", b"1.0") + b"\r\n")
    play(conversation, write=conversation.write)
    raise HangUp


def with_newlines(newline: bytes) -> Shape:
    def encode(data: str) -> bytes:
        return b"event: message" + newline + b"data:" + data.encode() + newline * 2

    names = {b"\r\n": "CRLF line ends", b"\r": "CR line ends"}
    return Shape(names[newline], chunked(encode=encode))


def many_lines(data: str) -> bytes:
    """JSON may break wherever it has a comma; every line of it is a line of data."""
    lines = data.replace(", ", ",\n").split("\n")
    return "".join(f"data: {line}\n" for line in lines).encode() + b"\n"


def with_pings(data: str) -> bytes:
    return b": ping\n\n:\r\nretry: 3000\nid: 7\nnoise\n" + plain_sse(data) + b"\n\n: after\n\n"


def very_long(data: str) -> bytes:
    if not data.startswith("{"):
        return plain_sse(data)
    return plain_sse(f'{{"padding":"{"x" * MEGABYTE}",{data[1:]}')


def cut_in_a_letter(conversation: Conversation) -> None:
    """The second byte of a letter comes 20 ms after its first."""

    def write(data: bytes) -> None:
        place = data.find("é".encode()) + 1
        if place:
            conversation.chunk(data[:place])
            conversation.wait(0.02)
        conversation.chunk(data[place:])

    conversation.write(CHUNKED_HEAD)
    letters = tuple({"content": letter} for letter in "aéio")
    play(conversation, Script(deltas=letters), encode=_unescaped, write=write)
    conversation.end()


def _unescaped(data: str) -> bytes:
    return plain_sse(data.replace("\\u00e9", "é"))


def two_in_a_segment(conversation: Conversation) -> None:
    """Every second token waits for the next one, and both leave together."""
    held: list[bytes] = []

    def write(data: bytes) -> None:
        held.append(data)
        if len(conversation.tokens_s) % 2 == 0:
            conversation.chunk(b"".join(held))
            held.clear()

    conversation.write(CHUNKED_HEAD)
    play(conversation, Script(gaps_s=(0.08, 0, 0.06, 0)), write=write)
    conversation.end()


SSE_SHAPES = (
    Shape("ordinary", chunked()),
    Shape("single bytes, mark first", single_bytes),
    Shape("all in one segment", one_segment, Expected(gaps=0)),
    Shape("two tokens a segment", two_in_a_segment, Expected(gaps=2)),
    Shape("ended by closing, HTTP/1.0", without_length),
    with_newlines(b"\r\n"),
    with_newlines(b"\r"),
    Shape("data over many lines", chunked(encode=many_lines)),
    Shape("comments, ids, retries", chunked(encode=with_pings)),
    Shape("events of 1 MB", chunked(encode=very_long)),
    Shape("a letter cut in two", cut_in_a_letter, Expected(text="aéio")),
)
