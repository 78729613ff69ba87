"""Asks before money is spent or a server is stopped, where somebody is there to answer."""

import sys

from backends.problem import Problem, UsageProblem
from console.cli.output import ask, say


def agree(what: str, cost: str, *, asked_before: bool) -> None:
    """Say what something costs in money or requests, and go on only with a yes.

    Raises:
        UsageProblem: nobody can answer, and ``--yes`` was not given.
        Problem: the answer was no.
    """
    say(f"{what}: {cost}")
    if asked_before:
        return
    if not sys.stdin.isatty():
        raise UsageProblem(f"{what} is asked about; say --yes where nobody can answer")
    if ask("run it? [y/N]").lower() not in {"y", "yes"}:
        raise Problem("not run")
