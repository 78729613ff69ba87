"""The command line: parses, runs one verb or the console, and turns problems into exit codes."""

import sys
from collections.abc import Sequence
from importlib import import_module

from backends.problem import Problem
from console.grammar import build_parser
from console.verbs import orphans

EXIT_CODES = {"failed": 1, "usage": 2, "not_found": 3}

INTERRUPTED = 130
"""What a shell shows for a program ended by SIGINT: 128 and the signal's number."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = build_parser().parse_args(argv)
    module = import_module(f"console.verbs.{arguments.verb or 'open_console'}")
    try:
        orphans.tell(arguments.verb)
        code: int = module.run(arguments)
    except Problem as problem:
        from console.verbs.report import say

        say(f"inferctl: {problem}")
        return EXIT_CODES[problem.kind]
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
