"""Who gives an order: user, terminal, and from where."""

import pytest

from backends.host.who import ordered_by


def test_it_names_user_terminal_and_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ana")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50222 10.0.0.1 22")
    monkeypatch.setattr("os.ttyname", lambda _: "/dev/pts/3")
    assert ordered_by().endswith("(sudo by ana), pts/3, from 10.0.0.7")


def test_without_a_terminal_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: int) -> str:
        raise OSError

    for name in ("SUDO_USER", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.ttyname", none)
    assert ordered_by().endswith(", no terminal")
