import os
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from backends.settings.config import KeySource
from backends.settings.secrets import Secret, SecretUnavailable, resolve_secret

KEY = "sk-not-a-real-key"


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>5}".format])
def test_a_secret_shows_nothing(show: object) -> None:
    assert callable(show)
    assert KEY not in show(Secret(KEY))
    assert KEY not in show(SimpleNamespace(key=Secret(KEY)))


def test_a_secret_is_not_written_down() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY))


def test_a_key_comes_from_the_environment() -> None:
    assert resolve_secret(KeySource("env", "K"), {"K": f"{KEY}\n"}).reveal() == KEY


def test_a_key_comes_from_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    assert resolve_secret(KeySource("file", str(file))).reveal() == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(mode)
    with pytest.raises(SecretUnavailable, match=f"chmod 600 {file}") as caught:
        resolve_secret(KeySource("file", str(file)))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "not set; run: export K"),
        ({"K": "  "}, "empty"),
        ({"K": "two\r\nHeader: x"}, "no key has"),
        ({"K": "schlüssel"}, "no key has"),
    ],
)
def test_an_unusable_key_is_told_without_showing_it(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SecretUnavailable, match=said) as caught:
        resolve_secret(KeySource("env", "K"), environ)
    assert "Header" not in str(caught.value)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(SecretUnavailable, match="mode 0600"):
        resolve_secret(KeySource("file", "/nowhere/key"))


def test_a_keyring_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretUnavailable, match="install it or use api_key_env"):
        resolve_secret(KeySource("keyring", "inference"))


def test_a_key_comes_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {("inference", "inferctl"): KEY}
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, user: entries.get((service, user))  # type: ignore[attr-defined]
    keyring.errors = SimpleNamespace(KeyringError=RuntimeError)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert resolve_secret(KeySource("keyring", "inference")).reveal() == KEY
    with pytest.raises(SecretUnavailable, match="keyring set other inferctl"):
        resolve_secret(KeySource("keyring", "other"))


def test_a_key_that_a_pipe_should_hold_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "key"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(SecretUnavailable, match="is not a file"):
        resolve_secret(KeySource("file", str(pipe)))
