"""Whatever a reply holds, it takes bounded memory and time, and the other target goes on."""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.prober.protocol import Limits
from tests.backends.domain.ab.chunks import chunk, usage
from tests.backends.prober.scripted_server import (
    CHUNKED_HEAD,
    STREAM_HEAD,
    Conversation,
    a_good_stream,
    end_of,
    measure,
    order_for,
    runs_of,
    serving,
)

MOST_MB = 128
PIECE = 64 * 1024
LIMITS = Limits(connect_s=5.0, ttft_s=20.0, total_s=20.0)

MEASURE = """
import sys
from tests.backends.prober.scripted_server import measure, order_for, runs_of
from backends.prober.protocol import Limits
limits = Limits(connect_s=5.0, ttft_s=20.0, total_s=20.0)
runs = runs_of(measure(order_for(*sys.argv[1:], runs=1, warm_up=False, limits=limits)))
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1]
print(peak)
for run in sorted(runs, key=lambda run: run.target):
    print(run.error)
"""


def _flood(head: bytes, piece: bytes, begin: bytes = b"") -> Callable[[Conversation], None]:
    """Send the same piece for as long as anybody reads."""

    def reply(conversation: Conversation) -> None:
        conversation.connection.sendall(head + begin)
        while True:
            conversation.connection.sendall(piece)

    return reply


def _zipped_flood(text: bytes) -> Callable[[Conversation], None]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(text * (64 * 1024 * 1024 // len(text))) + packer.flush()

    def reply(conversation: Conversation) -> None:
        conversation.connection.sendall(STREAM_HEAD + b"content-encoding: gzip\r\n\r\n" + bomb)
        conversation.wait(5)

    return reply


TOKEN = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'

FLOODS: dict[str, tuple[Callable[[Conversation], None], str]] = {
    "a line without end": (_flood(STREAM_HEAD + b"\r\n", b"x" * PIECE, b"data: "), "over 4096 KiB"),
    "a comment without end": (_flood(STREAM_HEAD + b"\r\n", b"x" * PIECE, b": "), "over 4096 KiB"),
    "an event without end": (_flood(STREAM_HEAD + b"\r\n", b"data: x\n" * 8192), "over 4096 KiB"),
    "a chunk that takes much when taken apart": (
        _flood(STREAM_HEAD + b"\r\n", b"[]," * 300_000 + b"[]]}\n\n", b'data: {"choices":['),
        "not JSON",
    ),
    "comments without end": (_flood(STREAM_HEAD + b"\r\n", b": x\n\n" * 8192), "over 32 MiB"),
    "tokens without end": (
        _flood(STREAM_HEAD + b"\r\n", TOKEN * 999),
        "over 40,000 chunks",
    ),
    "a bomb in a line": (_zipped_flood(b"data: " + b"x" * PIECE), "KiB|grows without measure"),
    "a bomb of comments": (_zipped_flood(b": x\n\n"), "grows without measure"),
    "header lines without end": (
        _flood(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 8192),
        "not HTTP/1.1",
    ),
    "early hints without end": (
        _flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2048),
        "interim replies",
    ),
    "an error without end": (
        _flood(b"HTTP/1.1 500 Oops\r\n\r\n", b"[]," * 20_000, b"["),
        "over 32 MiB|HTTP 500",
    ),
}


@pytest.mark.parametrize(("reply", "said"), FLOODS.values(), ids=FLOODS)
def test_a_flood_is_a_failed_run_in_bounded_memory(
    reply: Callable[[Conversation], None], said: str
) -> None:
    with serving(reply) as flood, serving(a_good_stream) as good:
        root = Path(__file__).parents[3]
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, flood.base_url, good.base_url],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    peak_kb, odd, healthy = done.stdout.splitlines()
    assert any(each in odd for each in said.split("|")), odd
    assert healthy == "None"
    assert int(peak_kb) < MOST_MB * 1024


def _finishing(*, with_usage: bool, done: bool) -> Callable[[Conversation], None]:
    """Say that it is over, and leave the connection open."""

    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.event(chunk({"content": "x"}))
        conversation.event(chunk({"content": "y"}, finish="stop"))
        if with_usage:
            conversation.event(usage(2))
        if done:
            conversation.event("[DONE]")
        conversation.wait(15)

    return reply


@pytest.mark.parametrize("done", [True, False])
def test_an_end_that_was_said_is_waited_on_only_shortly(*, done: bool) -> None:
    with serving(_finishing(with_usage=True, done=done)) as server:
        facts = measure(order_for(server.base_url, runs=1, warm_up=False, limits=LIMITS))
    (run,) = runs_of(facts)
    assert (run.error, run.text, run.output_tokens) == (None, "xy", 2)
    assert facts[-1].at.mono_s - facts[0].at.mono_s < 3


def test_text_after_a_finish_reason_is_part_of_the_reply() -> None:
    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        for word in ("a", "b", "c", "d"):
            conversation.event(chunk({"content": word}, counted=1, finish="stop"))
            conversation.wait(0.4)
        conversation.event(chunk({"content": "e"}, counted=1))
        conversation.wait(0.8)
        conversation.event(chunk({"content": "f"}, counted=1))
        conversation.event("[DONE]")
        conversation.end()

    with serving(reply) as server:
        facts = measure(order_for(server.base_url, runs=1, warm_up=False, limits=LIMITS))
    assert runs_of(facts)[0].text == "abcdef"


@pytest.mark.parametrize("reason", ["", "null"])
def test_a_finish_reason_that_says_nothing_is_none(reason: str) -> None:
    def reply(conversation: Conversation) -> None:
        conversation.write(CHUNKED_HEAD)
        conversation.event(chunk({"content": "x"}, finish=reason))
        conversation.event(chunk({"content": "y"}, finish="length"))
        conversation.event("[DONE]")
        conversation.end()

    with serving(reply) as server:
        facts = measure(order_for(server.base_url, runs=1))
    assert end_of(facts).reason == ""
    assert (runs_of(facts)[0].finish_reason, runs_of(facts)[0].text) == ("length", "xy")
