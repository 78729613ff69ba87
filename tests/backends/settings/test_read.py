from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import settings as testing
from hypothesis import strategies as st

from backends.settings.config import Endpoint, KeySource, Limits, Profile, Settings, TokenPrices
from backends.settings.faults import ConfigError, Fault
from backends.settings.read import (
    BILLING_KEYS,
    ENDPOINT_KEYS,
    LIMITS_KEYS,
    SERVER_KEYS,
    TOP_KEYS,
    parse_settings,
    read_settings,
)

FILE = Path("config.toml")

FULL = """\
theme = "nord"

[server.gpt-oss]
model = "openai/gpt-oss-120b"
vllm = "/opt/venv/bin/vllm"
args = ["--max-model-len", "32768"]
port = 8001
host = "0.0.0.0"
gpu_usd_per_hour = "1.88"
gpu_price_as_of = 2026-11-20
environment = { VLLM_LOGGING_LEVEL = "DEBUG" }
api_key_env = "VLLM_KEY"
served_name = "big"

[endpoint.serverless]
base_url = "https://inference.example/v1/"
model = "openai-gpt-oss-120b"
api_key_file = "~/key"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
fee_percent = "5.5"
price_as_of = "2026-11-21"

[limits]
ttft_p99_s = 1

[billing]
granularity_s = 3600
since = 2026-11-21T08:00:00Z
budget_usd_per_day = "50"

[keys]
"server.start" = "S"
server.stop = "x,ctrl+x"
"""


def faults(toml: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(toml, FILE)
    return caught.value.faults


def test_every_key_arrives_as_its_value() -> None:
    settings = parse_settings(FULL, FILE)
    assert settings.theme == "nord"
    assert settings.servers == (
        Profile(
            name="gpt-oss",
            model="openai/gpt-oss-120b",
            vllm="/opt/venv/bin/vllm",
            args=("--max-model-len", "32768"),
            port=8001,
            host="0.0.0.0",
            gpu_usd_per_hour=Decimal("1.88"),
            gpu_price_as_of=date(2026, 11, 20),
            environment=(("VLLM_LOGGING_LEVEL", "DEBUG"),),
            api_key_env="VLLM_KEY",
            served_name="big",
        ),
    )
    assert settings.endpoints == (
        Endpoint(
            name="serverless",
            base_url="https://inference.example/v1",
            model="openai-gpt-oss-120b",
            api_key=KeySource("file", "~/key"),
            prices=TokenPrices(
                input_usd_per_mtok=Decimal("0.10"),
                output_usd_per_mtok=Decimal("0.70"),
                fee_percent=Decimal("5.5"),
                as_of=date(2026, 11, 21),
            ),
        ),
    )
    assert settings.limits == Limits(ttft_p99_s=1.0)
    assert settings.billing.since == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert settings.billing.granularity_s == 3600
    assert settings.billing.budget_usd_per_day == Decimal(50)
    assert dict(settings.keys) == {"server.start": "S", "server.stop": "x,ctrl+x"}


def test_no_file_is_the_default_configuration(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "config.toml") == Settings()


SERVER = '[server.a]\nmodel = "m"\n'
ENDPOINT = '[endpoint.e]\nmodel = "m"\n'
PRICE = "gpu_usd_per_hour"


@pytest.mark.parametrize(
    ("toml", "key", "line", "what", "remedy"),
    [
        ('[server.a]\nmodle = "m"\nmodel = "m"', "server.a.modle", 2, "unknown", "mean model?"),
        ('[server.a]\nmodle = "m"', "server.a.modle", 2, "unknown", "mean model?"),
        ('[sever.a]\nmodel = "m"', "sever", 1, "unknown", "mean server?"),
        ("[server.a]\nport = 8000", "server.a", 1, "lacks model", "model ="),
        ('[server.a]\nmodel = ""', "server.a.model", 2, "empty", "give a value"),
        ("[server.a]\nmodel = 7", "server.a.model", 2, "whole number", "double quotes"),
        ('[server.a]\nmodel = "a\\u001b[2J"', "server.a.model", 2, "control", "plain text"),
        ('[server."a/../b"]\nmodel="m"', "server.a/../b", 1, "usable name", "letters"),
        ("server = 1", "server", 1, "not a table", "[server.NAME]"),
        ("[server]\na = 1", "server.a", 2, "not a table", "[server.NAME]"),
        (ENDPOINT, "endpoint.e", 1, "lacks base_url", "add"),
        ('[limits]\nttft_p99_s = "1"', "limits.ttft_p99_s", 2, "a string", "1.0"),
        ("[limits]\nttft_p99_s = 0", "limits.ttft_p99_s", 2, "not a duration", "above zero"),
        ("[limits]\nttft_p99_s = nan", "limits.ttft_p99_s", 2, "not a duration", "above zero"),
        ("[limits]\nttft_p99_ms = 1", "limits.ttft_p99_ms", 2, "unknown", "ttft_p99_s?"),
        ("[billing]\ngranularity_s = 1.5", "billing.granularity_s", 2, "not whole", "3600"),
        ('[billing]\nsince = "0001-01-01T00:00:00+14:00"', "billing.since", 2, "year 1,", '"boot"'),
        ("[billing]\nsince = 9999-12-31T23:00:00-14:00", "billing.since", 2, "year 9999,", "Z"),
        ('[billing]\nsince = "yesterday"', "billing.since", 2, "yesterday", '"boot"'),
        ("[billing]\nsince = 2026-11-21T08:00:00", "billing.since", 2, "no offset", "Z"),
        ("[keys]\nstart = 5", "keys.start", 2, "whole number", "quotes"),
        ('[keys]\nstart = "a b"', "keys.start", 2, "no key", "ctrl+s"),
        ("theme = 1", "theme", 1, "whole number", "quotes"),
        ("limits = 1", "limits", 1, "not a table", "[limits]"),
        ("[server.a]\nmodel = m", "", 2, "column 9", "double quotes"),
        ("a = 1\na = 2", "", 2, "Cannot overwrite", "correct"),
    ],
)
def test_a_fault_is_told_with_its_place_and_remedy(
    toml: str, key: str, line: int, what: str, remedy: str
) -> None:
    (fault,) = faults(toml)
    assert (fault.file, fault.key, fault.line) == (FILE, key, line)
    assert what in fault.what
    assert remedy in fault.remedy
    assert str(fault).startswith(f"config.toml:{line}: ")


@pytest.mark.parametrize(
    ("line", "key", "what", "remedy"),
    [
        ('port = "80"', "port", "a string", "port = 8000"),
        ("port = 0", "port", "not a TCP port", "65535"),
        ("port = 70000", "port", "not a TCP port", "65535"),
        ("port = true", "port", "true or false", "8000"),
        ('host = "http://x"', "host", "not an address", "127"),
        ('args = "--seed 1"', "args", "one string", "word"),
        ('args = ["--seed", 1]', "args", "item 2", '"1"'),
        ("args = 5", "args", "whole number", "write"),
        ('args = ["--api-key", "k"]', "args", "process table", "api_key_env"),
        ('args = ["--api_key=k"]', "args", "process table", "api_key_env"),
        ('args = ["--hf-token", "k"]', "args", "process table", "HF_TOKEN"),
        ('args = ["--port=1"]', "args", "--port", "set port"),
        ('args = ["--api-k=k"]', "args", "--api-key", "api_key_env"),
        ('args = ["--hf_tok", "k"]', "args", "--hf-token", "HF_TOKEN"),
        ('args = ["--served_model=x"]', "args", "--served-model-name", "set served_name"),
        (f"{PRICE} = 1.88", PRICE, "bare", '"1.88"'),
        (f"{PRICE} = 2", PRICE, "bare", '"2"'),
        (f'{PRICE} = "1.88$"', PRICE, "1.88$", '"1.88"'),
        (f'{PRICE} = "-1"', PRICE, "-1", "without sign"),
        (f'{PRICE} = "1,88"', PRICE, "1,88", "a dot"),
        (f'{PRICE} = "NaN"', PRICE, "NaN", "digits"),
        (f'{PRICE} = "1e3"', PRICE, "1e3", "digits"),
        ('gpu_price_as_of = "soon"', "gpu_price_as_of", "not a date", "2026"),
        ('api_key = "sk-1"', "api_key", "secret", "api_key_env"),
        ('api_key_env = "sk-1"', "api_key_env", "not the name", "not the key"),
        ('environment = { HF_TOKEN = "x" }', "environment", "HF_TOKEN", "environment from"),
        ("environment = { A = 1 }", "environment", "whole number", "quotes"),
        ('environment = { "A-B" = "1" }', "environment", "not a variable", "rename"),
    ],
)
def test_a_fault_of_a_server(line: str, key: str, what: str, remedy: str) -> None:
    (fault,) = faults(SERVER + line)
    assert (fault.key, fault.line) == (f"server.a.{key}", 3)
    assert what in fault.what
    assert remedy in fault.remedy


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ('base_url = "ftp://x"', "not an http", "https://"),
        ('base_url = "https://u:p@x/v1"', "password", "api_key_env"),
        ('base_url = "https://"', "no host", "https://"),
        ('base_url = "https://x:99999"', "not an address", "https://"),
        ('base_url = "https://x/v1?key=1"', "query", "remove"),
        ('base_url = "https://bücher.example/v1"', "beyond ASCII", "xn--"),
    ],
)
def test_a_fault_of_an_address(line: str, what: str, remedy: str) -> None:
    (fault,) = faults(ENDPOINT + line)
    assert (fault.key, fault.line) == ("endpoint.e.base_url", 3)
    assert what in fault.what
    assert remedy in fault.remedy


def test_a_relative_key_file_is_a_fault() -> None:
    (fault,) = faults(f'{ENDPOINT}base_url = "https://x"\napi_key_file = "key"')
    assert (fault.key, fault.remedy) == ("endpoint.e.api_key_file", 'write "~/key"')


def test_two_sources_of_a_key_are_a_fault() -> None:
    toml = f'{ENDPOINT}base_url = "https://x"\napi_key_env = "A"\napi_key_file = "/b"'
    (fault,) = faults(toml)
    assert (fault.key, fault.line) == ("endpoint.e.api_key_file", 5)


def test_a_server_and_an_endpoint_do_not_share_a_name() -> None:
    (fault,) = faults(f'[server.e]\nmodel = "m"\n{ENDPOINT}base_url = "https://x"')
    assert (fault.key, fault.line) == ("endpoint.e", 3)


def test_all_faults_are_told_in_the_order_of_the_file() -> None:
    toml = '[limits]\nttft_p99_s = 0\n\n[server.a]\nport = 0\n\n[endpoint.e]\nmodel = ""\n'
    found = faults(toml)
    assert [fault.key for fault in found] == [
        "limits.ttft_p99_s",
        "server.a",
        "server.a.port",
        "endpoint.e",
        "endpoint.e.model",
    ]
    assert str(ConfigError(found)).endswith("(and 4 more)")


def test_a_secret_in_the_configuration_is_not_repeated_in_its_fault() -> None:
    toml = '[endpoint.e]\nmodel="m"\nbase_url="https://x"\napi_key="sk-very-secret"\n'
    assert "very-secret" not in str(faults(toml)[0])
    pasted = toml.replace("api_key=", "api_key_env=")
    assert "very-secret" not in str(faults(pasted)[0])


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["not utf-8", "a folder"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    assert caught.value.faults[0].file == path


def test_deep_nesting_is_a_fault() -> None:
    (fault,) = faults("a = " + "[" * 5000)
    assert "nested too deeply" in fault.what


SCALARS = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes()
)
WORDS = st.sampled_from(
    (*TOP_KEYS, *SERVER_KEYS, *ENDPOINT_KEYS, *LIMITS_KEYS, *BILLING_KEYS, "a", "b")
)


@testing(deadline=None)
@given(st.text())
def test_any_text_is_settings_or_a_config_error(toml: str) -> None:
    try:
        parse_settings(toml, FILE)
    except ConfigError as error:
        told = [str(fault) for fault in error.faults]
        assert told


@testing(deadline=None)
@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict))
)
def test_any_document_is_settings_or_a_config_error(document: dict[str, object]) -> None:
    try:
        parse_settings(tomlkit.dumps(document), FILE)
    except ConfigError as error:
        silent = [fault for fault in error.faults if not (fault.what and fault.remedy)]
        assert not silent
