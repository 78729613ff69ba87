"""A published list of token prices, beside the rows of the shipped table."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from backends.prices.book import find_api_price
from backends.prices.table import shipped_table
from backends.scenarios.published.claims import Claim

_claim = partial(Claim, "CostHawk: token prices")
_CENT = Decimal("0.005")
LISTED = (
    ("Together Llama 3.1 70B", "togetherai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "0.54"),
    ("Groq Llama 3.1 70B", "groq", "llama-3.3-70b-versatile", "0.59"),
    ("Bedrock Llama 3.1 70B", "amazon-bedrock", "meta.llama3-3-70b-instruct-v1:0", "0.72"),
    ("Gemini 2.0 Flash", "google", "gemini-2.0-flash", "0.10"),
)


def _rows() -> Iterator[Claim]:
    for words, provider, model, printed in LISTED:
        yield _claim(
            f"{words}, input",
            f"${printed}/M",
            Decimal(printed) - _CENT,
            Decimal(printed) + _CENT,
            partial(_input_price, provider, model),
            "$",
            _note(provider, model),
            standing="since changed",
        )


def _input_price(provider: str, model: str) -> Decimal:
    row = find_api_price(shipped_table(), provider, model)
    if row is None or row.input_usd_per_mtok is None:
        raise LookupError(f"{provider} has no {model} in the shipped table")
    return row.input_usd_per_mtok


def _note(provider: str, model: str) -> str:
    row = find_api_price(shipped_table(), provider, model)
    return "" if row is None else f"{model} in the price table, as of {row.as_of}"


CLAIMS = tuple(_rows())
