"""Where exports go: a demo's folder is gone when it ends, what was written of it is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.server import ServerState
from tests.console.conftest import MadeHost, state, until


@pytest.mark.parametrize("simulated", [True, False])
async def test_a_demo_exports_to_the_current_directory(
    simulated: bool, made_host: MadeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    app = made_host.app()
    app.host = replace(app.host, simulated=simulated)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        await pilot.press("e")
        expected = here if simulated else made_host.folder / "exports"
        await until(pilot, lambda: bool(list(expected.glob("inferctl-*/session.json"))))
    assert bool(list(here.iterdir())) is simulated
