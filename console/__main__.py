"""``inferctl``: opens the console, or hands a verb to the command line."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.problem import Problem, UsageProblem
from console.cli.main import INTERRUPTED, refused, report, run_verb
from console.cli.parser import build_parser

if TYPE_CHECKING:
    from backends.operations.demo import Play
    from backends.operations.host import Host

# Textual and what the screens need load only once there is a terminal to draw on: every other verb
# and --help answer without them.


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.read_only and arguments.verb:
        return report(UsageProblem("--read-only is of the console alone, and of no verb"))
    screen = SCREENS.get(arguments.verb)
    if screen is None:
        return run_verb(arguments)
    try:
        screen(arguments)
    except Problem as problem:
        return report(problem)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return report(refused(error))
    return 0


def open_console(arguments: argparse.Namespace) -> None:
    """Open the console on this host, or the welcome where nothing is configured.

    To one that only shows the welcome has nothing to offer.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageProblem: there is no terminal to draw on.
    """
    from console.tui.terminal import draw, take_terminal

    take_terminal("inferctl status --json")
    from backends.operations.host import this_host
    from backends.operations.watched import first_watched
    from console.tui.app import InferctlApp

    host = this_host()
    app = InferctlApp(host, first_watched(host))
    if arguments.read_only:
        app.context = replace(app.context, read_only=True)
    if draw(app):
        open_demo()


def demo(arguments: argparse.Namespace) -> None:
    """Open the console over a simulated host, and leave nothing of it unless it is to be kept.

    A demo that is kept needs no terminal: verbs reach it.

    Raises:
        UsageProblem: there is no such failure, no terminal to draw on, or another demo is kept.
        NotFound: none is kept that could be removed.
    """
    from backends.domain.start import FailureKind
    from backends.operations.demo import Play, keep_demo, remove_demo
    from backends.operations.host import this_host
    from console.cli.output import say, show
    from console.tui.terminal import has_terminal, take_terminal

    if arguments.fail and arguments.fail not in set(FailureKind):
        kinds = ", ".join(FailureKind)
        raise UsageProblem(f"no failure is called {arguments.fail}; there are {kinds}")
    if arguments.scene:
        play_scene(arguments)
        return
    play = Play(arguments.speed, arguments.fail)
    if arguments.remove:
        say(f"{remove_demo()} is removed, and everything of it has ended")
    elif arguments.keep:
        home = keep_demo(play)
        if has_terminal():
            take_terminal("inferctl status --json")
            draw_demo(this_host())
        show(f"export INFERCTL_HOME={shlex.quote(str(home))}")
        say("SIMULATED: with it every verb reaches the demo; `inferctl demo --remove` ends it")
    else:
        take_terminal("inferctl demo --keep")
        open_demo(play)


def play_scene(arguments: argparse.Namespace) -> None:
    """Open the demo with a scene of it, whose keys are pressed by itself.

    Raises:
        UsageProblem: there is no such scene, it is to be kept, or no terminal to draw on.
    """
    from console.tui.terminal import draw, take_terminal

    take_terminal("inferctl demo --keep")
    from backends.operations.demo import simulated_host
    from console.tui.scenes import SCENES, SceneApp

    scene = SCENES.get(arguments.scene)
    if scene is None or arguments.keep or arguments.remove or arguments.fail:
        scenes = "; ".join(f"{name}: {each.says}" for name, each in SCENES.items())
        raise UsageProblem(f"--scene takes one name, and --speed beside it. {scenes}")
    with simulated_host(replace(scene.play, speed=arguments.speed)) as host:
        draw(SceneApp(host, scene))


def open_demo(play: "Play | None" = None) -> None:
    """Open the console over a simulated host that is gone afterwards."""
    from backends.operations.demo import Play, simulated_host

    with simulated_host(play or Play()) as host:
        draw_demo(host)


def draw_demo(host: "Host") -> None:
    """Draw the console over a simulated host until it is left."""
    from backends.operations.demo_supervisor import SERVER
    from backends.servers.listing import server_pids
    from console.tui.app import InferctlApp
    from console.tui.terminal import draw

    runs = SERVER in server_pids(host.state_folder)
    draw(InferctlApp(host, SERVER, start_at_once=not runs))


def replay(arguments: argparse.Namespace) -> None:
    """Open the console over a recorded journal, marked REPLAY.

    Raises:
        Problem: the file cannot be read or holds no fact, or there is no terminal to draw on.
    """
    from backends.operations.host import this_host
    from console.tui.replay import ReplayApp, read_recording
    from console.tui.terminal import draw, take_terminal

    facts = read_recording(Path(arguments.file))
    take_terminal("inferctl export")
    draw(ReplayApp(this_host(), facts, arguments.speed))


SCREENS: dict[str | None, Callable[[argparse.Namespace], None]] = {
    None: open_console,
    "demo": demo,
    "replay": replay,
}
"""What draws on the terminal, by its verb; None is ``inferctl`` alone."""


if __name__ == "__main__":
    sys.exit(main())
