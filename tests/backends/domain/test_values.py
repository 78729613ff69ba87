"""Values of the user's files that do not fit are refused with the fault and what to write."""

import pytest

from backends.domain.values import Unfit, text, truth, whole


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (5, "is a whole number, not a string"),
        (True, "is true or false, not a string"),
        ("", "is empty"),
        ("   ", "is empty"),
        ("a\x1b[2J", "contains a control character"),
    ],
)
def test_a_text_is_a_printable_string(value: object, fault: str) -> None:
    with pytest.raises(Unfit) as refused:
        text(value)
    assert refused.value.what == fault
    assert refused.value.remedy


def test_only_true_and_false_are_either() -> None:
    assert truth(value=True) is True
    with pytest.raises(Unfit, match="neither; write true or false"):
        truth(1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("8000", 8000),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("²", None),
        ("\u0663", None),
        ("-1", None),
        (" 1", None),
        ("", None),
        (None, None),
    ],
)
def test_a_whole_number_of_others_has_ascii_digits(text: str | None, number: int | None) -> None:
    assert whole(text) == number
