"""The exchange with a server that may say anything, or nothing."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from backends.domain.stamp import Stamp
from backends.http1 import Address, Cancelled, NoAnswer, ask
from backends.keeper import probe

Serve = Callable[[list[bytes]], Address]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer one connection with these pieces; the last connection stays open until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_connections: list[socket.socket] = []
    asked: list[bytes] = []

    def answer(pieces: list[bytes]) -> None:
        with contextlib.suppress(OSError):  # the test is over
            connection, _ = listener.accept()
            open_connections.append(connection)
            asked.append(connection.recv(65536))
            for piece in pieces:
                connection.sendall(piece)
            if pieces and pieces[-1] == b"":
                connection.close()

    def start(pieces: list[bytes]) -> Address:
        threading.Thread(target=answer, args=(pieces,), daemon=True).start()
        return Address("127.0.0.1", listener.getsockname()[1])

    yield start
    listener.close()
    for connection in open_connections:
        connection.close()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_that_does_not_end_is_given_up(serve: Serve) -> None:
    flood = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 2**20] * 40]
    reply = ask(serve(flood), "/", timeout_s=60)
    with pytest.raises(NoAnswer, match="over 16 MiB"):
        reply.body()


@pytest.mark.parametrize("size", [1, 3, 7, 10_000])
def test_a_chunked_stream_is_read_however_it_is_cut(serve: Serve, size: int) -> None:
    events = [b"data: {}\n\n", b"data: long\r\n\n" + b"x" * 300, b"end"]
    whole = CHUNKED + b"".join(b"%X;a=b\r\n%s\r\n" % (len(one), one) for one in events)
    whole += b"0\r\n\r\n"
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    reply = ask(serve(pieces), "/", timeout_s=5)
    assert reply.status == 200
    assert list(reply.lines) == [b"data: {}", b"", b"data: long", b"", b"x" * 300 + b"end"]


def test_a_plain_body_ends_with_the_connection(serve: Serve) -> None:
    reply = ask(
        serve([b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\n", b"a\nbc", b""]), "/", timeout_s=5
    )
    assert (reply.status, reply.body()) == (503, b"abc")


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b""], "cut short"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n", b""], "no HTTP"),
        ([b"HTTP/1.1 OK\r\n\r\n", b""], "no HTTP"),
        ([b"HTTP/1.1 200 OK\r\nServer", b""], "cut short"),
        ([CHUNKED + b"ff\r\nabc", b""], "cut short"),
        ([CHUNKED + b"what?\r\n", b""], "no HTTP"),
    ],
)
def test_what_is_no_answer_says_why(serve: Serve, pieces: list[bytes], message: str) -> None:
    with pytest.raises(NoAnswer, match=message):
        ask(serve(pieces), "/", timeout_s=5).body()


def test_nobody_there_is_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="refused"):
            ask(Address("127.0.0.1", free.getsockname()[1]), "/", timeout_s=5)


def test_silence_ends_with_the_time(serve: Serve) -> None:
    with pytest.raises(NoAnswer, match="in time"):
        ask(serve([b"HTTP/1.1 200"]), "/", timeout_s=0.2)


def test_a_hanging_exchange_can_be_cancelled(serve: Serve) -> None:
    began = time.monotonic()
    with pytest.raises(Cancelled):
        ask(serve([]), "/", timeout_s=60, cancelled=lambda: time.monotonic() - began > 0.1)
    assert time.monotonic() - began < 5


OK = b"HTTP/1.1 200 OK\r\n\r\n"
GARBAGE = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"[" * 100_000,
    b'{"data": null}',
    b'{"data": [null, 1, "x"]}',
    b'{"data": {"id": 1}}',
    b"\xff\xfe\x00",
    b'data: {"choices": null}\n\n',
    b'data: {"choices": [null]}\n\n',
    b'data: {"choices": [{"delta": null}]}\n\n',
    b'data: {"usage": [1]}\n\n',
    b"data: " + b'{"a":' * 50_000 + b"\n\n",
    b"data: null\n\n",
    b'data: {"error": [[]]}\n\n',
    b"vllm:num_requests_running 1\nvllm:num_requests_running many\n",
    b"vllm:num_requests_waiting{",
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("head", [OK, b"HTTP/1.1 400 Bad\r\n\r\n", b""], ids=["200", "400", "none"])
def test_no_answer_whatsoever_is_more_than_no_answer(
    serve: Serve, head: bytes, body: bytes
) -> None:
    questions: tuple[Callable[[Address], object], ...] = (
        probe.served_models,
        probe.health,
        probe.running_requests,
        lambda address: probe.first_token(address, "m", probe.never),
    )
    for question in questions:
        address = serve([head + body, b""])
        serve([head + body, b""])  # a model that does not chat is asked a second time
        with contextlib.suppress(NoAnswer):
            assert not isinstance(question(address), Stamp), "no token came"


@pytest.mark.parametrize("size", [b"-5", b"0x10", b"1_0", b"", b"FFFFFFFFFFFFFFFF", b"g"])
def test_a_chunk_of_no_size_is_no_http(serve: Serve, size: bytes) -> None:
    reply = ask(serve([CHUNKED + size + b"\r\nabc\r\n", b""]), "/", timeout_s=5)
    with pytest.raises(NoAnswer, match="no HTTP"):
        reply.body()


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX: ", CHUNKED, CHUNKED + b"5;", CHUNKED + b"3\r\nabc"],
    ids=["field", "size", "extension", "end of chunk"],
)
def test_a_line_of_the_protocol_without_an_end_is_given_up(serve: Serve, head: bytes) -> None:
    with pytest.raises(NoAnswer, match="no HTTP"):
        ask(serve([head, *[b"1" * 2**16] * 4]), "/", timeout_s=60).body()


def test_a_chunk_is_handed_on_as_it_comes(serve: Serve) -> None:
    """Its size is the server's word, up to 4 GiB."""
    reply = ask(serve([CHUNKED + b"FFFFFFFF\r\n", *[b"x" * 2**20] * 40]), "/", timeout_s=60)
    with pytest.raises(NoAnswer, match="over 16 MiB"):
        reply.body()


def test_a_line_of_a_stream_without_an_end_is_given_up(serve: Serve) -> None:
    reply = ask(serve([OK, *[b"x" * 2**20] * 40]), "/", timeout_s=60)
    with pytest.raises(NoAnswer, match="over 16 MiB"):
        list(reply.lines)


def test_more_lines_of_metrics_than_any_server_has_are_no_answer(serve: Serve) -> None:
    lines = b"".join(b'vllm:x{engine="%d"} 1\n' % engine for engine in range(20_001))
    with pytest.raises(NoAnswer, match="over 20,000 lines"):
        probe.metrics_lines(serve([OK + lines, b""]), ("vllm:x",))
    fewer = lines.rpartition(b"vllm")[0]
    assert len(probe.metrics_lines(serve([OK + fewer, b""]), ("vllm:x",))) == 20_000
