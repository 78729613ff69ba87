"""What every test may rely on: no configuration, no state, no colour setting of the machine.

Nor a signal that `nohup` or a shell's background job ignores: children would ignore it too.
"""

import signal
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


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
    for name in ("NO_COLOR", "TEXTUAL_THEME", "HF_TOKEN", "HF_HOME", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
