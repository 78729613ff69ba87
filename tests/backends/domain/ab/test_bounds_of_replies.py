"""The last count, size and text of a reply that is believed, and the first that is not."""

import json
from typing import Any

import pytest

from backends.domain.ab.run import Run
from backends.domain.ab.sse import SseEvent
from backends.domain.ab.summary import difference
from backends.domain.ab.timing import Timing, timing
from backends.domain.ab.token_limit import most_tokens
from backends.domain.ab.tokens import ChunkReader
from backends.domain.ab.usage import believable_input, believable_output, read_usage
from tests.backends.domain.ab.chunks import chunk, read, usage

# counts

AT_ONCE, PER_S = 2_000, 20_000


@pytest.mark.parametrize(
    ("counts", "into", "out"),
    [
        ({"prompt_tokens": 9, "total_tokens": 9}, 9, 0),
        ({"prompt_tokens": 9, "total_tokens": 8}, 9, None),
        ({"prompt_tokens": 10, "cached_tokens": 10, "completion_tokens": 1}, 10, 1),
        ({"prompt_tokens": 10, "cached_tokens": 11, "completion_tokens": 1}, 21, 1),
        ({"completion_tokens": 5, "reasoning_tokens": 5}, None, 5),
        ({"completion_tokens": 5, "reasoning_tokens": 6}, None, 11),
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}, 9, 5),
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 15}, 9, 6),
        ({"prompt_tokens": 0, "completion_tokens": 0}, 0, 0),
        ({"prompt_tokens": -1, "completion_tokens": 5}, None, 5),
        ({"prompt_eval_count": 9, "eval_count": 5}, 9, 5),
    ],
)
def test_which_sums_are_input_and_output(
    counts: dict[str, int], into: int | None, out: int | None
) -> None:
    found = read_usage(counts)
    assert found is not None
    assert (found.input_tokens, found.output_tokens) == (into, out)


@pytest.mark.parametrize(
    ("tokens", "at_s", "characters", "believed"),
    [
        (AT_ONCE, 0.0, 0, True),
        (AT_ONCE + 1, 0.0, 0, False),
        (AT_ONCE + 1, 0.0, AT_ONCE + 1, True),
        (AT_ONCE + PER_S, 1.0, 0, True),
        (AT_ONCE + PER_S + 1, 1.0, 0, False),
        (AT_ONCE + 1, -1.0, 0, False),
    ],
)
def test_how_many_tokens_can_have_been_written(
    tokens: int, at_s: float, characters: int, *, believed: bool
) -> None:
    assert believable_output(tokens, at_s, characters) is believed


@pytest.mark.parametrize(("tokens", "believed"), [(100_400, True), (100_401, False)])
def test_how_many_tokens_a_request_can_have_had(tokens: int, *, believed: bool) -> None:
    assert believable_input(tokens, 100) is believed


def test_a_running_count_may_begin_at_nothing_and_fall_back_to_it() -> None:
    reader = read((0.1, chunk({"content": "a"}, counted=0)))
    assert (reader.pieces[0].counted, reader.refused_usage) == (0, False)
    reader = read((0.1, chunk({"content": "a"}, counted=5)), (0.2, chunk({}, counted=0)))
    assert reader.usage is not None
    assert (reader.usage.output_tokens, reader.refused_usage) == (5, False)


def test_a_running_count_may_stand_still_and_may_not_fall() -> None:
    still = read((0.1, chunk({"content": "a"}, counted=5)), (0.2, usage(5)))
    fallen = read((0.1, chunk({"content": "a"}, counted=5)), (0.2, usage(4)))
    assert (still.refused_usage, fallen.refused_usage) == (False, True)


# sizes


@pytest.mark.parametrize(("values", "said"), [(100_000, False), (100_001, True)])
def test_a_chunk_of_the_most_values_is_read(values: int, *, said: bool) -> None:
    made = chunk({"content": "Hi"})
    commas = json.dumps(made, separators=(",", ":")).count(",")
    made["x"] = [0] * (values - commas)
    (data,) = [json.dumps(made, separators=(",", ":")).encode()]
    assert data.count(b",") == values
    reader = ChunkReader()
    reader.feed(0.1, SseEvent(data))
    assert ([piece.content for piece in reader.pieces] == ["Hi"]) is not said
    assert (reader.error is not None) is said


@pytest.mark.parametrize(("before", "model"), [(7, "m"), (8, None)])
def test_a_model_is_named_within_eight_chunks(before: int, model: str | None) -> None:
    named: dict[str, Any] = {**chunk({"content": "a"}), "model": "m"}
    reader = read(*((0.1, chunk({"content": "a"})) for _ in range(before)), (0.2, named))
    assert reader.model == model


def test_a_reply_may_have_the_most_chunks_and_no_more() -> None:
    reader, event = ChunkReader(), SseEvent(json.dumps(chunk({"content": "a"})).encode())
    for _ in range(40_000):
        reader.feed(0.1, event)
    assert (len(reader.pieces), reader.error) == (40_000, None)
    assert reader.feed(0.1, event) is None
    assert "lower max_tokens" in str(reader.error)


def test_a_reply_may_have_the_most_characters_and_no_more() -> None:
    half = chunk({"content": "a" * (500_000)})
    reader = read((0.1, half), (0.2, half))
    assert (len(reader.pieces), reader.error) == (2, None)
    reader = read((0.1, half), (0.2, half), (0.3, chunk({"content": "a"})))
    assert (len(reader.pieces), reader.error is None) == (2, False)


@pytest.mark.parametrize(("characters", "is_error"), [(64, False), (65, True)])
def test_a_note_is_no_longer_than_64_characters(characters: int, *, is_error: bool) -> None:
    assert (read((0.1, "x" * characters)).error is not None) is is_error


@pytest.mark.parametrize(
    ("digits", "tokens"), [("999999999", 999_999_999), ("1000000000", None), ("8,192", 8192)]
)
def test_a_limit_has_nine_digits_at_most(digits: str, tokens: int | None) -> None:
    assert most_tokens(f"This model's maximum context length is {digits} tokens.") == tokens


# times and differences


def test_one_chunk_whose_count_is_known_shares_nothing_by_its_text() -> None:
    reader = read((0.2, chunk({"content": "Once upon a time"}, counted=4)))
    assert timing(reader.pieces, 4) == Timing(0.2, 0.2, (), 0.2, ())


def test_a_count_that_stands_still_is_none_that_runs() -> None:
    reader = read(
        (0.2, chunk({"content": "aa"}, counted=4)), (0.3, chunk({"content": "aa"}, counted=4))
    )
    assert timing(reader.pieces, 4).flags == ("tokens_shared_by_text",)


@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (2.0, 1.0)])
def test_an_interval_that_ends_at_nothing_settles_nothing(low: float, high: float) -> None:
    """Ten equal values against as many of which half are apart: the test rejects, its interval not.

    Of 100 differences 50 are nothing; the interval of ten values a side ends at the 24th.
    """
    ours = [Run("a", i, ttft_s=low) for i in range(10)]
    theirs = [Run("b", i, ttft_s=low if i < 5 else high) for i in range(10)]
    found = difference(ours, theirs, "ttft_s")
    assert found is not None
    assert found.p_value < 0.05
    assert 0.0 in found.ci95
    assert found.verdict == "too_close"
    assert found.more_runs is not None


def test_thoughts_are_characters_of_a_reply_too() -> None:
    half = chunk({"content": "a" * 250_000, "reasoning": "b" * 250_000})
    reader = read((0.1, half), (0.2, half))
    assert (len(reader.pieces), reader.error) == (2, None)
    reader = read((0.1, half), (0.2, half), (0.3, chunk({"reasoning": "b"})))
    assert (len(reader.pieces), reader.error is None) == (2, False)
