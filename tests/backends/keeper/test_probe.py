"""What counts as the first token."""

from typing import Any

import pytest

from backends.keeper.probe import carries_token


def _chat(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta}], **more}


@pytest.mark.parametrize(
    ("expected", "chunk"),
    [
        (False, _chat({"role": "assistant", "content": ""})),
        (False, _chat({"role": "assistant"})),
        (False, _chat({"role": "assistant", "content": ""}, usage={"completion_tokens": 0})),
        (True, _chat({"role": "assistant", "content": "Hi"})),
        (True, _chat({"content": "Hi"})),
        (True, _chat({"content": ""})),
        (True, _chat({"content": ""}, usage={"completion_tokens": 1})),
        (True, _chat({"role": "assistant", "content": ""}, usage={"completion_tokens": 1})),
        (False, _chat({"content": ""}, usage={"completion_tokens": 0})),
        (True, _chat({"reasoning": "First"})),
        (True, _chat({"role": "assistant", "reasoning_content": "First"})),
        (True, _chat({"role": "assistant", "tool_calls": [{}]})),
        (True, {"choices": [{"text": "Hi"}]}),
        (True, {"choices": [{"text": ""}]}),
        (False, {"choices": []}),
        (False, {"choices": [], "usage": {"completion_tokens": 0}}),
        (True, {"choices": [], "usage": {"completion_tokens": 1}}),
        (True, _chat({"content": "Hi"}, usage=None)),
    ],
)
def test_a_token_is_told_from_what_only_opens_the_stream(
    expected: bool, chunk: dict[str, Any]
) -> None:
    assert carries_token(chunk) is expected
