"""Llama 70B on an A100 against APIs: monthly volumes and savings, published by CostHawk."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from backends.scenarios.published.claims import Claim, even_mtok, month

_claim = partial(Claim, "CostHawk: A100 or API")
_LLAMA = "a100-llama-70b"
_TWICE = "charges the input and the output price for every token, $1.08; its list says $0.54"
_BLEND = "takes two output tokens for each input token; the Llama column has another rule"

VOLUMES = (("50M", 375, 54, 929), ("500M", 3750, 540, 929), ("2B", 15000, 2160, 929))
TEN_BILLION = ("10B", 75000, 10800, 1858)


def _exact(printed: int) -> tuple[str, Decimal, Decimal]:
    return f"${printed:,}", printed - Decimal("0.5"), printed + Decimal("0.5")


def _volume(label: str, gpt: int, llama: int, gpu: int, note: str = "") -> Iterator[Claim]:
    """Yield one row of the volume table."""
    yield _claim(
        f"GPT-4o, {label} tokens a month",
        *_exact(gpt),
        lambda: month(f"a100-or-gpt-4o-{label}", "api"),
        "$",
        _BLEND,
        f"a100-or-gpt-4o-{label}",
    )
    yield _claim(
        f"Llama 3 70B, {label} tokens a month",
        *_exact(llama),
        lambda: month(f"{_LLAMA}-{label}", "api"),
        "$",
        _TWICE,
        f"{_LLAMA}-{label}",
    )
    yield _claim(
        f"A100 for {label} tokens a month",
        *_exact(gpu),
        lambda: month(f"{_LLAMA}-{label}", "reserved"),
        "$",
        note,
        f"{_LLAMA}-{label}",
    )


def _cheapest(label: str, option: str) -> Claim:
    """Return the last column of the volume table: by how much the named option is the cheaper."""
    other = {"api": "reserved", "reserved": "api"}[option]
    name = f"{_LLAMA}-{label}"
    return _claim(
        f"saved by the cheapest at {label}",
        "serverless" if option == "api" else "dedicated GPU",
        Decimal(0),
        Decimal(100_000),
        lambda: month(name, other) - month(name, option),
        "$",
        scenario=name,
    )


def _break_even(printed: str, low: int, high: int) -> Claim:
    return _claim(
        "break-even, tokens a month",
        printed,
        Decimal(low),
        Decimal(high),
        lambda: even_mtok(f"{_LLAMA}-2B", 1000),
        "M tokens",
        "one article, three thresholds; $929 at $0.54 per million is 1,720 M",
        f"{_LLAMA}-2B",
    )


CLAIMS = (
    *(claim for volume in VOLUMES for claim in _volume(*volume)),
    *_volume(
        *TEN_BILLION,
        "takes 1,929 tokens/s of each, without a pause; its 140 GB of weights do not fit 80 GB",
    ),
    _cheapest("50M", "api"),
    _cheapest("500M", "api"),
    _cheapest("2B", "reserved"),
    _cheapest("10B", "reserved"),
    _break_even("1 B and more", 950, 1050),
    _break_even("2 B", 1950, 2050),
    _break_even("5 B and more", 4950, 5050),
    _claim(
        "break-even with the half engineer it names",
        "not counted",
        Decimal(0),
        Decimal(0),
        lambda: even_mtok(f"{_LLAMA}-half-an-engineer", 1000),
        "M tokens",
        "0.5 to 1 engineer is named and in no sum; here half of $12,500 a month",
        f"{_LLAMA}-half-an-engineer",
        "not shown",
    ),
    _claim(
        "3.2 B tokens at Together",
        *_exact(1728),
        lambda: month(f"{_LLAMA}-3.2B", "api"),
        "$",
        "here each token is charged once, at $0.54",
        f"{_LLAMA}-3.2B",
    ),
    _claim(
        "saving of a dedicated A100 on it",
        "46 %",
        Decimal("45.5"),
        Decimal("46.5"),
        lambda: (1 - month(f"{_LLAMA}-3.2B", "reserved") / month(f"{_LLAMA}-3.2B", "api")) * 100,
        "%",
        "takes 1,235 tokens/s without a pause on that one GPU",
        f"{_LLAMA}-3.2B",
    ),
    _claim(
        "open weights below proprietary APIs",
        "30-70 %",
        Decimal(30),
        Decimal(70),
        lambda: (1 - month(f"{_LLAMA}-50M", "api") / month("a100-or-gpt-4o-50M", "api")) * 100,
        "%",
        "even the doubled $54 of its own table is 86 % below the $375 beside it",
        f"{_LLAMA}-50M",
    ),
)
