"""Whether there is a terminal that the console can be drawn on."""

import sys

from backends.problem import UsageProblem


def need_terminal() -> None:
    """Return where there is one.

    Raises:
        UsageProblem: stdin or stdout is a file or a pipe.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageProblem(
            "the console needs a terminal; for scripts there is: inferctl status --json"
        )
