"""Runs one verb, and turns problems into exit codes."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from backends.problem import Problem
from console.cli import orphans

EXIT_CODES = {"failed": 1, "usage": 2, "not_found": 3}

INTERRUPTED = 130
"""What a shell shows for a program ended by SIGINT: 128 and the signal's number."""

ROOMS = {
    "start": "servers",
    "stop": "servers",
    "restart": "servers",
    "logs": "servers",
    "doctor": "host",
    "gpus": "host",
}
"""The module of each verb that shares one; every other verb has a module of its own name."""


def run_verb(arguments: argparse.Namespace) -> int:
    """Run the verb of a parsed command line and return its exit code."""
    verb: str = arguments.verb
    # Only the verb's own module is loaded, so that each answers as fast as it can.
    module = import_module(f"console.cli.{ROOMS.get(verb, verb)}")
    run: Callable[[argparse.Namespace], int] = getattr(module, verb if verb in ROOMS else "run")
    try:
        orphans.tell()
        return run(arguments)
    except Problem as problem:
        return report(problem)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def report(problem: Problem) -> int:
    """Print a problem and return its exit code."""
    from console.cli.output import say  # noqa: PLC0415  loads what --help does not need

    say(f"inferctl: {problem}")
    return EXIT_CODES[problem.kind]
