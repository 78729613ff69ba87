import os
from pathlib import Path

import pytest

from backends.settings.paths import cache_folder, config_file, history_file, state_folder


def test_the_environment_is_read_at_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        home = tmp_path / folder
        for kind in ("CONFIG", "STATE", "CACHE"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind))
        assert config_file() == home / "CONFIG" / "inferctl" / "config.toml"
        assert history_file() == home / "STATE" / "inferctl" / "history.sqlite"
        assert cache_folder() == home / "CACHE" / "inferctl"


def test_without_xdg_variables_the_home_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_file() == tmp_path / ".config/inferctl/config.toml"
    assert state_folder() == tmp_path / ".local/state/inferctl"


def test_the_state_folder_is_private_even_if_it_was_not() -> None:
    umask = os.umask(0)
    try:
        assert state_folder().stat().st_mode & 0o777 == 0o700
        state_folder().chmod(0o755)
        assert state_folder().stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(umask)
