"""The words of a name in any spelling."""

import pytest

from backends.domain.ab.names import words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("promptTokenCount", {"prompt", "token", "count"}),
        ("prompt_token_count", {"prompt", "token", "count"}),
        ("Prompt-Token.Count", {"prompt", "token", "count"}),
        ("total4Tokens", {"total4", "tokens"}),
        ("TTFT", {"ttft"}),
        ("x" * 80 + "y", {"x" * 80}),
        ("", set()),
    ],
)
def test_the_words_of_a_name(name: str, found: set[str]) -> None:
    assert words(name) == found
