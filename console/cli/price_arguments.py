"""What ``inferctl prices`` takes."""

import argparse

from console.cli import argument_types as types
from console.cli import shared_arguments as shared


def prices(parser: argparse.ArgumentParser) -> None:
    """Give ``prices`` its actions and what each takes."""
    parser.epilog = (
        "Prices are kept beside config.toml, in prices.json (yours) and imported-prices.json; "
        "yours stand above imported ones, those above the table that is shipped."
    )
    actions = shared.actions(
        parser,
        list="prices in force, each with source and date",
        set="keep a price of your own, with its date",
        update="import a catalogue, or fetch one with --fetch",
    )
    _prices_list(actions["list"])
    _prices_set(actions["set"])
    _prices_update(actions["update"])


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
    add("--fee-percent", metavar="PERCENT", help="reseller markup")
    add("--batch-multiplier", metavar="FACTOR", help="factor on token prices for batches")
    add("--per-hour", metavar="USD", help="of one GPU")
    add("--as-of", type=types.day, metavar="YYYY-MM-DD", help="date of the price (default: today)")
    _currency(parser, "the amounts are in this currency")


def _currency(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add a currency with what it is worth and since when; all three or none."""
    add = parser.add_argument
    add("--currency", metavar="CODE", help=f"{purpose}, such as EUR (default: USD)")
    add("--rate", metavar="USD", help="US dollars for one unit of the currency")
    add("--rate-date", type=types.day, metavar="YYYY-MM-DD", help="date of that rate")


def _prices_update(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="JSON of a catalogue, such as models.dev")
    add("--genai", action="store_true", help="the genai-prices package installed beside inferctl")
    add("--as-of", type=types.day, metavar="YYYY-MM-DD", help="its date (default: the file's)")
    about = "ask a publisher once, and show what would change before it is kept"
    sources = ("openrouter", "models.dev", "litellm", "do", "gpurental", "genai", "gpuhunt")
    add("--fetch", choices=sources, metavar="SOURCE", help=f"{about}: {', '.join(sources)}")
    add("--address", type=types.text, metavar="URL", help="of a copy of that publisher's list")
    add("-y", "--yes", action="store_true", help="save the prices without asking")
