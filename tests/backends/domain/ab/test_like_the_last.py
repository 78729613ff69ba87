"""A chunk that is like the one before is read without decoding, as decoding would read it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader

TEXTS = st.one_of(
    st.sampled_from(
        [" word", "", '"', "\\", "\n", "rror", "\x00", "\x85", "ü", "語", '"content":"']
    ),
    st.text(max_size=6),
)
COUNTS = st.sampled_from([1, 2, 3, None, 0, -2, 2999, 3_000_000])
ENDS = st.sampled_from([None] * 12 + ["length", ""])
FORMS = st.sampled_from([""] * 12 + [" ", "again", "other"])
CHUNKS = st.tuples(TEXTS, COUNTS, ENDS, FORMS, st.booleans())
ORDINARY = (" w", 1, None, "", True)


def chunk(text: str, count: int | None, end: str | None, form: str, escaped: bool) -> bytes:
    delta: dict[str, Any] = {"content": text}
    if form == "other":
        delta["reasoning"] = "so"
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}]
    whole: dict[str, Any] = {"id": "c-1", "model": "m", "choices": choices}
    if form == "again":
        whole["choices"] = choices * 2
    if count is not None:
        whole["usage"] = {"prompt_tokens": 9, "total_tokens": 9 + count, "completion_tokens": count}
    separators = (", ", ": ") if form == " " else (",", ":")
    return json.dumps(whole, ensure_ascii=escaped, separators=separators).encode("utf-8", "replace")


def read(events: list[bytes], *, decoding_all: bool) -> tuple[Any, ...]:
    reader = ChunkReader()
    found = []
    for place, data in enumerate(events):
        if decoding_all:
            reader._around = None
        found.append(reader.feed(0.1 + place, SseEvent(data)))
    figures = (reader.usage, reader.finish_reason, reader.done, reader.error, reader.refused_usage)
    return found, reader.pieces, figures, reader.model, reader.summed_up


@given(st.lists(CHUNKS, max_size=12), st.booleans(), st.integers(0, 400), st.binary(max_size=2))
def test_every_chunk_is_read_as_if_each_were_decoded(
    drawn: list[tuple[str, int | None, str | None, str, bool]],
    counted: bool,
    at: int,
    damage: bytes,
) -> None:
    events = [
        chunk(text, count if counted else None, end, form, escaped)
        for text, count, end, form, escaped in (ORDINARY, *drawn)
    ]
    last = events[-1]
    events.append(last[:at] + damage + last[at + len(damage) :])
    assert read(events, decoding_all=False) == read(events, decoding_all=True)


@pytest.mark.parametrize("counts", [False, True], ids=["without counts", "counted"])
def test_ordinary_chunks_are_decoded_once(monkeypatch: pytest.MonkeyPatch, *, counts: bool) -> None:
    decoded: list[bytes] = []
    known = json.loads

    def decoding(data: bytes) -> object:
        decoded.append(data)
        return known(data)

    monkeypatch.setattr("backends.domain.ab.tokens.decoded_json", decoding)
    reader = ChunkReader()
    for place in range(1, 40):
        count = place if counts else None
        reader.feed(0.1 * place, SseEvent(chunk(f" w{place}", count, None, "", escaped=True)))
    assert [piece.content for piece in reader.pieces] == [f" w{place}" for place in range(1, 40)]
    assert [piece.counted for piece in reader.pieces] == [
        place if counts else None for place in range(1, 40)
    ]
    assert len(decoded) == 1
