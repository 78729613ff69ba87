"""An A/B as it streams: each target for itself, bounded, and silent before it begins."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.facts import (
    AbFact,
    RunBegan,
    RunEnded,
    SeriesBegan,
    SeriesEnded,
    TextArrived,
)
from backends.domain.ab.live import TAIL_CHARACTERS, Ab, TextPiece, ab_after
from backends.domain.ab.run import Run, TargetName
from tests.backends.domain.journals import at

BEGAN = SeriesBegan(at(10), "s", (("a", "chat"), ("b", "serverless")), 2, ("m", "m"))


def fold(*facts: AbFact) -> Ab:
    ab = reduce(ab_after, (BEGAN, *facts), None)
    assert ab is not None
    return ab


def text(
    target: TargetName, words: str, *, reasoning: bool = False, tokens: int | None = None
) -> AbFact:
    return TextArrived(at(12), target, words, reasoning, tokens)


@pytest.mark.parametrize(
    "fact",
    [
        RunBegan(at(1), "a", 0),
        text("a", "x"),
        RunEnded(at(2), Run("a", 0)),
        SeriesEnded(at(3), "s"),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_facts_of_a_series_that_never_began_change_nothing(fact: AbFact) -> None:
    assert ab_after(None, fact) is None


def test_the_lanes_carry_endpoint_and_model() -> None:
    assert [(target.name, target.endpoint, target.model) for target in fold().targets] == [
        ("a", "chat", "m"),
        ("b", "serverless", "m"),
    ]


def test_what_has_not_arrived_is_unknown() -> None:
    target = fold(RunBegan(at(11), "a", 0)).targets[0]
    assert (target.first_text_at, target.last_text_at, target.tokens, target.pieces) == (
        None,
    ) * 3 + ((),)


def test_text_of_one_lane_leaves_the_other_alone() -> None:
    a, b = fold(RunBegan(at(11), "a", 0), RunBegan(at(11), "b", 0), text("a", "Once")).targets
    assert a.pieces == (TextPiece("Once", reasoning=False),)
    assert a.first_text_at == at(12)
    assert (b.pieces, b.first_text_at) == ((), None)


def test_thoughts_stay_apart_from_the_answer_and_neighbours_join() -> None:
    target = fold(
        RunBegan(at(11), "a", 0),
        text("a", "Hm", reasoning=True),
        text("a", "m", reasoning=True),
        text("a", "Yes"),
    ).targets[0]
    assert target.pieces == (TextPiece("Hmm", reasoning=True), TextPiece("Yes", reasoning=False))


def test_tokens_that_usage_told_are_not_forgotten_by_a_chunk_without() -> None:
    target = fold(RunBegan(at(11), "a", 0), text("a", "x", tokens=7), text("a", "y")).targets[0]
    assert target.tokens == 7


def test_a_new_run_begins_empty() -> None:
    ab = fold(
        RunBegan(at(11), "a", 0),
        text("a", "old", tokens=3),
        RunEnded(at(13), Run("a", 0)),
        RunBegan(at(14), "a", 1),
    )
    target = ab.targets[0]
    assert (target.pieces, target.tokens, target.first_text_at, target.sent_at) == (
        (),
        None,
        None,
        at(14),
    )
    assert ab.series.target("a") == (Run("a", 0),)


def test_an_end_keeps_every_run_and_leaves_no_target_waiting() -> None:
    cancelled = SeriesEnded(at(15), "s", reason="cancelled")
    ab = fold(RunEnded(at(13), Run("a", 0)), RunBegan(at(14), "b", 0), cancelled)
    assert ab.ended
    assert [target.sent_at for target in ab.targets] == [None, None]
    assert ab.series.target("a") == ab.series.runs == (Run("a", 0),)
    assert ab.series.reason == "cancelled"


def test_a_second_series_replaces_the_first() -> None:
    ab = ab_after(fold(RunEnded(at(13), Run("a", 0))), BEGAN)
    assert ab is not None
    assert ab.series.runs == ()


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3000), st.booleans()), max_size=8))
def test_memory_is_bounded_and_the_newest_text_stays(pieces: list[tuple[str, bool]]) -> None:
    target = fold(*(text("a", words, reasoning=thought) for words, thought in pieces)).targets[0]
    assert sum(len(piece.text) for piece in target.pieces) <= 4000
    assert all(piece.text for piece in target.pieces)
    if pieces:
        assert target.pieces[-1].text.endswith(pieces[-1][0][-100:])


@given(
    st.lists(st.tuples(st.integers(0, 3 * TAIL_CHARACTERS), st.booleans()), min_size=1, max_size=12)
)
def test_the_text_kept_is_the_end_of_it_and_bounded(chunks: list[tuple[int, bool]]) -> None:
    """A single chunk may be longer than all that is kept."""
    told = [
        text("a", chr(97 + place) * size, reasoning=thought)
        for place, (size, thought) in enumerate(chunks)
    ]
    target = fold(RunBegan(at(11), "a", 0), *told).targets[0]
    kept = "".join(piece.text for piece in target.pieces)
    whole = "".join(chr(97 + place) * size for place, (size, _) in enumerate(chunks))
    assert kept == whole[-4000:]
