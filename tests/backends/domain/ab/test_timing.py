from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.timing import Timing, timing
from backends.domain.ab.tokens import Piece
from tests.backends.domain.ab.chunks import ROLE, chunk, read, usage

Timed = list[tuple[float, dict[str, Any] | str]]


def word(text: str = " tok", **more: Any) -> dict[str, Any]:
    return chunk({"content": text}, **more)


# Truth in all of them: first token at 0.2 s, then one every 0.01 s.
SHAPES: dict[str, tuple[Timed, Timing]] = {
    "role chunk at once": (
        [(0.001, chunk(ROLE)), (0.2, word()), (0.21, word()), (0.22, word()), (0.22, usage(3))],
        Timing(0.2, 0.2, (0.01, 0.01), 0.22, ()),
    ),
    "role with the first token": (
        [(0.2, chunk({"role": "assistant", "content": "a"})), (0.21, word()), (0.21, usage(2))],
        Timing(0.2, 0.2, (0.01,), 0.21, ()),
    ),
    "reasoning first": (
        [
            (0.2, chunk({"reasoning": "r"})),
            (0.21, chunk({"reasoning_content": "r"})),
            (0.22, word()),
            (0.22, usage(3)),
        ],
        Timing(0.2, 0.22, (0.01, 0.01), 0.22, ()),
    ),
    "four tokens a chunk, counted": (
        [(0.23, word(counted=4)), (0.27, word(counted=8)), (0.27, usage(8))],
        Timing(0.23, 0.23, (0.01,) * 4, 0.27, ()),
    ),
    "four tokens a chunk, counted at the end only": (
        [(0.23, word()), (0.27, word()), (0.27, usage(8))],
        Timing(0.23, 0.23, (0.01,) * 4, 0.27, ("tokens_shared_by_text",)),
    ),
    "chunks of three and one, by length of text": (
        [(0.2, word("a" * 4)), (0.23, word("a" * 12)), (0.24, word("a" * 4)), (0.24, usage(5))],
        Timing(0.2, 0.2, (0.01,) * 4, 0.24, ("tokens_shared_by_text",)),
    ),
    "an empty piece that the count tells": (
        [
            (0.0, chunk(ROLE, counted=0)),
            (0.2, chunk({"content": ""}, counted=1)),
            (0.21, chunk({"content": ""}, counted=2)),
            (0.22, word("é", counted=3)),
            (0.22, usage(3)),
        ],
        Timing(0.2, 0.22, (0.01, 0.01), 0.22, ()),
    ),
    "two chunks in one segment": (
        [
            (0.21, word(counted=1)),
            (0.21, word(counted=2)),
            (0.23, word(counted=3)),
            (0.23, word(counted=4)),
            (0.23, usage(4)),
        ],
        Timing(0.21, 0.21, (0.01, 0.01), 0.23, ()),
    ),
    "end-of-sequence token in the last chunk": (
        [(0.2, word()), (0.21, word()), (0.22, chunk(finish="stop")), (0.22, usage(3))],
        Timing(0.2, 0.2, (0.01, 0.01), 0.22, ()),
    ),
    "finish chunk that is not a token": (
        [(0.2, word()), (0.21, word()), (0.35, chunk(finish="stop")), (0.35, usage(2))],
        Timing(0.2, 0.2, (0.01,), 0.21, ()),
    ),
    "tool call": (
        [(0.2, chunk({"tool_calls": [{"index": 0}]})), (0.21, word()), (0.21, usage(2))],
        Timing(0.2, 0.21, (0.01,), 0.21, ()),
    ),
    "no usage": (
        [(0.2, word()), (0.21, word()), (0.22, word())],
        Timing(0.2, 0.2, (), 0.22, ("no_usage",)),
    ),
    "a count that stands still until the end is not a count": (
        [(0.2, word(counted=0)), (0.21, word(counted=0)), (0.22, word(counted=3))],
        Timing(0.2, 0.2, (0.01, 0.01), 0.22, ()),
    ),
    "text that comes after its token was counted": (
        [
            (0.2, word("a", counted=1)),
            (0.21, word("", counted=2)),
            (0.22, word("b", counted=3)),
            (0.25, word("c", counted=3)),
            (0.25, usage(3)),
        ],
        Timing(0.2, 0.2, (0.01, 0.01), 0.25, ()),
    ),
    "more chunks than tokens": (
        [(0.2, word("a")), (0.21, word("b")), (0.22, word("c")), (0.22, usage(2))],
        Timing(0.2, 0.2, (0.02,), 0.22, ("more_chunks_than_tokens",)),
    ),
    "nothing but a role": ([(0.001, chunk(ROLE))], Timing(None, None, (), None, ("no_usage",))),
    "one token": ([(0.2, word()), (0.2, usage(1))], Timing(0.2, 0.2, (), 0.2, ())),
}


@pytest.mark.parametrize(("timed", "expected"), SHAPES.values(), ids=SHAPES)
def test_what_each_shape_of_stream_says(timed: Timed, expected: Timing) -> None:
    reader = read(*timed)
    found = timing(reader.pieces, reader.usage.output_tokens if reader.usage else None)
    assert found.ttft_s == pytest.approx(expected.ttft_s)
    assert found.ttft_visible_s == pytest.approx(expected.ttft_visible_s)
    assert found.itl_s == pytest.approx(expected.itl_s)
    assert found.e2e_s == pytest.approx(expected.e2e_s)
    assert found.flags == expected.flags


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 5)), min_size=1, max_size=40))
def test_counted_streams_keep_every_token_and_all_time(chunks: list[tuple[int, int]]) -> None:
    at_ms, counted, pieces = 0, 0, []
    for gap_ms, tokens in chunks:
        at_ms, counted = at_ms + gap_ms, counted + tokens
        pieces.append(Piece(at_ms / 1000, content="x", counted=counted))
    found = timing(pieces, counted)
    if len(chunks) > 1:
        assert len(found.itl_s) == counted - chunks[0][1]
    assert found.ttft_s is not None
    assert found.e2e_s is not None
    assert found.ttft_s + sum(found.itl_s) == pytest.approx(found.e2e_s)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=30), st.integers(0, 100))
def test_shared_tokens_add_up(texts: list[str], more: int) -> None:
    texts = [text or "x" for text in texts]
    pieces = [Piece(0.1 * (i + 1), content=text) for i, text in enumerate(texts)]
    found = timing(pieces, len(texts) + more)
    assert len(found.itl_s) <= len(texts) + more - 1
    assert found.e2e_s == pytest.approx(0.1 * len(texts))
    if len(texts) > 1:
        assert 0.1 + sum(found.itl_s) == pytest.approx(found.e2e_s)
