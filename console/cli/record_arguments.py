"""The arguments of the verbs that list, price and export what was recorded."""

import argparse

from console.cli import argument_types as types


def cost(parser: argparse.ArgumentParser) -> None:
    """Add those of ``cost``."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--report", action="store_true", help="Markdown: bill, starts, A/B, capacity and verdict"
    )
    form.add_argument("--csv", action="store_true", help="one row for each amount")
    add = parser.add_argument
    add("--since", type=types.day, metavar="YYYY-MM-DD", help="only days from this on (UTC)")
    add("--until", type=types.day, metavar="YYYY-MM-DD", help="only days to this one (UTC)")
    add(
        "--output",
        type=types.text,
        metavar="FILE",
        help="write the report to a file, its pictures beside it",
    )
    traffic(parser)


def verdict(parser: argparse.ArgumentParser) -> None:
    """Add those of ``verdict``."""
    parser.add_argument(
        "--scenario",
        type=types.text,
        metavar="FILE",
        help="TOML or JSON, or the name of a shipped one; default: what is measured",
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="figures of published comparisons, each beside what its own inputs give",
    )
    parser.add_argument(
        "--require",
        metavar="OPTION",
        choices=("self_host", "api"),
        help="exit 4 unless it wins, also where nothing is decided",
    )
    traffic(parser)


def traffic(parser: argparse.ArgumentParser) -> None:
    """Add the sources of traffic beside the server's own counters."""
    source = parser.add_mutually_exclusive_group()
    one = source.add_argument
    one("--prometheus", type=types.text, metavar="URL", help="a fleet's traffic, from Prometheus")
    one("--traffic", type=types.text, metavar="FILE", help="traffic as CSV or JSON lines")
    add = parser.add_argument
    add("--days", type=types.count, metavar="N", help="how far back Prometheus is asked (7)")
    add("--model", type=types.text, metavar="NAME", help="the model that Prometheus is asked for")


def prices(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``prices``, each with its own."""
    parser.epilog = (
        "Prices are kept beside config.toml, in prices.json (yours) and imported-prices.json; "
        "yours stand above imported ones, those above the table that is shipped."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _prices_list(actions.add_parser("list", help="prices in force, each with source and date"))
    _prices_set(actions.add_parser("set", help="keep a price of your own, with its date"))
    _prices_update(actions.add_parser("update", help="import a catalogue; nothing is fetched"))
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON")


def _prices_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="TEXT", help="only models with this in their name")
    parser.add_argument("--gpu", metavar="TEXT", help="only GPUs with this in their name")
    _currency(parser, "show amounts in this currency")


def _prices_set(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="PROVIDER/NAME", help="a provider's model, or its GPU with --per-hour")
    add("--input", metavar="USD", help="per million input tokens")
    add("--output", metavar="USD", help="per million output tokens")
    add("--cached-input", metavar="USD", help="per million cached input tokens")
    add("--per-request", metavar="USD", help="for each request")
    add("--fee-percent", metavar="PERCENT", help="what a reseller adds")
    add("--batch-multiplier", metavar="FACTOR", help="on the token prices of batches")
    add("--per-hour", metavar="USD", help="of one GPU")
    add("--as-of", type=types.day, metavar="YYYY-MM-DD", help="when it was read (default: today)")
    _currency(parser, "the amounts are in this currency")


def _currency(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add a currency with what it is worth and since when; all three or none."""
    add = parser.add_argument
    add("--currency", metavar="CODE", help=f"{purpose}, such as EUR (default: USD)")
    add("--rate", metavar="USD", help="what one unit of the currency is worth in US dollars")
    add("--rate-date", type=types.day, metavar="YYYY-MM-DD", help="when that rate held")


def _prices_update(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="JSON of models.dev, OpenRouter or litellm"
    )
    parser.add_argument(
        "--genai", action="store_true", help="the genai-prices package installed beside inferctl"
    )
    parser.add_argument(
        "--as-of", type=types.day, metavar="YYYY-MM-DD", help="its date (default: the file's)"
    )


def history(parser: argparse.ArgumentParser) -> None:
    """Add those of ``history``."""
    parser.add_argument(
        "id",
        metavar="ID",
        nargs="?",
        help="show one series, load or cold-start probe whole (default: lists)",
    )
    parser.add_argument("--starts", action="store_true", help="only starts")
    parser.add_argument("--series", action="store_true", help="only A/B series")
    parser.add_argument("--loads", action="store_true", help="only loads")
    parser.add_argument("--coldprobes", action="store_true", help="only cold-start probes")
    parser.add_argument(
        "-n",
        "--lines",
        type=types.count,
        default=20,
        metavar="N",
        help="last N of each (default: 20)",
    )


def export(parser: argparse.ArgumentParser) -> None:
    """Add those of ``export``."""
    kinds = ("starts", "series", "runs", "loads", "coldprobes")
    parser.add_argument("kind", metavar="KIND", choices=kinds, help=", ".join(kinds))
    parser.add_argument(
        "id",
        metavar="ID",
        nargs="?",
        help="one series, load or cold-start probe, with every figure behind it",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--svg", action="store_true", help="a picture of the one with this ID")
    form.add_argument("--csv", action="store_true", help="one row for each (default: JSON)")
    form.add_argument("--markdown", action="store_true", help="a Markdown table")


def replay(parser: argparse.ArgumentParser) -> None:
    """Add those of ``replay``."""
    parser.add_argument(
        "file", metavar="FILE", help="a keeper's journal: STATE/servers/NAME/starts/*.jsonl"
    )
    parser.add_argument(
        "--speed", type=types.factor, default=1.0, help="times faster than it happened (default: 1)"
    )
