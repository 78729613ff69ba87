"""Text, numbers and bars: the pure functions below every widget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets import bars, text

WORDS = st.text(alphabet=st.sampled_from("ab c日語\n\t\x1b\u202e"), max_size=80)


def test_commands_to_the_terminal_become_pictures() -> None:
    shown = text.safe("a\x1b[2J\x9b31m\u202eb\x00\r\n")
    assert shown == "a␛[2J\\u009b31m\\u202eb␀␍␊"


@given(WORDS)
def test_safe_text_can_be_printed(value: str) -> None:
    assert text.safe(value).isprintable()


@given(WORDS, st.integers(0, 40))
def test_fitted_text_fits(value: str, width: int) -> None:
    assert text.cells(text.fit(text.safe(value), width)) <= width


@given(WORDS, st.integers(2, 40), st.integers(0, 6))
def test_wrapped_text_fits_and_loses_no_word(value: str, width: int, lines: int) -> None:
    clean = text.safe(value, keep_newlines=True)
    wrapped = text.wrap(clean, width)
    assert all(text.cells(row) <= width for row in wrapped)
    assert "".join("".join(wrapped).split()) == "".join(clean.split())
    assert len(text.wrap_to(clean, width, lines)) <= lines


@pytest.mark.parametrize("width", [0, -6])
def test_without_room_text_is_wrapped_by_the_character(width: int) -> None:
    assert text.wrap("a bc", width) == ["a", "b", "c"]


def test_elision_ends_at_a_word() -> None:
    assert text.fit("one request needs memory", 14) == "one request…"
    assert text.fit("--gpu-memory-utilization", 10) == "--gpu-mem…"
    assert text.fit_name("meta-llama/Llama-3.1-8B-Instruct", 22) == "Llama-3.1-8B-Instruct"


def test_the_least_important_part_gives_way() -> None:
    parts = [
        text.Part.of(0, "state", droppable=False),
        text.Part.of(2, "a long detail", "detail"),
        text.Part.of(1, "port 8000", ":8000"),
    ]
    forms = [text.arrange(parts, width).plain for width in (40, 25, 18, 12, 5)]
    assert forms == [
        "state  a long detail  port 8000",
        "state  detail  port 8000",
        "state  port 8000",
        "state  :8000",
        "state",
    ]


SIZES = st.lists(st.integers(0, 10**12), min_size=1, max_size=9)


@given(SIZES, st.integers(1, 120))
def test_parts_of_a_bar_fill_it_by_their_size(sizes: list[int], width: int) -> None:
    whole = sum(sizes)
    cells = bars.apportion(sizes, whole, width)
    assert all(count == 0 for size, count in zip(sizes, cells, strict=True) if size == 0)
    present = sum(1 for size in sizes if size > 0)
    assert sum(cells) == (width if whole else 0)
    if whole > 0 and present <= width:
        assert all(count > 0 for size, count in zip(sizes, cells, strict=True) if size > 0)


@given(st.floats(-1, 2), st.integers(0, 80))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(bars.bar(share, width)) == width


@given(st.floats(0, 1e6), st.floats(0.001, 1e6), st.integers(1, 200))
def test_an_axis_has_its_width_and_labels_in_order(first: float, span: float, width: int) -> None:
    labels = bars.axis(first, first + span, width)
    assert len(labels) == width
    numbers = [float(label) for label in labels.split()]
    assert numbers == sorted(numbers)


def test_an_unknown_value_is_a_gap_not_a_zero() -> None:
    assert bars.sparkline([1.0, None, 8.0], 10) == "▁ █"
    assert bars.sparkline([None, None], 10) == ""
    assert bars.sparkline([0.0, 0.0], 10) == "▁▁"
    assert bars.block_rows([None, 1.0], 2) == [" █", " █"]
