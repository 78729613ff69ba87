"""gpt-oss-120b on one MI300X against a serverless API, published by DigitalOcean."""

from decimal import Decimal
from functools import partial

from backends.scenarios.published.claims import Claim, even_rps, even_tokens_per_s

_claim = partial(Claim, "DigitalOcean: MI300X or API")
WEIGHTS_GB, IN_USE_GB = Decimal(68), Decimal(173)
PHASES_S = (Decimal(24), Decimal(4), Decimal(11), Decimal(21))

CLAIMS = (
    _claim(
        "crossover, 30 output tokens",
        "~18 req/s",
        Decimal("17.5"),
        Decimal("18.5"),
        lambda: even_rps("mi300x-short"),
        "req/s",
        "takes 80 input tokens (72 to 88 round to 18), which the article does not say",
        "mi300x-short",
    ),
    _claim(
        "crossover, 220 output tokens",
        "~3 req/s",
        Decimal("2.5"),
        Decimal("3.5"),
        lambda: even_rps("mi300x-medium"),
        "req/s",
        "with the same 80 input tokens",
        "mi300x-medium",
    ),
    _claim(
        "crossover, 1,200 output tokens",
        "<1 req/s",
        Decimal(0),
        Decimal(1),
        lambda: even_rps("mi300x-long"),
        "req/s",
        "with the same 80 input tokens",
        "mi300x-long",
    ),
    _claim(
        "swing from short to long",
        "roughly 25x",
        Decimal("22.5"),
        Decimal("27.5"),
        lambda: even_rps("mi300x-short") / even_rps("mi300x-long"),
        "x",
        "18 req/s allow no less than 28.9x; 25x takes 131 input tokens and makes short 15.3 req/s",
        "mi300x-short",
    ),
    _claim(
        "throughput that the crossover takes, 220 tokens",
        "154 tokens/s",
        Decimal(153),
        Decimal(155),
        lambda: even_tokens_per_s("mi300x-medium"),
        "tokens/s",
        "154 is one stream; the rows take 540, 709 and 739, and no capacity was measured",
        "mi300x-medium",
        "not shown",
    ),
    _claim(
        "phases of the cold start",
        "~61 s",
        Decimal(60),
        Decimal("61.4"),
        lambda: sum(PHASES_S, Decimal(0)),
        "s",
        "24 + 4 + 11 + 21; the rest is between them, as the article says",
    ),
    _claim(
        "VRAM beside the weights",
        "roughly 100 GB",
        Decimal(95),
        Decimal(110),
        lambda: IN_USE_GB - WEIGHTS_GB,
        "GB",
        "173 GB in use, 68 GB of weights",
    ),
)
