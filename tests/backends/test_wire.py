from decimal import Decimal

import pytest

from backends.domain.facts import Exited, PhaseBegan, Spawned
from backends.domain.server import Exit, ProcessId
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.wire import UnreadableRecord, decode_fact, encode_fact, plain

AT = Stamp(12.5, 1_790_000_000.25)


@pytest.mark.parametrize(
    "fact",
    [
        PhaseBegan(AT, PhaseName.LOAD_WEIGHTS),
        Exited(AT, Exit(code=None, signal=9)),
        Spawned(
            AT,
            "s1",
            "tiny",
            "m",
            ("vllm", "serve"),
            ProcessId(7, 900),
            ProcessId(6, 800),
            "127.0.0.1",
            8000,
        ),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_fact_survives_the_journal(fact: PhaseBegan | Exited | Spawned) -> None:
    line = encode_fact(fact)
    assert b"\n" not in line
    assert decode_fact(line) == fact


@pytest.mark.parametrize(
    "line",
    [b'{"fact":"PhaseBegan","at":{"mono_s":1', b'{"fact":"Nope"}', b"[]", b'{"fact":"Ticked"}'],
)
def test_a_broken_line_is_named_not_raised_raw(line: bytes) -> None:
    with pytest.raises(UnreadableRecord):
        decode_fact(line)


def test_money_is_digits() -> None:
    assert plain({"usd": Decimal("1.10")}) == {"usd": "1.10"}
