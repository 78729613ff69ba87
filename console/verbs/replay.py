"""``inferctl replay FILE``: the console over a recorded journal, marked REPLAY."""

import argparse
from pathlib import Path

from console.verbs.terminal import draw, take_terminal


def run(arguments: argparse.Namespace) -> int:
    """Open the console over what was recorded.

    Raises:
        Problem: the file cannot be read or holds no fact, or there is no terminal to draw on.
    """
    from console.replay import ReplayApp, read_recording
    from console.this_host import this_host

    facts = read_recording(Path(arguments.file))
    take_terminal("inferctl export")
    draw(ReplayApp(this_host(), facts, arguments.speed))
    return 0
