"""The grammar of the command line: every verb and its arguments, without what they do."""

import argparse
from collections.abc import Callable

from console.cli import argument_types as types
from console.cli import price_arguments, study_arguments
from console.cli import shared_arguments as shared

ON_SCREEN = frozenset({"demo", "replay"})
"""Verbs that open the console and therefore print no document."""

EPILOG = """exit codes: 0 done, 1 failed, 2 usage, 3 not ready or not found, 4 decided "no"

Without a verb, inferctl opens the console. Every verb takes --json: one document on
stdout, messages on stderr."""


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata  # noqa: PLC0415  30 ms, for --version alone

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
    parser.add_argument(
        "--read-only", action="store_true", help="view only: no key changes anything"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    parents = {arguments: _of(arguments) for _, _, several, _ in VERBS for arguments in several}
    for name, summary, several, own in VERBS:
        verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            parents=[parents[arguments] for arguments in several],
        )
        if own is not None:
            own(verb)
        if name not in ON_SCREEN:
            verb.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser


Arguments = Callable[[argparse.ArgumentParser], None]


def _of(arguments: Arguments) -> argparse.ArgumentParser:
    """Return a parser with nothing but these, as a parent of those of verbs."""
    parent = argparse.ArgumentParser(add_help=False)
    arguments(parent)
    return parent


# What one verb takes.


def _stop(parser: argparse.ArgumentParser) -> None:
    about = "stop it even though inferctl did not start it"
    parser.add_argument("--yes", action="store_true", help=about)


def _status(parser: argparse.ArgumentParser) -> None:
    about = "one server (default: all)"
    parser.add_argument("name", metavar="NAME", type=types.server, nargs="?", help=about)


def _logs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-f", "--follow", action="store_true", help="follow: print lines as they arrive")
    about = "last N lines (default: 200)"
    add("-n", "--lines", type=types.count, default=200, metavar="N", help=about)


def _adopt(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    add = which.add_argument
    add("name", metavar="NAME", nargs="?", type=types.server, help="its name in inferctl status")
    add("--port", type=types.port, metavar="P", help="port it listens on, or is published on")
    add("--container", type=types.text, metavar="NAME", help="the container that it runs in")
    add("--unit", type=types.text, metavar="NAME", help="the systemd unit that runs it")
    add("--pid", type=types.count, metavar="PID", help="its process")


def _explain(parser: argparse.ArgumentParser) -> None:
    about = "vLLM log files, - for stdin"
    add = parser.add_argument
    add("log", metavar="LOG", type=types.text, nargs="+", help=about)
    about = "exit 1 if the last start failed, 3 if its log is incomplete"
    add("--exit-status", action="store_true", help=about)
    about = (
        "the last start as Markdown for a bug report: keys, paths, hosts, addresses and models of "
        "publishers that are not known for open weights are replaced"
    )
    add("--report", action="store_true", help=about)
    add("--output", type=types.text, metavar="FILE", help="write the report to a file")


def _coldstart(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    about = "starts (default: 3)"
    add("-n", "--starts", type=types.count, default=3, metavar="N", help=about)
    add("--cold", action="store_true", help="drop the weights from memory before each start")


def _ab(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("a", metavar="A", help="endpoint or server name, or URL#MODEL")
    add("b", metavar="B", help="the other side, named the same way")
    add("more", metavar="C", nargs="*", help="a third and a fourth one")
    add("-n", "--runs", type=types.count, default=1, help="runs per side (default: 1)")
    add("--ignore-eos", action="store_true", help="ask for exactly N tokens")
    add("--together", action="store_true", help="all targets at once, not in turn")
    about = "for a whole run, and for each wait (default: 120 to the first token, 600 in all)"
    add("--timeout", type=types.rate, metavar="SECONDS", help=about)
    add("--markdown", action="store_true", help="print a Markdown report")
    add("--csv", action="store_true", help="print one row per run")


def _load(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    about = (
        "replay recorded traffic first, then load of the same mix: any file of verdict --traffic"
    )
    add("--trace", type=types.text, metavar="FILE", help=about)
    add("--speed", type=types.factor, metavar="K", help="times faster than recorded (default: 1)")
    about = "column mapping where names are ambiguous: at, input, conversation, blocks ..."
    add("--map", type=types.text, metavar="ROLE=COLUMN,...", help=about)
    add("--input-tokens", type=types.count, metavar="N", help="lengthen the prompt to about N")
    add("--ttft", type=types.rate, metavar="SECONDS", help="limit (default: [limits] ttft_p99_s)")
    add("--itl", type=types.rate, metavar="SECONDS", help="limit (default: [limits] itl_p99_s)")
    add("--first-rps", type=types.rate, metavar="R", help="first rate (default: 1)")
    about = "duration of each rate (default: 30)"
    add("--step", type=types.rate, default=30.0, metavar="SECONDS", help=about)
    about = "total time limit (default: 600 for the rates, after the replay)"
    add("--for", dest="most_s", type=types.rate, metavar="SECONDS", help=about)
    about = "request limit (default: 5000 for the rates, after the replay)"
    add("--requests", type=types.count, metavar="N", help=about)
    add("--usd", type=types.amount, metavar="AMOUNT", help="spending limit at priced endpoints")


def _cold_probe(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    usual = "1m,5m,15m,60m"
    about = f"pauses such as 10s,1m (default: {usual})"
    add("--gaps", type=types.pauses, default=types.pauses(usual), metavar="LIST", help=about)
    about = "how often each pause is measured (default: 3)"
    add("--rounds", type=types.count, default=3, metavar="N", help=about)
    do = parser.add_mutually_exclusive_group()
    do.add_argument("--status", action="store_true", help="what was found so far; sends nothing")
    about = "end the cold-start probe; it can be resumed"
    do.add_argument("--stop", action="store_true", help=about)
    do.add_argument("--again", action="store_true", help="repeat what was already measured")


def _cost(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    about = "Markdown: bill, starts, A/B, capacity and verdict"
    form.add_argument("--report", action="store_true", help=about)
    form.add_argument("--csv", action="store_true", help="one row for each amount")
    add = parser.add_argument
    add("--since", type=types.day, metavar="YYYY-MM-DD", help="first day (UTC)")
    add("--until", type=types.day, metavar="YYYY-MM-DD", help="last day (UTC)")
    about = "write the report to a file, its pictures beside it"
    add("--output", type=types.text, metavar="FILE", help=about)


def _verdict(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    about = "the server whose traffic and model are decided (default: the one that serves)"
    add("name", nargs="?", metavar="NAME", type=types.server, help=about)
    about = "TOML or JSON, or the name of a shipped one; default: what is measured"
    add("--scenario", type=types.text, metavar="FILE", help=about)
    about = "figures of published comparisons, each beside what its own inputs give"
    add("--published", action="store_true", help=about)
    about = "exit 4 unless this option wins, also if undecided"
    add("--require", metavar="OPTION", choices=("self_host", "api"), help=about)


def _metrics(parser: argparse.ArgumentParser) -> None:
    about = "serve /metrics there until interrupted (HOST default: 127.0.0.1)"
    parser.add_argument("--serve", type=types.listening, metavar="[HOST:]PORT", help=about)


def _agent(parser: argparse.ArgumentParser) -> None:
    shared.actions(
        parser,
        status="what it watches, and its clients",
        start="start it even if no server runs",
        stop="stop it; servers and keepers keep running",
    )


def _config(parser: argparse.ArgumentParser) -> None:
    actions = shared.actions(
        parser,
        init="add a server profile from what this host has",
        check="every fault, with its line and the remedy",
        schema="JSON Schema of the file, for editors",
    )
    add = actions["init"].add_argument
    about = "org/model or a folder (default: the only one in the cache)"
    add("model", metavar="MODEL", nargs="?", type=types.text, help=about)
    about = "its executable (default: the only one of this host)"
    add("--vllm", type=types.text, metavar="PATH", help=about)
    add("--image", type=types.text, metavar="IMAGE", help="start it in a container of this image")
    about = "the engine of that container (default: docker)"
    add("--runtime", choices=("docker", "podman"), default="docker", help=about)
    about = "start it inside this running container"
    add("--container", type=types.text, metavar="NAME", help=about)
    about = "a file other than this user's"
    actions["check"].add_argument("file", metavar="FILE", nargs="?", type=types.text, help=about)


def _endpoints(parser: argparse.ArgumentParser) -> None:
    actions = shared.actions(
        parser,
        add="write its table from a preset, with comments",
        check="one request: what works, was adapted, is missing",
        presets="the providers that are known, each with its source",
    )
    _endpoint_add(actions["add"])
    check = actions["check"]
    check.add_argument("name", metavar="NAME", help="endpoint or server name, or URL#MODEL")
    about = "for the whole request, and for each wait (default: 120 to the first token)"
    check.add_argument("--timeout", type=types.rate, metavar="SECONDS", help=about)


def _endpoint_add(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", type=types.server, help="its name in the configuration")
    about = "a provider; inferctl endpoint presets lists them"
    add("--preset", metavar="P", type=types.text, required=True, help=about)
    add("--model", metavar="MODEL", type=types.text, help="the model that is asked")
    add("--base-url", metavar="URL", type=types.text, help="its address, instead of the preset's")
    about = "a word in capitals of the preset's address, such as RESOURCE=mine"
    add("--fill", metavar="WORD=VALUE", action="append", default=[], help=about)


def _wake(parser: argparse.ArgumentParser) -> None:
    about = "a server of this host, its name in inferctl status"
    parser.add_argument("name", metavar="NAME", type=types.server, help=about)


def _sleep(parser: argparse.ArgumentParser) -> None:
    _wake(parser)
    about = "1 keeps the weights in host memory, 2 reloads them (default: 1)"
    parser.add_argument("--level", type=int, choices=(1, 2), default=1, help=about)
    about = "even while requests run; they are lost, or wait until it wakes"
    parser.add_argument("--force", action="store_true", help=about)


def _advise(parser: argparse.ArgumentParser) -> None:
    about = "a server of this host (default: the only one that serves)"
    parser.add_argument("name", metavar="NAME", nargs="?", type=types.server, help=about)
    about = "watch its counters for so long (default: 60)"
    add = parser.add_argument
    add("--for", dest="for_s", type=types.rate, default=60.0, metavar="SECONDS", help=about)


def _history(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    about = "show one record whole (default: lists)"
    add("id", metavar="ID", nargs="?", help=about)
    about = "put a note on the record of this ID; an empty TEXT takes it away"
    add("--note", metavar="TEXT", help=about)
    about = "two starts, or two load tests, side by side: figures, arguments"
    add("--compare", metavar=("A", "B"), nargs=2, help=about)
    about = "only records with all of these words: kind:start server:chat result:failed, any other"
    add("--find", metavar="WORDS", help=about)
    add("--starts", action="store_true", help="only starts")
    add("--series", action="store_true", help="only A/B series")
    add("--loads", action="store_true", help="only loads")
    add("--coldprobes", action="store_true", help="only cold-start probes")
    add("--sleeps", action="store_true", help="only orders to sleep and to wake")
    about = "last N of each (default: 20)"
    add("-n", "--lines", type=types.count, default=20, metavar="N", help=about)


def _export(parser: argparse.ArgumentParser) -> None:
    kinds = ("starts", "series", "runs", "loads", "coldprobes")
    parser.add_argument("kind", metavar="KIND", choices=kinds, help=", ".join(kinds))
    about = "one series, load or cold-start probe, with every figure behind it"
    parser.add_argument("id", metavar="ID", nargs="?", help=about)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--svg", action="store_true", help="a picture of the one with this ID")
    form.add_argument("--csv", action="store_true", help="one row for each (default: JSON)")
    form.add_argument("--markdown", action="store_true", help="a Markdown table")


def _replay(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="a keeper's journal: STATE/servers/NAME/starts/*.jsonl")
    about = "times faster than recorded (default: 1)"
    add("--speed", type=types.factor, default=1.0, help=about)


def _demo(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--speed", type=types.factor, default=1.0, help="times faster than real time")
    add("--fail", metavar="KIND", help="make the start fail this way")
    scenes = "cold-start, failure, crash, ab, crossover, scale-to-zero"
    add("--scene", metavar="NAME", help=f"play a scripted scene: {scenes}")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--keep", action="store_true", help="leave its servers and history for verbs to use"
    )
    kept.add_argument("--remove", action="store_true", help="end and remove what --keep left")


VERBS: tuple[tuple[str, str, tuple[Arguments, ...], Arguments | None], ...] = (
    (
        "start",
        "launch a server, detached",
        (shared.server, shared.wait, shared.force, shared.dry_run),
        None,
    ),
    ("stop", "stop a server and see its memory freed", (shared.server, shared.drain), _stop),
    (
        "restart",
        "stop a server, then launch it again",
        (shared.server, shared.drain, shared.wait, shared.force),
        None,
    ),
    ("sleep", "put a server to sleep: free its GPU memory, timed", (), _sleep),
    ("wake", "wake a sleeping server, timed", (), _wake),
    ("status", "list every vLLM server of this host, managed or external", (), _status),
    ("logs", "show or follow a server's log", (shared.server,), _logs),
    ("adopt", "watch a vLLM that was not started by inferctl", (), _adopt),
    ("explain", "phases, memory and failure cause of any vLLM log", (), _explain),
    (
        "coldstart",
        "restart a server N times: each phase, its spread, its cost",
        (shared.server, shared.drain, shared.force, shared.yes),
        _coldstart,
    ),
    ("gpus", "one sample of every GPU and its processes", (), None),
    ("ab", "measure the same prompt at two to four endpoints", (shared.prompt, shared.yes), _ab),
    (
        "load",
        "measure capacity: open-loop load until a latency limit breaks",
        (shared.endpoint, shared.prompt, shared.yes),
        _load,
    ),
    (
        "coldprobe",
        "cold-start probe: is an endpoint slow after idle time; runs in the background",
        (shared.endpoint, shared.yes),
        _cold_probe,
    ),
    (
        "study",
        "measure a server against an endpoint and write one page",
        (),
        study_arguments.study,
    ),
    ("advise", "what limits a server now, and the one flag to try", (), _advise),
    ("endpoint", "add an API endpoint from a preset, or check one", (), _endpoints),
    (
        "cost",
        "what was spent, and what the API would have charged",
        (shared.traffic, shared.preview),
        _cost,
    ),
    (
        "verdict",
        "is the GPU or the API cheaper, and what would flip it",
        (shared.traffic, shared.preview),
        _verdict,
    ),
    (
        "metrics",
        "cost, verdict, phases and VRAM as Prometheus text, once or served",
        (shared.traffic,),
        _metrics,
    ),
    ("prices", "prices of models and GPUs, each with source and date", (), price_arguments.prices),
    ("history", "recorded starts, A/B series, load tests and probes", (), _history),
    ("export", "export the history as JSON, CSV or Markdown", (), _export),
    ("replay", "replay a recorded journal in the console", (), _replay),
    ("agent", "control the process that records this host", (), _agent),
    ("config", "write, check or describe the configuration", (), _config),
    ("doctor", "check this host: each problem with its remedy", (), None),
    ("demo", "the full console over a simulated host", (), _demo),
)
"""Each verb: its summary, the arguments it shares with others, and those of its own."""
