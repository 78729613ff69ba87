"""Scenes of the demo: played to their end without a person, and named on the command line."""

from dataclasses import replace

import pytest

from backends.domain.server import ServerState
from backends.host.home import is_simulated
from backends.operations.demo import simulated_host
from console.cli.parser import build_parser
from console.tui.scenes import SCENES, SceneApp
from console.tui.views.keys import state_of
from tests.console.conftest import until
from tests.console.tui.test_pictures import screen_text

pytestmark = [pytest.mark.slow, pytest.mark.process]


def test_the_help_names_every_scene(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert ", ".join(SCENES) in told


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("failure", "Fix (f): Set --max-model-len 61312"),
        ("crash", "Stopped unexpectedly"),
        ("crossover", "break-even"),
    ],
)
async def test_a_scene_comes_to_what_it_is_about(name: str, shown: str) -> None:
    scene = SCENES[name]
    with simulated_host(replace(scene.play, speed=60.0, traffic_rps=10.0)) as host:
        assert is_simulated(host.state_folder)
        app = SceneApp(host, scene)
        async with app.run_test(size=(120, 35)) as pilot:
            await until(pilot, lambda: state_of(app.session) is not None)
            await until(pilot, lambda: app.played)
            await until(pilot, lambda: shown in screen_text(app))
            ends = ServerState.READY if name == "crossover" else ServerState.FAILED
            assert state_of(app.session) is ends
    assert not host.state_folder.exists()
