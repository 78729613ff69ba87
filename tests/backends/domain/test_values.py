"""Values of the user's files that do not fit are refused with the fault and what to write."""

import pytest

from backends.domain.values import Unfit, text, truth


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
