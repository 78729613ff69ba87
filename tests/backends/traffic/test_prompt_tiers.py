"""Prices of long prompts follow each request's own prompt, however a file is read."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.decision.option import usd_per_request
from backends.domain.prices.cost import Tier
from backends.domain.session import Session
from backends.operations.past_traffic import past_demand
from backends.operations.rental import api_equivalent
from backends.operations.scenario import host_scenario
from backends.settings.config import Endpoint, Settings, TokenPrices, TrafficSource
from backends.traffic import engine
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, PROFILE

LIMIT = 200_000
API = Endpoint(
    "long",
    "http://127.0.0.1:9/v1",
    "m",
    prices=TokenPrices(
        Decimal(3),
        Decimal(15),
        tiers=(Tier(Decimal(LIMIT), Decimal(6), Decimal("22.5")),),
        as_of=DAY,
    ),
)
ROWS = [(LIMIT, 100), (LIMIT + 1, 100), (400_000, 500), *[(20_000, 500)] * 27]
TRUE_USD = sum(
    (Decimal(into) * (6 if into > LIMIT else 3) + out * Decimal("22.5" if into > LIMIT else "15"))
    / 1_000_000
    for into, out in ROWS
)


def written(path: Path, form: str) -> Path:
    lines = ["at,input_tokens,output_tokens"]
    lines += [f"{1_795_824_000 + n * 10},{into},{out}" for n, (into, out) in enumerate(ROWS)]
    path.write_text("\n".join(lines) + "\n")
    if form == "parquet":
        duckdb = pytest.importorskip("duckdb")
        table = path.with_suffix(".parquet")
        duckdb.connect().execute(f"copy (from '{path}') to '{table}'")
        return table
    return path


@pytest.mark.parametrize("form", ["plain", "engine", "parquet"])
def test_each_request_is_charged_at_the_tier_of_its_own_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    if form == "engine":
        pytest.importorskip("duckdb")
        monkeypatch.setattr(engine, "WORTH_IT_BYTES", 0)
    source = TrafficSource(files=(str(written(tmp_path / "long.csv", form)),))
    found = past_demand(source, None, 0.0, (API,))
    assert found is not None
    assert [int(kind.weight) for kind in found.kinds] == [28, 2]
    assert float(api_equivalent(found.totals, API, found.kinds).usd or 0) == pytest.approx(
        float(TRUE_USD)
    )
    made = host_scenario(Session(at(0.0)), Settings((PROFILE,), (API,)), DAY, found)
    each = float(usd_per_request(made.scenario) or 0)
    assert each * len(ROWS) == pytest.approx(float(TRUE_USD))
    assert float(made.ranked[0].usd_per_request or 0) == pytest.approx(each)


def test_prompts_that_are_all_priced_alike_stay_one_kind(tmp_path: Path) -> None:
    source = TrafficSource(files=(str(written(tmp_path / "long.csv", "plain")),))
    flat = replace(API, prices=replace(API.prices, tiers=()))
    found = past_demand(source, None, 0.0, (flat,))
    assert found is not None
    assert found.kinds == ()
