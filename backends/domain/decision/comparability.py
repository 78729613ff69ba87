"""Whether the two sides of a decision serve the same thing."""

import re
from decimal import Decimal

from backends.domain.decision.exclusion import Unlike
from backends.domain.decision.option import tokens_of
from backends.domain.decision.scenario import Scenario

TOKENS = "input tokens"

TOLERATED_TOKEN_DIFFERENCE = Decimal("0.02")
"""Chat templates and tokenizers of one model agree to this share of the prompt's tokens."""


def unlike_sides(scenario: Scenario) -> Unlike | None:
    """Return in what the GPU and the API cannot be compared, None if nothing says so."""
    sides = (
        ("model", scenario.model, scenario.api_model),
        ("quantisation", scenario.quantisation, scenario.api_quantisation),
        ("context", scenario.context_tokens, scenario.api_context_tokens),
    )
    for what, here, there in sides:
        if here is not None and there is not None and _plain(here) != _plain(there):
            return Unlike(what, here, there)
    tokens, counted = tokens_of(scenario), scenario.api_input_tokens
    if tokens is None or counted is None or tokens[0] == 0:
        return None
    apart = abs(counted - tokens[0]) / tokens[0]
    return None if apart <= TOLERATED_TOKEN_DIFFERENCE else Unlike(TOKENS, tokens[0], counted)


_PUBLISHERS = (
    "openai", "meta", "mistralai", "mistral", "qwen", "deepseek-ai", "google", "microsoft",
    "nvidia", "anthropic", "accounts-fireworks-models", "zai-org", "moonshotai", "ibm-granite",
)  # fmt: skip
_QUANTISED = re.compile(
    r"[-.](fp8|fp4|nvfp4|mxfp4|awq|gptq|int4|int8|w4a16|w8a8|bf16|fp16|gguf)\b.*"
)


def model_name(value: str) -> str:
    """Return a model's name without publisher and signs, so that openai/x and openai-x are one."""
    name = re.sub(r"[\s_:]+", "-", value.strip().lower().rpartition("/")[2])
    for publisher in _PUBLISHERS:
        rest = name.removeprefix(f"{publisher}-")
        # Of qwen-2.5 the publisher is the model's own name.
        if rest != name and not rest[:1].isdigit():
            return rest
    return name


def unlike_models(here: str, there: str) -> Unlike | None:
    """Return in what two models differ by their names; None where nothing in them says so.

    A name that one has given oneself, without a size or a version, tells nothing.
    """
    one, other = model_name(here), model_name(there)
    plain = [re.sub(r"[^a-z0-9.]", "", _QUANTISED.sub("", each)) for each in (one, other)]
    if plain[0] == plain[1]:
        quantised = [_QUANTISED.search(each) for each in (one, other)]
        alike = [each and each[1] for each in quantised]
        return None if alike[0] == alike[1] else Unlike("quantisation", here, there)
    telling = all(any(sign.isdigit() for sign in each) for each in plain)
    return Unlike("model", here, there) if telling else None


def _plain(value: str | Decimal) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return re.sub(r"[^a-z0-9.]", "", model_name(value))
