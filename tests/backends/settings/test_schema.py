"""The JSON Schema of the configuration: it knows every key, and what the reader takes, it takes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from backends.settings.config import Settings
from backends.settings.faults import ConfigError
from backends.settings.read import TOP_KEYS, parse_settings
from backends.settings.schema import config_schema

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
SERVER = '[server.a]\nmodel = "m"\n'
ENDPOINT = '[endpoint.a]\nbase_url = "http://127.0.0.1:1"\nmodel = "m"\n'


def as_json(toml: str) -> Any:
    return json.loads(json.dumps(tomllib.loads(toml), default=str))


def validate(toml: str) -> None:
    Draft202012Validator(config_schema()).validate(as_json(toml))


def test_it_is_a_schema_and_has_every_table() -> None:
    Draft202012Validator.check_schema(config_schema())
    assert tuple(config_schema()["properties"]) == TOP_KEYS


def test_the_configuration_that_is_printed_fits() -> None:
    written = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert written is not None
    assert parse_settings(written[1], Path("config.toml")) != Settings()
    validate(written[1])


@pytest.mark.parametrize(
    "toml",
    [
        "[server.a]\n",
        SERVER + "port = 0\n",
        SERVER + 'port = "8000"\n',
        SERVER + 'args = "--seed 1"\n',
        SERVER + "gpu_usd_per_hour = 1.88\n",
        SERVER + 'gpu_usd_per_hour = "1,88"\n',
        SERVER + 'runtime = "lxc"\n',
        SERVER + 'modle = "m"\n',
        '[server."a b"]\nmodel = "m"\n',
        '[endpoint.a]\nmodel = "m"\n',
        ENDPOINT + "headers = { X = { env = 3 } }\n",
        ENDPOINT + 'api = "grpc"\n',
        ENDPOINT + "serves = []\n",
        ENDPOINT + "api_key_command = []\n",
        "[limits]\nttft_p99_s = 0\n",
        "[billing]\ngpus = 0\n",
        "[agent]\nenabled = 1\n",
        "[plan]\ngpu_usd_per_hour = 1\n",
        "[nonsense]\n",
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(toml: str) -> None:
    with pytest.raises(ConfigError):
        parse_settings(toml, Path("config.toml"))
    with pytest.raises(ValidationError):
        validate(toml)
