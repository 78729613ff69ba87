from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.decision.document import verdict_document
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.wording import reason
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.host.provider import HostProvider
from backends.operations import pricing
from backends.operations.context import Context
from backends.operations.decision import decide_all, unpriced_gpu
from backends.operations.pricing import gpu_offers, gpu_prices, with_known_prices
from backends.prices.book import set_api_price, set_gpu_price
from backends.prices.table import shipped_table
from backends.problem import UsageProblem
from backends.settings.config import Endpoint, Settings, TokenPrices
from tests.console import sessions

DO = "https://inference.do-ai.run/v1"


OPEN = TokenPrices()


def settings(prices: TokenPrices = OPEN, model: str = "openai-gpt-oss-120b") -> Settings:
    return Settings(endpoints=(Endpoint("api", DO, model, prices=prices),))


def priced(given: Settings, folder: Path) -> TokenPrices:
    return with_known_prices(given, folder).endpoints[0].prices


def test_an_open_price_comes_from_the_table_with_its_source(tmp_path: Path) -> None:
    prices = priced(settings(), tmp_path)
    assert (prices.input_usd_per_mtok, prices.output_usd_per_mtok) == (
        Decimal("0.10"),
        Decimal("0.70"),
    )
    assert prices.as_of == date(2026, 5, 21)
    assert prices.source == "price table: models.dev catalogue"


def test_the_verdict_rests_on_it_and_says_so(tmp_path: Path) -> None:
    known = with_known_prices(settings(), tmp_path)
    found = sessions.decided(Session(Stamp(0.0, 0.0)), known, date(2026, 6, 1)).plan
    said = " ".join(verdict_document(found)["assumptions"])
    assert "as of 2026-05-21 (price table: models.dev catalogue)" in said


@pytest.mark.parametrize(
    "given",
    [
        TokenPrices(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2)),
        TokenPrices(output_usd_per_mtok=Decimal(2)),
        TokenPrices(usd_per_request=Decimal("0.01")),
    ],
)
def test_what_the_configuration_says_stands(given: TokenPrices, tmp_path: Path) -> None:
    assert priced(settings(given), tmp_path) == given


def test_a_price_that_is_not_there_says_why(tmp_path: Path) -> None:
    prices = priced(settings(model="unheard-of"), tmp_path)
    assert prices.input_usd_per_mtok is None
    assert "has no unheard-of of digitalocean" in prices.reason


def test_the_users_own_price_is_used(tmp_path: Path) -> None:
    amounts = {"input_usd_per_mtok": "0.11"}
    set_api_price(tmp_path, "digitalocean", "openai-gpt-oss-120b", amounts, date(2026, 11, 20))
    prices = priced(settings(), tmp_path)
    assert (prices.input_usd_per_mtok, prices.as_of) == (Decimal("0.11"), date(2026, 11, 20))
    assert prices.source == "price table: you"


def test_a_broken_price_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("{")
    with pytest.raises(UsageProblem, match=r"prices\.json: no JSON"):
        with_known_prices(settings(), tmp_path)


UNPRICED = replace(sessions.SETTINGS, servers=(replace(sessions.PROFILE, gpu_usd_per_hour=None),))


def test_the_table_is_read_only_where_a_gpu_has_no_price(tmp_path: Path) -> None:
    assert gpu_prices(sessions.SETTINGS, tmp_path) == ()
    assert gpu_prices(UNPRICED, tmp_path) == shipped_table().gpu
    assert gpu_prices(Settings(), None) == shipped_table().gpu
    set_gpu_price(tmp_path, "mine", "H100", "1.23", sessions.DAY)
    assert Decimal("1.23") in {row.usd_per_hour for row in gpu_prices(UNPRICED, tmp_path)}


def test_a_gpu_without_a_price_is_told_what_others_ask_and_given_none() -> None:
    context = Context(UNPRICED, gpu_prices=gpu_prices(UNPRICED, None))
    decision = decide_all(sessions.READY, context, sessions.DAY)
    assert decision.plan.kind is VerdictKind.UNPRICED
    assert decision.scenario.gpu_usd_per_hour is None
    assert "The price table has one H100 on demand from $2.89/h (runpod" in reason(decision.plan)
    assert "2026-11-09) to $4.29/h (lambda H100 SXM, 2026-09-25)" in reason(decision.plan)
    assert reason(decision.plan).endswith("gpu_usd_per_hour in [server.chat].")


def test_a_verdict_of_other_ways_says_it_beside_its_assumptions() -> None:
    plan = Scenario(
        provisioned_unit_usd_per_hour=Decimal(1), provisioned_unit_tokens_per_s=Decimal(99)
    )
    settings = replace(UNPRICED, plan=plan)
    context = Context(settings, gpu_prices=gpu_prices(settings, None))
    found = decide_all(sessions.READY, context, sessions.DAY).plan
    assert found.kind is VerdictKind.API_CHEAPER
    assert "price table" not in reason(found)
    assert any("The price table has one H100" in said for said in found.assumptions)


@pytest.mark.parametrize(
    ("session", "settings"),
    [(sessions.EMPTY, UNPRICED), (sessions.READY, sessions.SETTINGS)],
    ids=["no GPU seen", "priced"],
)
def test_nothing_is_told_without_a_gpu_or_with_a_price(
    session: Session, settings: Settings
) -> None:
    context = Context(settings, gpu_prices=shipped_table().gpu)
    assert unpriced_gpu(session, context) == ""


def test_a_gpu_that_the_table_lacks_is_not_told_another_ones_price() -> None:
    (gpu,) = sessions.gpu(0, 1).sample.gpus
    assert gpu_offers([replace(gpu, name="NVIDIA H800")], None, shipped_table().gpu) == ""
    said = gpu_offers([gpu, gpu], None, shipped_table().gpu)
    assert said.count("H100 on demand") == 1
    assert said.endswith("gpu_usd_per_hour in a [server.NAME].")


def test_the_row_of_this_host_is_proposed_where_the_host_shows_whose_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = HostProvider("digitalocean", "gpu-mi300x1-192gb")
    monkeypatch.setattr(pricing, "provider_seen", lambda: seen)
    rows = pricing.gpu_prices(Settings(), None)
    (gpu,) = sessions.gpu(0, 1).sample.gpus
    memory = replace(gpu.memory, total_bytes=192 * 2**30)
    said = gpu_offers([replace(gpu, name="AMD Instinct MI300X", memory=memory)], None, rows)
    assert said.startswith("The price table has one MI300X on demand at $")
    assert "digitalocean gpu-mi300x1-192gb" in said
    monkeypatch.setattr(pricing, "provider_seen", lambda: HostProvider("nobody"))
    assert len(pricing.gpu_prices(Settings(), None)) == len(shipped_table().gpu)
