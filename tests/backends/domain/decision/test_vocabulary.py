"""Every word that a verdict can be, each from a whole scenario with dated prices.

A row is the word, the scenario, a part of the sentence, and the number that would flip it.
"""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from backends.domain.decision.answer import Verdict
from backends.domain.decision.document import verdict_document
from backends.domain.decision.exclusion import NO_REMEDIES, Remedies, Remedy
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import reason

DATED = {
    "gpu_price_as_of": date(2026, 11, 1),
    "api_price_as_of": date(2026, 11, 2),
    "today": date(2026, 11, 21),
}
GPU = {"gpu_usd_per_hour": "1.88"}
API = {"input_usd_per_mtok": "0.10", "output_usd_per_mtok": "0.70"}
MEDIUM = {"input_tokens": 80, "output_tokens": 220}
SHORT = {"input_tokens": 80, "output_tokens": 30}
SECONDS = {
    "serverless_usd_per_second": "0.0005",
    "service_s": 5,
    "idle_timeout_s": 60,
    "cold_start_s": 60,
}

Row = tuple[str, dict[str, Any], str, str | None]
VOCABULARY: list[Row] = [
    (
        "SELF_HOST_CHEAPER",
        {**GPU, **API, **MEDIUM, "rate_rps": 4, "capacity_rps": 25},
        (
            "Cheapest is one GPU on demand at $1.88/h, against $2.33/h for the API. "
            "Below 3.22 req/s the API wins; you are at 4."
        ),
        "rate_rps",
    ),
    (
        "API_CHEAPER",
        {**GPU, **API, **MEDIUM, "rate_rps": 2, "capacity_rps": 25},
        "Above 3.22 req/s your own GPU wins; you are at 2.",
        "rate_rps",
    ),
    (
        "HYBRID_CHEAPER",
        {**GPU, **API, **SHORT, "rate_rps": 30, "capacity_rps": 25},
        "Cheapest is one GPU with the API for the overflow at $2.40/h, against $3.13/h for the API",
        "rate_rps",
    ),
    (
        "RESERVED_CHEAPER",
        {**GPU, **API, **MEDIUM, "rate_rps": 4, "capacity_rps": 25, "gpu_usd_per_month": 1000},
        "Cheapest is one GPU reserved at $1.37/h",
        "rate_rps",
    ),
    (
        "SERVERLESS_GPU_CHEAPER",
        {**GPU, **SECONDS, "rate_rps": "0.01", "capacity_rps": 5},
        "Below $1.08 an hour your own GPU wins; you are at $1.88.",
        "gpu_usd_per_hour",
    ),
    (
        "TOO_CLOSE",
        {
            **GPU,
            **API,
            **MEDIUM,
            "capacity_rps": 25,
            "observed": {"n": 400, "output_tokens_sd": 180, "window_s": 110},
        },
        "break-even is between 3 and 3.49 req/s, you are between 3.28 and 3.99.",
        "rate_rps",
    ),
    (
        "NO_CROSSOVER",
        {**GPU, **API, **SHORT, "rate_rps": 30, "capacity_rps": 9},
        (
            "The API is cheaper at any GPU count: one must carry 18 req/s to pay for itself, "
            "and 9 is what it carries."
        ),
        "capacity_rps",
    ),
    (
        "OVER_CAPACITY",
        {**GPU, "gpu_usd_per_month": 1000, "rate_rps": 9, "capacity_rps": 1, "max_replicas": 2},
        "No option can be chosen: the peak of 9 req/s needs 9 GPUs, there are 2.",
        "rate_rps",
    ),
    (
        "CAPACITY_UNKNOWN",
        {**GPU, **API, **MEDIUM, "rate_rps": 4},
        "Measure it: inferctl load ENDPOINT",
        "capacity_rps",
    ),
    (
        "SLO_EXCLUDES",
        {**GPU, **SECONDS, "rate_rps": "0.016", "capacity_rps": 5, "ttft_slo_s": 1},
        (
            "A serverless GPU would cost $1.32/h, but 52 % of requests meet a cold start of 60 s, "
            "the p99 TTFT limit is 1 s. The cheapest that keeps the limit is one GPU on demand "
            "at $1.88/h. A limit of 60 s would change that."
        ),
        "ttft_slo_s",
    ),
    (
        "INSUFFICIENT_DATA",
        {**GPU, **API, **MEDIUM, "observed": {"n": 29, "window_s": 10}},
        "29 of 30 requests; collecting data.",
        "observed.n",
    ),
    (
        "UNPRICED",
        {**API, **MEDIUM, "rate_rps": 4, "capacity_rps": 25},
        (
            "Without gpu_usd_per_hour there are no two options to compare. "
            "Break-even is at $2.33 an hour."
        ),
        "gpu_usd_per_hour",
    ),
    (
        "STALE_PRICES",
        {
            **GPU,
            **API,
            **MEDIUM,
            "rate_rps": 4,
            "capacity_rps": 25,
            "api_price_as_of": date(2026, 5, 21),
        },
        (
            "The API price is 184 days old, more than 45: confirm it with inferctl prices set. "
            "At these prices: Cheapest is one GPU on demand"
        ),
        "rate_rps",
    ),
    (
        "NOT_COMPARABLE",
        {**GPU, **API, **MEDIUM, "rate_rps": 4, "capacity_rps": 25, "api_input_tokens": 84},
        "The API counts 84 input tokens where the GPU counts 80, 5.0 % apart; send both the same",
        "api_input_tokens",
    ),
]


REMEDIES = Remedies(Remedy("inferctl load ENDPOINT"), Remedy("inferctl prices set"))


def verdict(data: dict[str, Any], remedies: Remedies = REMEDIES) -> Verdict:
    return decide(scenario_from({**DATED, **data}), remedies)


@pytest.mark.parametrize("data", [row[1] for row in VOCABULARY], ids=[row[0] for row in VOCABULARY])
def test_only_who_asks_names_commands(data: dict[str, Any]) -> None:
    named, unnamed = verdict(data), verdict(data, NO_REMEDIES)
    assert unnamed == replace(named, remedies=NO_REMEDIES)
    document = json.dumps(verdict_document(unnamed))
    assert "inferctl" not in document
    assert "run:" not in document


@pytest.mark.parametrize(("word", "data", "sentence", "flip"), VOCABULARY, ids=lambda row: row)
def test_a_word_is_reached_with_its_sentence_its_inputs_and_its_flip(
    word: str, data: dict[str, Any], sentence: str, flip: str | None
) -> None:
    found = verdict(data)
    assert found.kind.value == word, reason(found)
    assert sentence in reason(found)
    assert (found.flip.quantity if found.flip else None) == flip
    said = " ".join(found.assumptions)
    if "gpu_usd_per_hour" in data:
        assert "GPU on demand at $1.88/h, as of 2026-11-01" in said
    if "input_usd_per_mtok" in data:
        assert f"as of {data.get('api_price_as_of', DATED['api_price_as_of'])}" in said
    for key, words in (("rate_rps", "req/s."), ("capacity_rps", "One GPU carries")):
        assert (key in data) <= (words in said)


def test_no_word_is_left_out() -> None:
    assert [row[0] for row in VOCABULARY] == [*dict.fromkeys(row[0] for row in VOCABULARY)], (
        "a word twice"
    )
    assert {row[0] for row in VOCABULARY} == {kind.value for kind in VerdictKind}


def test_an_unpriced_api_is_told_from_which_price_on_it_would_lose() -> None:
    found = verdict({**GPU, **MEDIUM, "rate_rps": 4, "capacity_rps": 25})
    assert found.kind is VerdictKind.UNPRICED
    assert found.flip is not None
    assert found.flip.quantity == "usd_per_request"
    assert float(found.flip.value) == pytest.approx(1.88 / 3600 / 4)
    assert reason(found).endswith("Break-even is at $0.000131 a request.")
