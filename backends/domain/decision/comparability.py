"""Whether the two sides of a decision serve the same thing."""

import re
from decimal import Decimal

from backends.domain.decision.exclusion import Unlike
from backends.domain.decision.option import tokens_of
from backends.domain.decision.scenario import Scenario
from backends.domain.model_names import plain_model, quantisation_in, same_model

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


def unlike_models(here: str, there: str) -> Unlike | None:
    """Return in what two models differ by their names; None where nothing in them says so."""
    if (same := same_model(here, there)) is None:
        return None
    alike = quantisation_in(here) == quantisation_in(there)
    return (
        Unlike("model", here, there)
        if not same
        else None
        if alike
        else Unlike("quantisation", here, there)
    )


def _plain(value: str | Decimal) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return re.sub(r"[^a-z0-9.]", "", plain_model(value))
