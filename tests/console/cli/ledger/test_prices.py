"""``prices``: every row has a source and a date, and the unknown is never 0."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backends.settings.paths import config_file
from console.cli import prices
from tests.console.cli.ledger.conftest import MadeHost

CATALOGUE = {
    "data": [
        {"id": "some/new-model", "pricing": {"prompt": "0.0000002", "completion": "0.000001"}},
        {"id": "some/varying", "pricing": {"prompt": "-1", "completion": "-1"}},
    ]
}


def _one(made_host: MadeHost, *argv: str) -> dict[str, Any]:
    rows = made_host.document("prices", *argv)["prices"]
    assert len(rows) == 1
    return dict(rows[0])


def test_every_row_has_a_source_and_a_freshness(verbs: MadeHost) -> None:
    rows = verbs.document("prices", "list")["prices"]
    assert {row["kind"] for row in rows} == {"api", "gpu"}
    assert all(row["source"] for row in rows)
    assert {row["freshness"] for row in rows} <= {"fresh", "stale", "undated"}


def test_search_takes_models_or_gpus(verbs: MadeHost) -> None:
    models = verbs.document("prices", "list", "--model", "GPT-OSS-120B")["prices"]
    gpus = verbs.document("prices", "list", "--gpu", "h100")["prices"]
    assert models
    assert all(row["kind"] == "api" and "gpt-oss-120b" in row["model"] for row in models)
    assert gpus
    assert all(row["kind"] == "gpu" for row in gpus)


def test_nothing_found_is_told_by_the_exit_code(verbs: MadeHost) -> None:
    code, out, err = verbs.run("prices", "list", "--model", "no such model")
    assert (code, out) == (3, "")
    assert "prices set" in err


def test_a_price_of_ones_own_keeps_its_digits_and_is_dated_today(verbs: MadeHost) -> None:
    code, _, err = verbs.run("prices", "set", "acme/org/m", "--input", "0.10", "--output", "0.70")
    assert code == 0
    assert "$0.10 in, $0.70 out" in err
    row = _one(verbs, "list", "--model", "acme")
    assert (row["provider"], row["model"]) == ("acme", "org/m")
    assert row["input_usd_per_mtok"] == "0.10"
    assert row["as_of"] == datetime.now(UTC).date().isoformat()
    assert (row["freshness"], row["origin"], row["source"]) == ("fresh", "user", "you")
    kept = config_file().parent / "prices.json"
    assert kept.stat().st_mode & 0o077 == 0


def test_half_a_price_is_unpriced_with_a_reason(verbs: MadeHost) -> None:
    row = verbs.document("prices", "set", "acme/m", "--output", "0.7")["prices"][0]
    assert row["input_usd_per_mtok"] is None
    assert row["reason"]
    _, out, _ = verbs.run("prices", "list", "--model", "acme")
    assert "UNPRICED" in out


def test_an_old_price_is_marked_stale(verbs: MadeHost) -> None:
    verbs.run("prices", "set", "acme/h100", "--per-hour", "1.88", "--as-of", "2024-01-31")
    _, out, _ = verbs.run("prices", "list", "--gpu", "acme")
    assert "$1.88/h" in out
    assert "2024-01-31 STALE" in out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("acme/m",), "no price was given"),
        (("acme", "--input", "1"), "PROVIDER/MODEL"),
        (("acme/m", "--input", "$1"), "input_usd_per_mtok"),
        (("acme/m", "--input", "-1"), "0 or more"),
        (("acme/m", "--input", "1", "--per-hour", "1"), "give only one"),
        (("acme/m", "--input", "1", "--as-of", "9999-01-01"), "future"),
    ],
)
def test_what_cannot_be_a_price_is_refused(
    verbs: MadeHost, argv: tuple[str, ...], told: str
) -> None:
    # An amount below 0 looks like an option, so it is written with an equals sign.
    joined = [f"{argv[0]}", *(f"{a}={b}" for a, b in zip(argv[1::2], argv[2::2], strict=True))]
    code, out, err = verbs.run("prices", "set", *joined)
    assert (code, out) == (2, "")
    assert told in err
    assert not (config_file().parent / "prices.json").exists()


def test_a_catalogue_is_dated_with_its_file(verbs: MadeHost, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(CATALOGUE))
    long_ago = datetime(2025, 3, 1, 12, tzinfo=UTC).timestamp()
    os.utime(file, (long_ago, long_ago))
    done = verbs.document("prices", "update", str(file))
    assert done == {
        "catalogue": "openrouter", "as_of": "2025-03-01", "rows": 2, "changed": 2, "unpriced": 1
    }  # fmt: skip
    row = _one(verbs, "list", "--model", "new-model")
    assert (row["input_usd_per_mtok"], row["freshness"]) == ("0.2000000", "stale")
    assert _one(verbs, "list", "--model", "some/varying")["reason"]


@pytest.mark.parametrize("argv", [(), ("missing.json",), ("--genai", "file.json")])
def test_an_update_without_a_catalogue_is_refused(verbs: MadeHost, argv: tuple[str, ...]) -> None:
    code, _, err = verbs.run("prices", "update", *argv)
    assert code == 2
    assert err.startswith("inferctl: ")


def test_options_name_fields_of_the_table() -> None:
    from backends.domain.prices.prices import ApiPrice

    assert set(prices.TOKEN_PRICES.values()) <= set(ApiPrice.__slots__)
