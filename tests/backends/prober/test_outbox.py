import os

from backends.domain.ab.facts import RunBegan, SeriesEnded, TextArrived
from backends.domain.redaction import KNOWN_KEY_HIDDEN
from backends.domain.stamp import Stamp
from backends.prober.loop import Loop
from backends.prober.outbox import LARGEST_BACKLOG, Outbox
from backends.wire import decode_fact

AT = Stamp(1.0, 2.0)


def idle(loop: Loop, turns: int = 10) -> None:
    """Let the loop do what it has put off."""
    left = iter(range(turns))
    for _ in range(turns):
        loop.defer(lambda: None)
    loop.run(lambda: next(left, None) is None)


def test_facts_come_out_as_lines() -> None:
    reading, writing = os.pipe()
    loop = Loop()
    outbox = Outbox(writing, loop, lambda: None)
    outbox.post(RunBegan(AT, "a", 0))
    outbox.post(TextArrived(AT, "a", "two\nlines", reasoning=False, tokens=None))
    idle(loop)
    lines = os.read(reading, 65536).splitlines()
    assert [type(decode_fact(line)) for line in lines] == [RunBegan, TextArrived]


def test_a_full_pipe_blocks_nobody_and_only_text_is_dropped() -> None:
    reading, writing = os.pipe()
    loop = Loop()
    outbox = Outbox(writing, loop, lambda: None)
    outbox.post_record({"long": "x" * (LARGEST_BACKLOG + 1)})
    idle(loop)
    outbox.post(TextArrived(AT, "a", "dropped " * 20_000, reasoning=False, tokens=None))
    outbox.post(RunBegan(AT, "a", 7))
    received = bytearray()
    while b'"RunBegan"' not in received:
        received += os.read(reading, 1 << 20)
        idle(loop)
    assert len(received) > LARGEST_BACKLOG
    outbox.flush_now()


def test_a_reader_that_is_gone_is_told_once() -> None:
    reading, writing = os.pipe()
    gone: list[bool] = []
    loop = Loop()
    outbox = Outbox(writing, loop, lambda: gone.append(True))
    os.close(reading)
    outbox.post(RunBegan(AT, "a", 0))
    idle(loop)
    assert outbox.broken
    assert gone == [True]
    outbox.flush_now()


def test_no_key_leaves_in_any_text_of_a_report() -> None:
    key = "vk-7Qm2Zr9TxB4nLw8Y"
    reading, writing = os.pipe()
    loop = Loop()
    outbox = Outbox(writing, loop, lambda: None, [key])
    outbox.post(SeriesEnded(AT, "s", f"target a (http://{key}@x): gone"))
    outbox.post_record({"LoadEnded": {"reason": key, "steps": [{"broke": key}]}})
    idle(loop)
    told = os.read(reading, 65536).decode()
    assert key not in told
    assert told.count(KNOWN_KEY_HIDDEN) == 3
