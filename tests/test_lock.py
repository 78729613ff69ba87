"""The lock file pins what the project asks for, and names no host that it came from."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
LOCK = (REPOSITORY / "requirements.lock").read_text()
PINNED = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", LOCK, re.MULTILINE))
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_is_pinned(asked: str) -> None:
    name, exact = re.match(r"([A-Za-z0-9-]+)(?:\[\w+\])?(?:==(.+))?", asked).groups()  # type: ignore[union-attr]
    assert name in PINNED
    assert exact in {None, PINNED[name]}


def test_it_names_no_host() -> None:
    assert "://" not in LOCK
