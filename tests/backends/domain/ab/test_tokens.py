import pytest

from backends.domain.ab.sse import SseEvent
from backends.domain.ab.tokens import ChunkReader
from backends.domain.ab.usage import Usage
from tests.backends.domain.ab.chunks import ROLE, chunk, read, usage


@pytest.mark.parametrize(
    ("delta", "carries"),
    [
        (ROLE, False),
        ({}, False),
        ({"content": None}, False),
        ({"content": "", "reasoning": ""}, False),
        ({"tool_calls": []}, False),
        ({"role": "assistant", "content": "Hi"}, True),
        ({"reasoning": "Hm"}, True),
        ({"reasoning_content": "Hm"}, True),
        ({"content": "", "reasoning_content": "Hm"}, True),
        ({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, True),
        ({"content": [{"type": "text", "text": "Hi"}]}, True),
    ],
)
def test_which_chunks_carry_something_generated(delta: dict[str, object], carries: bool) -> None:
    (piece,) = read((0.1, chunk(delta))).pieces
    assert piece.carries is carries


def test_both_names_of_reasoning_are_one_text() -> None:
    both = {"reasoning": "Hm", "reasoning_content": "Hm"}
    assert read((0.1, chunk(both))).pieces[0].reasoning == "Hm"


def test_usage_with_its_details() -> None:
    reader = read(
        (
            0.1,
            usage(
                40,
                prompt=300,
                completion_tokens_details={"reasoning_tokens": 16},
                prompt_tokens_details={"cached_tokens": 256},
            ),
        )
    )
    assert reader.usage == Usage(300, 40, 16, 256)
    assert reader.pieces == []


def test_null_details_and_strange_counts_are_unknown_not_zero() -> None:
    reader = read((0.1, usage(4, prompt_tokens_details=None, completion_tokens_details={})))
    assert reader.usage == Usage(9, 4, None, None)
    strange = {"choices": [], "usage": {"prompt_tokens": "9", "completion_tokens": True}}
    reader = read((0.1, strange))
    assert (reader.usage, reader.refused_usage) == (None, True)


@pytest.mark.parametrize(
    "broken",
    [
        {"choices": [None]},
        {"choices": "x"},
        {"choices": [{"delta": None, "finish_reason": None}]},
        {},
    ],
)
def test_odd_chunks_bring_nothing_and_break_nothing(broken: dict[str, object]) -> None:
    reader = read((0.1, broken))
    assert reader.error is None
    assert not any(piece.carries for piece in reader.pieces)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"error": {"message": "out of\nmemory", "code": 500}}, "out of memory"),
        ({"error": "overloaded"}, "overloaded"),
        ({"object": "error", "message": "too long"}, "too long"),
        ({"detail": "not found"}, "not found"),
    ],
)
def test_errors_inside_a_stream(document: dict[str, object], message: str) -> None:
    reader = read((0.1, chunk({"content": "Hi"})), (0.2, document))
    assert reader.error == f"the endpoint reported inside the stream: {message}"
    assert len(reader.pieces) == 1


def test_what_is_no_json_is_an_error_of_one_line() -> None:
    reader = read((0.1, "<html>\nbad gateway"))
    assert reader.error == "the stream carries what is not JSON: <html> bad gateway"


def test_an_event_named_error_is_an_error() -> None:
    reader = ChunkReader()
    reader.feed(0.1, SseEvent(b'{"message": "no"}', "error"))
    assert reader.error


def test_done_and_finish_reason() -> None:
    reader = read((0.1, chunk({"content": "Hi"})), (0.2, chunk(finish="stop")), (0.3, "[DONE]"))
    assert reader.done
    assert reader.finish_reason == "stop"
    assert reader.pieces[-1].ends


def test_legacy_completions_are_text_too() -> None:
    assert read((0.1, {"choices": [{"index": 0, "text": "Hi"}]})).pieces[0].content == "Hi"


def test_counts_behind_the_text_end_a_stream_and_counts_in_each_chunk_do_not() -> None:
    text, counts = chunk({"content": "a"}), usage(2)
    assert read((0.1, text), (0.2, counts)).summed_up
    assert not read((0.1, text), (0.2, counts), (0.3, text)).summed_up
    counted = chunk({"content": "a"}, counted=1), chunk({"content": ""}, counted=2)
    assert not read((0.1, counted[0]), (0.2, counted[1])).summed_up
    assert not read((0.1, counts)).summed_up
