"""How an endpoint is asked: header fields, query, body, key; never a secret in the file."""

import sys
from pathlib import Path
from typing import Any

import pytest

from backends.operations import ab
from backends.prober.origin import header_lines, origin_of, request_bytes
from backends.settings import secrets
from backends.settings.config import EnvValue, Settings
from backends.settings.endpoint_reference import resolve_endpoint
from backends.settings.faults import ConfigError
from backends.settings.presets import left_out, preset, presets
from backends.settings.read import parse_settings
from backends.settings.secrets import SecretUnavailable

FILE = Path("config.toml")
HEAD = '[endpoint.e]\nbase_url = "http://127.0.0.1:9/openai/deployments/d"\nmodel = "m"\n'


def settings(toml: str) -> Settings:
    return parse_settings(HEAD + toml, FILE)


def sent(toml: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, Any]:
    """The head of the request that such an endpoint gets, and its target."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (target,) = ab.targets(["e"], settings(toml))
    request = request_bytes(origin_of(target.base_url), target, header_lines(target), {})
    return request.decode().partition("\r\n\r\n")[0], target


def test_azures_path_query_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    toml = 'auth = "api-key"\nquery = { api-version = "2024-10-21" }\napi_key_env = "K"'
    head, _ = sent(toml, monkeypatch, K="sk-12345678")
    lines = head.split("\r\n")
    path = "/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert lines[0] == f"POST {path} HTTP/1.1"
    assert "api-key: sk-12345678" in lines
    assert "Authorization" not in head


def test_header_fields_from_the_file_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    toml = 'headers = { X-Tenant = "a", Modal-Key = { env = "MK" } }'
    head, target = sent(toml, monkeypatch, MK="wk-12345678")
    assert "X-Tenant: a\r\n" in head + "\r\n"
    assert "Modal-Key: wk-12345678" in head
    assert target.secrets == ("wk-12345678",)
    assert "wk-12345678" not in repr(target)
    assert settings(toml).key_variables == {"MK"}


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        ("bearer", "Authorization: Bearer sk-12345678"),
        ("api-key", "api-key: sk-12345678"),
        ("x-goog-api-key", "x-goog-api-key: sk-12345678"),
        ("none", None),
    ],
)
def test_each_way_to_send_the_key(
    auth: str, line: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, _ = sent(f'auth = "{auth}"\napi_key_env = "K"', monkeypatch, K="sk-12345678")
    assert (line is None) == ("sk-12345678" not in head)
    assert line is None or line in head


@pytest.mark.parametrize(
    ("api", "path"),
    [("chat", "chat/completions"), ("completions", "completions"), ("responses", "responses")],
)
def test_each_interface_has_its_path(api: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    head, _ = sent(f'api = "{api}"', monkeypatch)
    assert head.startswith(f"POST /openai/deployments/d/{path} HTTP")


def test_fields_of_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    toml = (
        'reasoning_effort = "low"\nprovider = ["deepinfra"]\n'
        "extra_body = { top_k = 20, chat_template_kwargs = { enable_thinking = false } }"
    )
    _, target = sent(toml, monkeypatch)
    assert target.extra == {
        "reasoning_effort": "low",
        "provider": {"order": ["deepinfra"], "allow_fallbacks": False},
        "top_k": 20,
        "chat_template_kwargs": {"enable_thinking": False},
    }


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('headers = { Authorization = "Bearer x" }', "env = "),
        ('headers = { X-Api-Key = "x" }', "env = "),
        ('headers = { Cookie = "x" }', "env = "),
        ('headers = { Host = "x" }', "follows from the request"),
        ('headers = { "a b" = "x" }', "not a name of a header field"),
        ('headers = { X = "a\\r\\nb" }', "characters"),
        ("headers = { X = 1 }", "not a string"),
        ('headers = "x"', "not a table"),
        ('query = { key = "x" }', "secret"),
        ("query = { v = 1 }", "not a string"),
        ('extra_body = { model = "x" }', "every request sets itself"),
        ('extra_body = { a = { api_key = "x" } }', "secret"),
        ('auth = "a b"', "not a name of a header field"),
        ('api = "chats"', "chat, completions, responses"),
        ('api_key_command = "gcloud"', "list of strings"),
        ("api_key_command = []", "list of strings"),
        ('api_key_command = ["a"]\napi_key_env = "K"', "are both set"),
        ("provider = 3", "not names"),
    ],
)
def test_what_does_not_fit_is_a_fault_with_its_remedy(toml: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(toml)


def test_a_missing_variable_of_a_header_is_named() -> None:
    configured = settings('headers = { Modal-Key = { env = "NOT_SET" } }')
    with pytest.raises(SecretUnavailable, match="Modal-Key: the variable NOT_SET is not set"):
        resolve_endpoint("e", configured, {})


def _printing(folder: Path, text: str, code: int = 0) -> str:
    """A command that counts how often it ran, and prints."""
    script = folder / "print_key.py"
    script.write_text(
        f"import pathlib, sys\npath = pathlib.Path({str(folder / 'runs')!r})\n"
        f"path.write_text((path.read_text() if path.exists() else '') + 'x')\n"
        f"print({text!r})\nprint('no login', file=sys.stderr)\nsys.exit({code})\n"
    )
    return f'api_key_command = ["{sys.executable}", "{script}"]'


def test_a_commands_key_is_kept_until_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_printed", {})
    configured = settings(_printing(tmp_path, "ya29.token"))
    for _ in range(3):
        target = resolve_endpoint("e", configured)
        assert target.secret is not None
        assert target.secret.reveal() == "ya29.token"
    assert (tmp_path / "runs").read_text() == "x"
    endpoint = configured.endpoint("e")
    assert endpoint is not None
    secrets.forget_printed(endpoint.api_key)
    resolve_endpoint("e", configured)
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_commands_key_is_printed_again_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_printed", {})
    monkeypatch.setattr(secrets, "COMMAND_KEY_S", 0.0)
    configured = settings(_printing(tmp_path, "ya29.token"))
    resolve_endpoint("e", configured)
    resolve_endpoint("e", configured)
    assert (tmp_path / "runs").read_text() == "xx"


def test_a_command_that_fails_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_printed", {})
    configured = settings(_printing(tmp_path, "ya29.token", code=1))
    with pytest.raises(SecretUnavailable, match="ended with exit code 1: no login; run it") as said:
        resolve_endpoint("e", configured)
    assert "ya29" not in str(said.value)
    with pytest.raises(SecretUnavailable, match="not found; install it"):
        resolve_endpoint("e", settings('api_key_command = ["/no/such/program"]'))


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_table_that_can_be_read(name: str) -> None:
    row = preset(name)
    assert row.source
    assert row.title
    lines = [f"{key} = {_toml(value)}" for key, value in row.values.items()]
    table = "\n".join(["[endpoint.e]", 'model = "m"', *lines])
    endpoint = parse_settings(table, FILE).endpoint("e")
    assert endpoint is not None
    values = [value for _, value in endpoint.form.headers]
    assert all(isinstance(value, EnvValue) for value in values)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"'


def test_what_has_no_preset_says_why() -> None:
    assert len(presets()) >= 22
    assert left_out()
    assert preset("azure-deployment").to_fill_in == ("RESOURCE", "DEPLOYMENT")
    assert preset("vertex").to_fill_in == ("LOCATION", "PROJECT")
