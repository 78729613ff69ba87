"""``inferctl`` without a verb: the console, or the welcome where nothing is configured."""

import argparse

from console.verbs.terminal import draw, take_terminal


def run(_: argparse.Namespace) -> int:
    """Open the console on this host.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageProblem: there is no terminal to draw on.
    """
    take_terminal("inferctl status --json")
    from console import watching
    from console.app import InferctlApp
    from console.this_host import this_host

    machine = this_host()
    app = InferctlApp(machine, watching.first(machine))
    left_for_demo = draw(app)
    if unwritten := app.history.unwritten:
        from console.verbs.recording import unwritten_text
        from console.verbs.report import say

        say(unwritten_text(unwritten, app.history.problem))
    if left_for_demo:
        from console.verbs.demo import open_demo

        open_demo()
    return 0
