import os
from pathlib import Path

import pytest

from backends.settings.paths import (
    UntrustedFolder,
    config_file,
    existing_state_folder,
    history_file,
    state_folder,
)


def test_the_environment_is_read_at_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "two"):
        home = tmp_path / folder
        for kind in ("CONFIG", "STATE"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind))
        assert config_file() == home / "CONFIG" / "inferctl" / "config.toml"
        assert history_file() == home / "STATE" / "inferctl" / "history.sqlite"


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


def test_a_link_in_place_of_the_state_folder_is_neither_followed_nor_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    victim = tmp_path / "victim"
    victim.mkdir()
    victim.chmod(0o755)
    (tmp_path / "inferctl").symlink_to(victim)
    with pytest.raises(UntrustedFolder, match="symbolic link"):
        state_folder()
    assert existing_state_folder() is None
    assert victim.stat().st_mode & 0o777 == 0o755
    assert list(victim.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_state_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "inferctl"
    folder.mkdir(mode=0o755)
    os.chown(folder, 4711, 4711)
    with pytest.raises(UntrustedFolder, match=r"belongs to user 4711 .* as user 0"):
        state_folder()
    assert existing_state_folder() is None
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_makes_no_state_folder_in_the_home_of_who_called_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 4711, 4711)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".local" / "state"))
    monkeypatch.setenv("SUDO_UID", "4711")
    with pytest.raises(UntrustedFolder, match="sudo -H"):
        state_folder()
    assert list(home.iterdir()) == []
    monkeypatch.setenv("SUDO_UID", "4712")
    assert state_folder().is_dir()
