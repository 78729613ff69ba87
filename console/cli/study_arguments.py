"""What ``inferctl study`` takes: three actions, each with arguments of its own."""

import argparse

from console.cli import argument_types as types
from console.cli import shared_arguments as shared


def study(parser: argparse.ArgumentParser) -> None:
    """Give ``study`` its actions and what each takes."""
    actions = shared.actions(
        parser,
        run="measure a server beside an endpoint, resumable; a page, Markdown and JSON",
        verify="recompute every figure and picture of a study from its samples",
        compare="studies side by side: what changed, and whether beyond the noise",
    )
    measure = actions["run"]
    for arguments in (shared.server, shared.endpoint, shared.yes):
        arguments(measure)
    add = measure.add_argument
    add("--quick", action="store_true", help="fewer runs; the study says so")
    about = "measure the server as it runs, without cold starts"
    add("--no-starts", action="store_true", help=about)
    about = "idle pauses of the probe (default: 1m,5m; quick: 10s,30s)"
    add("--gaps", type=types.pauses, metavar="LIST", help=about)
    add("--again", action="store_true", help="begin a new one, though one was interrupted")
    about = "keep hosts, paths and names of private models in the files"
    add("--with-names", action="store_true", help=about)
    add("--output", type=types.text, metavar="FOLDER", help="write the three files there as well")
    about = "JSON or page of a study"
    actions["verify"].add_argument("file", metavar="FILE", type=types.text, help=about)
    add = actions["compare"].add_argument
    add("file", metavar="FILE", type=types.text, help=about)
    add("others", metavar="FILE", type=types.text, nargs="+", help="any number of others")
