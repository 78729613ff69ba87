"""Prices and verdicts on the command line."""

import json
from pathlib import Path

import pytest

from tests.console.cli.conftest import Cli, configure

EURO = ("--currency", "EUR", "--rate", "1.08", "--rate-date", "2026-11-20")


def test_published_figures_are_listed_beside_ours(cli: Cli) -> None:
    ran = cli("verdict", "--published")
    assert ran.code == 0
    swing = next(line for line in ran.out.splitlines() if "swing" in line)
    assert "roughly 25x" in swing
    assert "29.2 x" in swing
    assert "differs from the article" in swing
    assert max(map(len, ran.out.splitlines())) <= 100


def test_published_figures_are_a_document(cli: Cli) -> None:
    document = cli("verdict", "--published", "--json").json()
    rows = {row["figure"]: row for row in document["figures"]}
    utilisation = rows["break-even utilisation"]
    assert (utilisation["published"], utilisation["agrees"]) == ("~6.5 %", False)
    assert float(utilisation["ours"]) == pytest.approx(20.46, abs=0.005)
    counted = sum(document[each] for each in ("agree", "differ", "quoted"))
    assert counted == len(document["figures"])
    again = cli("verdict", "--scenario", utilisation["scenario"], "--json").json()
    assert again["break_even_utilisation"] == pytest.approx(0.2046, abs=1e-4)


def test_a_scenario_that_is_nowhere_is_a_usage_error(cli: Cli) -> None:
    ran = cli("verdict", "--scenario", "mi300x-shrt")
    assert (ran.code, ran.out) == (2, "")
    assert "mi300x-shrt: cannot be read" in ran.err


def test_a_price_in_euros_is_kept_in_dollars_with_its_rate(cli: Cli) -> None:
    kept = cli("prices", "set", "mine/m", "--input", "0.5", "--output", "1", *EURO, "--json")
    (row,) = kept.json()["prices"]
    assert (row["input_usd_per_mtok"], row["currency"], row["currency_usd"]) == (
        "0.540",
        "EUR",
        "1.08",
    )
    listed = cli("prices", "list", "--model", "mine", *EURO)
    assert "0.50 EUR in, 1.00 EUR out /Mtok" in listed.out
    assert "you, 1 EUR = $1.08 of 2026-11-20" in listed.out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (EURO[:2], "its code, its rate and the date"),
        ((*EURO[:5], "2999-01-01"), "is in the future"),
    ],
)
def test_a_currency_without_its_dated_rate_is_refused(
    cli: Cli, given: tuple[str, ...], message: str
) -> None:
    ran = cli("prices", "set", "mine/m", "--input", "0.5", "--output", "1", *given)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_a_catalogue_is_imported_and_prices_an_endpoint(cli: Cli, tmp_path: Path) -> None:
    catalogue = tmp_path / "api.json"
    models = {"m": {"cost": {"input": 0.2, "output": 0.9}}}
    catalogue.write_text(
        json.dumps({"example": {"api": "https://inference.example/v1", "models": models}})
    )
    done = cli("prices", "update", str(catalogue), "--as-of", "2026-11-01", "--json").json()
    assert (done["catalogue"], done["rows"], done["unpriced"]) == ("models.dev", 1, 0)
    configure('[endpoint.e]\nbase_url = "https://inference.example/v1"\nmodel = "m"\n')
    said = " ".join(cli("verdict", "--json").json()["assumptions"])
    assert "API at $0.20 input and $0.90 output per million tokens, as of 2026-11-01" in said
    assert "price table: models.dev catalogue" in said


def test_an_endpoint_that_the_table_does_not_know_says_so(cli: Cli) -> None:
    configure('[endpoint.e]\nbase_url = "https://inference.do-ai.run/v1"\nmodel = "unheard-of"\n')
    (row,) = cli("cost", "--json").json()["api_equivalent"]
    assert row["reason"].startswith("UNPRICED: the price table has no unheard-of of digitalocean")
