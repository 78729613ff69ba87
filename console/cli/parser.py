"""The grammar of the command line: every verb and its arguments, without what they do."""

import argparse
from collections.abc import Callable

from console.cli import argument_types as types
from console.cli import record_arguments as records

ON_SCREEN = frozenset({"demo", "replay"})
"""Verbs that open the console and therefore print no document."""

EPILOG = """exit codes: 0 done, 1 failed, 2 usage, 3 not ready or not found, 4 decided "no"

Without a verb, inferctl opens the console. Every other verb takes --json: one document on
stdout, messages on stderr."""


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        parser.exit(message=f"inferctl {metadata.version('inferctl')}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; parsed arguments carry `verb`, None for the console itself."""
    parser = argparse.ArgumentParser(
        prog="inferctl",
        description="The console for a GPU host that runs vLLM.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name, summary, arguments in VERBS:
        verb = verbs.add_parser(name, help=summary, description=_sentence(summary))
        arguments(verb)
        if name not in ON_SCREEN:
            verb.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


def _server(parser: argparse.ArgumentParser) -> None:
    about = "a [server.NAME] of the configuration"
    parser.add_argument("name", metavar="NAME", type=types.server, help=about)


def _start(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument(
        "--wait", action="store_true", help="return when it is ready, or has failed"
    )
    parser.add_argument("--force", action="store_true", help="launch although a check failed")


def _stop(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument(
        "--drain",
        type=types.seconds,
        default=0.0,
        metavar="SECONDS",
        help="let requests finish first",
    )


def _restart(parser: argparse.ArgumentParser) -> None:
    _stop(parser)
    parser.add_argument(
        "--wait", action="store_true", help="return when it is ready, or has failed"
    )
    parser.add_argument("--force", action="store_true", help="launch although a check failed")


def _status(parser: argparse.ArgumentParser) -> None:
    about = "one server (default: all)"
    parser.add_argument("name", metavar="NAME", type=types.server, nargs="?", help=about)


def _logs(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines arrive")
    parser.add_argument(
        "-n",
        "--lines",
        type=types.count,
        default=200,
        metavar="N",
        help="last N lines (default: 200)",
    )


def _adopt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=types.port, required=True, metavar="P", help="where it listens"
    )


def _explain(parser: argparse.ArgumentParser) -> None:
    about = "vLLM log files, - for stdin"
    parser.add_argument("log", metavar="LOG", type=types.text, nargs="+", help=about)


def _ab(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="endpoint or server name, or URL#MODEL")
    parser.add_argument("b", metavar="B", help="the other side, named the same way")
    parser.add_argument("more", metavar="C", nargs="*", help="a third and a fourth one")
    parser.add_argument(
        "-n", "--runs", type=types.count, default=1, help="runs per side (default: 1)"
    )
    parser.add_argument("--prompt", metavar="TEXT", help="the prompt, or short, paragraph, long")
    parser.add_argument(
        "--prompt-file", type=types.text, metavar="FILE", help="read the prompt from a file"
    )
    parser.add_argument(
        "--max-tokens", type=types.count, metavar="N", help="limit of output tokens"
    )
    parser.add_argument("--ignore-eos", action="store_true", help="ask for exactly N tokens")
    parser.add_argument(
        "--cached", action="store_true", help="same prompt each time: measure caches"
    )
    parser.add_argument("--together", action="store_true", help="both sides at once, not in turn")
    parser.add_argument(
        "--timeout", type=types.rate, default=120.0, metavar="SECONDS", help="per run"
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown report")
    parser.add_argument("--csv", action="store_true", help="print one row per run")
    parser.add_argument("--yes", action="store_true", help="do not ask before a priced series")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speed", type=types.factor, default=1.0, help="times faster than real time"
    )
    parser.add_argument("--fail", metavar="KIND", help="let the start fail in this way")


def _coldstart(parser: argparse.ArgumentParser) -> None:
    _server(parser)
    parser.add_argument(
        "-n", "--starts", type=types.count, default=3, metavar="N", help="starts (default: 3)"
    )
    parser.add_argument(
        "--cold", action="store_true", help="drop the weights from memory before each start"
    )
    parser.add_argument(
        "--drain",
        type=types.seconds,
        default=0.0,
        metavar="SECONDS",
        help="let requests finish first",
    )
    parser.add_argument("--force", action="store_true", help="launch although a check failed")
    parser.add_argument(
        "--yes", action="store_true", help="do not ask before a running server is stopped"
    )


def _load(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("endpoint", metavar="ENDPOINT", help="endpoint or server name, or URL#MODEL")
    add("--prompt", metavar="TEXT", help="the prompt, or short, paragraph, long")
    add("--prompt-file", type=types.text, metavar="FILE", help="read the prompt from a file")
    add("--max-tokens", type=types.count, metavar="N", help="output tokens of each request")
    add("--input-tokens", type=types.count, metavar="N", help="lengthen the prompt to about N")
    add("--ttft", type=types.rate, metavar="SECONDS", help="limit (default: [limits] ttft_p99_s)")
    add("--itl", type=types.rate, metavar="SECONDS", help="limit (default: [limits] itl_p99_s)")
    add("--first-rps", type=types.rate, default=1.0, metavar="R", help="first rate (default: 1)")
    add(
        "--step",
        type=types.rate,
        default=30.0,
        metavar="SECONDS",
        help="of each rate (default: 30)",
    )
    add(
        "--for",
        dest="most_s",
        type=types.rate,
        default=600.0,
        metavar="SECONDS",
        help="for all rates together (default: 600)",
    )
    add(
        "--requests",
        type=types.count,
        default=5000,
        metavar="N",
        help="send no more (default: 5000)",
    )
    add("--usd", type=types.amount, metavar="AMOUNT", help="spend no more at a priced endpoint")
    add("--cached", action="store_true", help="same prompt each time: measure caches")
    add("--yes", action="store_true", help="do not ask before an endpoint that may cost money")


def _cold_probe(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("endpoint", metavar="ENDPOINT", help="endpoint or server name, or URL#MODEL")
    add(
        "--gaps",
        type=types.pauses,
        default=types.pauses("1m,5m,15m,60m"),
        metavar="LIST",
        help="pauses such as 10s,1m (default: 1m,5m,15m,60m)",
    )
    add(
        "--rounds",
        type=types.count,
        default=3,
        metavar="N",
        help="how often each pause is measured (default: 3)",
    )
    do = parser.add_mutually_exclusive_group()
    do.add_argument("--status", action="store_true", help="what was found so far; sends nothing")
    do.add_argument(
        "--stop", action="store_true", help="end the cold-start probe; it can be resumed"
    )
    do.add_argument("--again", action="store_true", help="repeat what was already measured")
    add("--yes", action="store_true", help="do not ask before a priced endpoint")


def _nothing(_: argparse.ArgumentParser) -> None:
    return


VERBS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None]], ...] = (
    ("start", "launch a server, detached", _start),
    ("stop", "stop a server and see its memory freed", _stop),
    ("restart", "stop a server, then launch it again", _restart),
    ("status", "every server of this host, ours and external", _status),
    ("logs", "the log of a server", _logs),
    ("adopt", "watch a vLLM that something else started", _adopt),
    ("explain", "phases, memory and failure of any vLLM log file", _explain),
    ("coldstart", "start a server again and again: each phase, its spread, its cost", _coldstart),
    ("gpus", "one sample of every GPU with its processes", _nothing),
    ("ab", "the same prompt at two to four endpoints, measured", _ab),
    ("load", "the measured capacity: open-loop load until a latency limit breaks", _load),
    ("coldprobe", "is an endpoint slow after it was left alone, in the background", _cold_probe),
    ("cost", "what was spent, and what the same tokens would have cost", records.cost),
    ("verdict", "is the GPU or the API cheaper, and what would flip it", records.verdict),
    ("prices", "what models and GPUs cost, who says so and since when", records.prices),
    ("history", "the starts and A/B series that were recorded", records.history),
    ("export", "the history as JSON, CSV or Markdown", records.export),
    ("replay", "the console over a recorded journal, marked REPLAY", records.replay),
    ("doctor", "what is wrong with this host, with the remedy", _nothing),
    ("demo", "the whole console, SIMULATED", _demo),
)
