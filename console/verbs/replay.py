"""``inferctl replay FILE``: the console over a recorded journal, marked REPLAY."""

import argparse
import sys
from pathlib import Path

from backends.problem import UsageProblem


def run(arguments: argparse.Namespace) -> int:
    """Open the console over what was recorded.

    Raises:
        Problem: the file cannot be read or holds no fact, or there is no terminal to draw on.
    """
    from console.replay import ReplayApp, read_recording
    from console.this_host import this_host

    facts = read_recording(Path(arguments.file))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageProblem("a replay needs a terminal; for scripts there is: inferctl export")
    ReplayApp(this_host(), facts, arguments.speed).run()
    return 0
