"""``inferctl``: opens the console, or hands a verb to the command line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.problem import Problem, UsageProblem
from console.cli.main import INTERRUPTED, refused, report, run_verb
from console.cli.parser import build_parser

# Textual and what the screens need load only once there is a terminal to draw on: every other verb
# and --help answer without them.


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = build_parser().parse_args(argv)
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


def open_console(_: argparse.Namespace) -> None:
    """Open the console on this host, or the welcome where nothing is configured.

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
    if draw(InferctlApp(host, first_watched(host))):
        open_demo()


def demo(arguments: argparse.Namespace) -> None:
    """Open the console over a simulated host, and leave nothing of it.

    Raises:
        UsageProblem: there is no such failure, or no terminal to draw on.
    """
    from backends.domain.start import FailureKind
    from console.tui.terminal import take_terminal

    if arguments.fail and arguments.fail not in set(FailureKind):
        kinds = ", ".join(FailureKind)
        raise UsageProblem(f"no failure is called {arguments.fail}; there are {kinds}")
    take_terminal("inferctl status --json")
    open_demo(arguments.speed, arguments.fail)


def open_demo(speed: float = 1.0, failure: str | None = None) -> None:
    """Open the console over a simulated host; see `simulated_host` for the arguments."""
    from backends.operations.demo import simulated_host
    from backends.operations.demo_supervisor import SERVER
    from console.tui.app import InferctlApp
    from console.tui.terminal import draw

    with simulated_host(speed, failure) as host:
        draw(InferctlApp(host, SERVER, start_at_once=True))


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
