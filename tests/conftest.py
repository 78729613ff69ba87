"""What every test may rely on: no configuration, state, colours or size of this machine.

Nor a signal that `nohup` or a shell's background job ignores: children would ignore it too.
"""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.docker_host import docker, docker_daemon
from tests.marking import mark

__all__ = ["docker", "docker_daemon"]

SHARED = Path(__file__).resolve().parents[2] / "shared"

signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Hypothesis chooses `ci` by itself where the variable CI is set; the others are named on the
# command line by --hypothesis-profile. A busy machine is no failure: no profile has a deadline.
settings.register_profile("default", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=5)
settings.register_profile("ci", deadline=None, max_examples=300, derandomize=True, database=None)
settings.register_profile("fuzz", deadline=None, max_examples=5000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what no test says of itself: where it stands and which fixtures it uses.

    What is slow begins first, so that no worker waits for another that has the slow ones left.
    """
    for item in items:
        mark(item)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def shared() -> Path:
    """The folder of reference material beside the checkout; its tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside this checkout")
    return SHARED


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "xdg" / kind.lower()))
    # A worker of pytest-xdist has COLUMNS and LINES, which outrank the size of a true terminal.
    sizes, home = ("COLUMNS", "LINES"), "INFERCTL_HOME"
    for name in ("NO_COLOR", "TEXTUAL_THEME", "HF_TOKEN", "HF_HOME", "VLLM_API_KEY", home, *sizes):
        monkeypatch.delenv(name, raising=False)
