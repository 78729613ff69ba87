"""What several verbs take, each as a function that adds it to a parser."""

import argparse

from console.cli import argument_types as types


def actions(
    parser: argparse.ArgumentParser, **summaries: str
) -> dict[str, argparse.ArgumentParser]:
    """Give a verb its actions, each of which prints JSON if asked."""
    choices = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    found = {name: choices.add_parser(name, help=about) for name, about in summaries.items()}
    for action in found.values():
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON")
    return found


def server(parser: argparse.ArgumentParser) -> None:
    """Take the name of a configured server."""
    about = "a [server.NAME] of the configuration"
    parser.add_argument("name", metavar="NAME", type=types.server, help=about)


def endpoint(parser: argparse.ArgumentParser) -> None:
    """Take an endpoint or a server."""
    about = "endpoint or server name, or URL#MODEL"
    parser.add_argument("endpoint", metavar="ENDPOINT", help=about)


def force(parser: argparse.ArgumentParser) -> None:
    """Let a launch go on although a check failed."""
    parser.add_argument("--force", action="store_true", help="launch even if a check failed")


def wait(parser: argparse.ArgumentParser) -> None:
    """Let the verb return only when the server is ready, or has failed."""
    about = "return when it is ready, or has failed"
    parser.add_argument("--wait", action="store_true", help=about)


def dry_run(parser: argparse.ArgumentParser) -> None:
    """Print what would be started, and start nothing."""
    about = "print the command that would start it, and start nothing"
    parser.add_argument("--dry-run", action="store_true", help=about)


def drain(parser: argparse.ArgumentParser) -> None:
    """Let running requests finish first, for some seconds."""
    parser.add_argument(
        "--drain",
        type=types.seconds,
        default=0.0,
        metavar="SECONDS",
        help="let requests finish first",
    )


def yes(parser: argparse.ArgumentParser) -> None:
    """Answer beforehand what would be asked."""
    about = "do not ask for confirmation; the cost is still printed"
    parser.add_argument("--yes", action="store_true", help=about)


def prompt(parser: argparse.ArgumentParser) -> None:
    """Take a prompt."""
    add = parser.add_argument
    add("--prompt", metavar="TEXT", help="the prompt, or short, paragraph, long")
    add("--prompt-file", type=types.text, metavar="FILE", help="read the prompt from a file")
    add("--max-tokens", type=types.count, metavar="N", help="limit of output tokens per request")
    add("--cached", action="store_true", help="same prompt each time: measure caches")


def traffic(parser: argparse.ArgumentParser) -> None:
    """Take where past traffic is read."""
    source = parser.add_mutually_exclusive_group()
    one = source.add_argument
    one("--prometheus", type=types.text, metavar="URL", help="a fleet's traffic, from Prometheus")
    about = "recorded traffic: usage exports, access logs, CSV, JSON, Parquet; folders and patterns"
    one("--traffic", type=types.text, nargs="+", metavar="FILE", help=about)
    add = parser.add_argument
    about = "column mapping where names are ambiguous: at, input, output, requests ..."
    add("--map", type=types.text, metavar="ROLE=COLUMN,...", help=about)
    add("--days", type=types.count, metavar="N", help="how far back Prometheus is asked (7)")
    about = "the model whose traffic counts, in files or Prometheus"
    add("--model", type=types.text, metavar="NAME", help=about)


def preview(parser: argparse.ArgumentParser) -> None:
    """Show how recorded traffic is understood, instead of an answer."""
    about = "show how the first rows of --traffic are understood, and decide nothing"
    parser.add_argument("--preview", action="store_true", help=about)
