"""Whether the two sides of a decision serve the same thing."""

from decimal import Decimal

from backends.domain.decision.request_cost import tokens_of
from backends.domain.decision.scenario import Scenario

TOLERATED_TOKEN_DIFFERENCE = Decimal("0.02")
"""Chat templates and tokenizers of one model agree to this share of the prompt's tokens."""


def why_not_comparable(scenario: Scenario) -> str:
    """Return why the GPU and the API cannot be compared, one sentence; empty if nothing says so."""
    sides = (
        ("model", scenario.model, scenario.api_model),
        ("quantisation", scenario.quantisation, scenario.api_quantisation),
        ("context", scenario.context_tokens, scenario.api_context_tokens),
    )
    for what, here, there in sides:
        if here is not None and there is not None and _plain(here) != _plain(there):
            return f"The GPU serves {what} {here}, the API {there}; compare the same {what}."
    tokens, counted = tokens_of(scenario), scenario.api_input_tokens
    if tokens is None or counted is None or tokens[0] == 0:
        return ""
    apart = abs(counted - tokens[0]) / tokens[0]
    if apart <= TOLERATED_TOKEN_DIFFERENCE:
        return ""
    return (
        f"The API counts {counted} input tokens where the GPU counts {tokens[0]}, "
        f"{apart * 100:.1f} % apart; send both the same prompt and chat template."
    )


def _plain(value: str | Decimal) -> str:
    """Return a name without its publisher and signs, so that openai/x and openai-x are one."""
    name = str(value).lower()
    for publisher in ("openai", "meta-llama", "meta", "mistralai", "qwen"):
        for sign in "/-":
            name = name.removeprefix(f"{publisher}{sign}")
    return name
