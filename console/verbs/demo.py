"""``inferctl demo``: the whole console over simulated processes."""

import argparse

from backends.domain.start import FailureKind
from backends.problem import UsageProblem
from console.verbs.terminal import draw, take_terminal


def run(arguments: argparse.Namespace) -> int:
    """Open the console over a simulated host, and leave nothing of it.

    Raises:
        UsageProblem: there is no such failure, or no terminal to draw on.
    """
    if arguments.fail and arguments.fail not in set(FailureKind):
        raise UsageProblem(
            f"no failure is called {arguments.fail}; there are {', '.join(FailureKind)}"
        )
    take_terminal("inferctl status --json")
    open_demo(arguments.speed, arguments.fail)
    return 0


def open_demo(speed: float = 1.0, failure: str | None = None) -> None:
    """Open the console over a simulated host; see `simulated_host` for the arguments."""
    from console.app import InferctlApp
    from console.caretaker import SERVER
    from console.demo import simulated_host

    with simulated_host(speed, failure) as machine:
        draw(InferctlApp(machine, SERVER, start_at_once=True))
