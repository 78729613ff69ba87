"""The limit of tokens is read from the sentences that endpoints refuse too long requests with."""

import pytest

from backends.domain.ab.token_limit import asks_too_many, most_tokens

SENTENCES: dict[str, tuple[str, int | None]] = {
    "OpenAI": (
        (
            "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens"
            " (7691 in the messages, 512 in the completion). Please reduce the length."
        ),
        8192,
    ),
    "OpenAI, reply": (
        (
            "max_tokens is too large: 50000. This model supports at most 16384 completion tokens,"
            " whereas you provided 50000."
        ),
        16384,
    ),
    "vLLM": (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum"
            " context length is 131,072 tokens and your request has 131,000 input tokens."
        ),
        131072,
    ),
    "vLLM, prompt": (
        "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
        8192,
    ),
    "Anthropic": (
        (
            "input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease"
            " input length or `max_tokens` and try again"
        ),
        200000,
    ),
    "Anthropic, prompt": ("prompt is too long: 210000 tokens > 200000 maximum", 200000),
    "Bedrock": (
        (
            "The maximum tokens you requested exceeds the model limit of 4096. Try again with a"
            " maximum tokens value that is lower than 4096."
        ),
        4096,
    ),
    "Gemini": (
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        1048576,
    ),
    "Groq": ("max_tokens for `llama-3.1-8b` must be less than or equal to `8000`", 8000),
    "Mistral": (
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768"
            " maximum context length"
        ),
        32768,
    ),
    "Fireworks": ("The prompt is too long: 9000, model maximum context length: 8191", 8191),
    "llama.cpp": ("request (9000 tokens) exceeds the available context size (4096 tokens)", 4096),
    "Hugging Face": (
        "`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4000 `inputs` tokens and 512",
        4097,
    ),
    "no number": ("context_length_exceeded", None),
    "reached while it wrote": (
        "Could not finish the message because max_tokens or model output limit was reached.",
        None,
    ),
}


@pytest.mark.parametrize(("said", "most"), SENTENCES.values(), ids=SENTENCES)
def test_the_limit_is_read_from_the_sentence(said: str, most: int | None) -> None:
    assert asks_too_many(said)
    assert most_tokens(said) == most


@pytest.mark.parametrize(
    "said",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "Unknown name \"continuous_usage_stats\" at 'stream_options': Cannot find field.",
        "body.stream_options.continuous_usage_stats: Extra inputs are not permitted",
        "temperature must be less than 1",
        "Invalid request body",
    ],
)
def test_a_field_that_is_not_taken_is_no_limit(said: str) -> None:
    assert not asks_too_many(said)
