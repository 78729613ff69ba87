"""Which addresses only this machine can reach."""

import pytest

from backends.domain.address import base_url, is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("api.example", False),
    ],
)
def test_only_loopback_stays_on_this_machine(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_an_address_of_the_sixth_version_stands_in_brackets() -> None:
    assert base_url("::1", 8000) == "http://[::1]:8000/v1"
    assert base_url("127.0.0.1", 8000) == "http://127.0.0.1:8000/v1"
