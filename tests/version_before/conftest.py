"""The command line of this version, over what the version before left."""

from pathlib import Path

import pytest

from tests.console.cli.conftest import cli
from tests.console.conftest import _nobody_else
from tests.version_before.earlier import COMMIT, EarlierVersion, earlier_version

__all__ = ["_nobody_else", "cli"]


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> EarlierVersion:
    """Unpack the version before; a checkout without it, such as a shallow one, skips its tests."""
    version = earlier_version(tmp_path_factory.mktemp("version_before"))
    if version is None:
        pytest.skip(f"this checkout does not hold {COMMIT[:7]}, the version before")
    return version


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder under which this test's configuration, state and cache are."""
    return tmp_path / "xdg"
