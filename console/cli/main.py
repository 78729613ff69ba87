"""Runs one verb, and turns problems into exit codes."""

import argparse
from collections.abc import Callable
from importlib import import_module

from backends.problem import Problem

EXIT_CODES = {"failed": 1, "usage": 2, "not_found": 3}

INTERRUPTED = 130
"""What a shell shows for a program ended by SIGINT: 128 and the signal's number."""

FUNCTIONS = {
    "start": ("servers", "start"),
    "stop": ("servers", "stop"),
    "restart": ("servers", "restart"),
    "logs": ("servers", "logs"),
    "doctor": ("host", "doctor"),
    "gpus": ("host", "gpus"),
    "coldprobe": ("cold_probe", "run"),
    "sleep": ("sleep", "sleep"),
    "wake": ("sleep", "wake"),
}
"""Module and function of each verb; of one that is not listed, `run` in the module of its name."""


def run_verb(arguments: argparse.Namespace) -> int:
    """Run the verb of a parsed command line and return its exit code."""
    # 60 ms that --help answers without.
    from backends.host.home import is_simulated  # noqa: PLC0415
    from backends.settings.paths import existing_state_folder  # noqa: PLC0415
    from console.cli import orphans, output  # noqa: PLC0415

    verb: str = arguments.verb
    # Only the verb's own module is loaded, so that each answers as fast as it can.
    module, function = FUNCTIONS.get(verb, (verb, "run"))
    room = import_module(f"console.cli.{module}")
    run: Callable[[argparse.Namespace], int] = getattr(room, function)
    try:
        output.take_streams()
        if is_simulated(existing_state_folder()):
            output.say("SIMULATED: the servers, GPUs and prices of this INFERCTL_HOME are made up")
        orphans.tell()
        code = run(arguments)
        output.finish()
    except Problem as problem:
        return report(problem)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        output.give_up_stdout()
        return 1
    except OSError as error:
        return report(refused(error))
    return code


def refused(error: OSError) -> Problem:
    """Return as a problem what the system refused, of which no backend knew more to say."""
    where = f"{error.filename}: " if error.filename else ""
    return Problem(f"{where}{error.strerror or error}; see who owns it, and the disk's space")


def report(problem: Problem) -> int:
    """Print a problem and return its exit code."""
    from console.cli.output import say  # noqa: PLC0415  40 ms that --help answers without

    say(f"inferctl: {problem}")
    return EXIT_CODES[problem.kind]
