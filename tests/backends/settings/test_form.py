"""Forms over the tables of the configuration: every key has its field, and text its value."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backends.domain.values import Unfit
from backends.settings.config import Settings
from backends.settings.form import NAME, Field, forms, values_at
from backends.settings.read import parse_settings
from backends.settings.schema import TABLES, config_schema

TOML = """
[server.a]
model = "m"
args = ["--max-model-len", "32768", "--hf-overrides", '{"a": 1}', "--enforce-eager"]
environment = { A = "1" }
[endpoint.e]
base_url = "http://127.0.0.1:1/v1"
model = "m"
headers = { X-A = "a", X-T = { env = "T" } }
price_as_of = 2026-11-01
provider = ["deepinfra"]
"""
SETTINGS = parse_settings(TOML, Path("config.toml"))


def fields(title: str, settings: Settings = SETTINGS) -> dict[str, Field]:
    return {
        each.key: each for form in forms(settings) if form.title == title for each in form.fields
    }


def test_every_key_of_every_table_has_a_field() -> None:
    found: dict[str, set[str]] = {}
    for form in forms(SETTINGS):
        found.setdefault(form.table[0], set()).update(each.key for each in form.fields)
    assert {name: keys - {NAME} for name, keys in found.items()} == {
        name: set(table.keys) for name, table in TABLES.items()
    }


def test_every_key_says_what_it_is_for() -> None:
    for name, table in TABLES.items():
        schema = config_schema()["properties"][name]
        keys = schema["additionalProperties"] if table.named else schema
        assert all(each["description"] for each in keys["properties"].values())


def test_a_form_is_offered_for_what_there_is() -> None:
    assert [each.title for each in forms(SETTINGS)] == [
        "Edit server profile a",
        "Add server profile",
        "Edit endpoint e",
        "Add endpoint",
        "Price of a",
        "Price of e",
        "Latency limits",
        "Budget and billing",
        "Source of past traffic",
        "Agent",
    ]
    assert set(fields("Price of a")) == {"gpu_usd_per_hour", "gpu_price_as_of"}


@pytest.mark.parametrize(
    ("title", "key", "shown"),
    [
        (
            "Edit server profile a",
            "args",
            "--max-model-len 32768\n--hf-overrides '{\"a\": 1}'\n--enforce-eager",
        ),
        ("Edit server profile a", "environment", 'A = "1"'),
        ("Edit endpoint e", "headers", 'X-A = "a"\nX-T = { env = "T" }'),
        ("Edit endpoint e", "price_as_of", "2026-11-01"),
        ("Edit endpoint e", "provider", '["deepinfra"]'),
    ],
)
def test_a_value_is_shown_as_text_and_read_back(title: str, key: str, shown: str) -> None:
    field = fields(title)[key]
    kind, name = title.removeprefix("Edit ").split()[0], title.rsplit(" ", 1)[1]
    value = tomllib.loads(TOML)[kind][name][key]
    assert field.shown(value) == shown
    assert field.taken(shown) == value


@pytest.mark.parametrize(
    ("title", "key", "text", "value"),
    [
        ("Add server profile", "port", " 8001 ", 8001),
        ("Add server profile", "gpu_usd_per_hour", "1.88", "1.88"),
        ("Add server profile", "gpu_price_as_of", "2026-11-01", date(2026, 11, 1)),
        ("Add server profile", "port", "", None),
        ("Agent", "always", "true", True),
        ("Latency limits", "ttft_p99_s", "0.5", 0.5),
        ("Latency limits", "ttft_p99_s", "2", 2),
        ("Add endpoint", "provider", "deepinfra", "deepinfra"),
        ("Budget and billing", "since", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z"),
    ],
)
def test_a_text_gives_a_value(title: str, key: str, text: str, value: Any) -> None:
    assert fields(title)[key].taken(text) == value


@pytest.mark.parametrize(
    ("title", "key", "text", "said"),
    [
        ("Add server profile", "model", " ", "is empty"),
        ("Add server profile", "name", "a b", "is not a usable name"),
        (
            "Add server profile",
            "port",
            "80a",
            "is '80a', which is not a whole number; write it as 8000",
        ),
        ("Add server profile", "port", "70000", "not a TCP port"),
        ("Add server profile", "args", "--hf-overrides '{", "quotation mark"),
        ("Add server profile", "args", "--api-key sk-1", "every user of this host can read"),
        ("Add server profile", "environment", "A = 1", "not a string"),
        ("Add server profile", "environment", "A", "as TOML writes it"),
        ("Add server profile", "api_key_env", "sk-1", "is not the name of an environment variable"),
        (
            "Add server profile",
            "gpu_price_as_of",
            "yesterday",
            "not a date; write it as 2026-11-21",
        ),
        ("Latency limits", "ttft_p99_s", "nan", "not a duration"),
        ("Budget and billing", "budget_usd_per_day", "-1", "not a plain decimal number"),
    ],
)
def test_what_does_not_fit_is_a_sentence(title: str, key: str, text: str, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        fields(title)[key].taken(text)


def test_no_form_asks_for_a_key_itself() -> None:
    asked = {each.key for form in forms(SETTINGS) for each in form.fields}
    assert {each for each in asked if "key" in each} == {
        "api_key_env",
        "api_key_file",
        "api_key_keyring",
        "api_key_command",
    }


def test_hints_say_the_default_or_an_example() -> None:
    server = fields("Add server profile")
    assert server["port"].hint == "default 8000"
    assert server["gpu_usd_per_hour"].hint == "such as 0.50"
    assert server["model"].hint == "required"
    assert fields("Agent")["always"].hint == "default false"


def test_values_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert values_at(("server", "a"), path) == {}
    path.write_text('[server.a]\nport = "wrong"\n')
    assert values_at(("server", "a"), path) == {"port": "wrong"}
    assert values_at(("limits",), path) == {}
