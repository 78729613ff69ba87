"""``inferctl prices list``, ``set`` and ``update``: what is charged, who says so and since when."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.domain.format import UNKNOWN, figure
from backends.domain.prices.amounts import BadPrice, age_days, digits, is_stale
from backends.domain.prices.currencies import Currency, amount_text, currency_of
from backends.domain.prices.ends import PriceEnds
from backends.domain.prices.prices import ApiPrice, GpuPrice, Price, freshness, provenance
from backends.operations.consent import Consent
from backends.prices.book import (
    Listed,
    Updated,
    kept,
    list_prices,
    set_api_price,
    set_gpu_price,
    update_from_package,
    update_prices,
)
from backends.prices.fetch import fetched
from backends.prices.table import FILE_NAMES
from backends.problem import UsageProblem
from backends.settings.paths import config_file
from backends.wire import plain
from console.cli.output import agree, document, say, table

UNPRICED = "UNPRICED"

NOT_FOUND = 3
"""Exit code of a search that found nothing."""

TOKEN_PRICES = {
    "input": "input_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "cached_input": "cached_input_usd_per_mtok",
    "per_request": "usd_per_request",
    "fee_percent": "fee_percent",
    "batch_multiplier": "batch_multiplier",
}
"""Options of ``prices set`` that price a model, and what the price table calls them."""


def run(arguments: argparse.Namespace) -> int:
    """List, set or import prices; 3 where nothing fits. Only ``--fetch`` asks anybody.

    Raises:
        UsageProblem: a price, a name or a file cannot be read.
    """
    actions = {"list": _list, "set": _set, "update": _update}
    with _as_usage_problem():
        # Prices are the user's own and kept beside the configuration.
        return actions[arguments.action](arguments, config_file().parent, datetime.now(UTC).date())


@contextmanager
def _as_usage_problem() -> Iterator[None]:
    try:
        yield
    except BadPrice as error:
        raise UsageProblem(str(error)) from error


def _list(arguments: argparse.Namespace, folder: Path, today: date) -> int:
    found: list[Listed] = []
    if arguments.gpu is not None or arguments.model is None:
        rows = list_prices(folder, today, arguments.gpu or "")
        found += [row for row in rows if isinstance(row.price, GpuPrice)]
    if arguments.model is not None or arguments.gpu is None:
        rows = list_prices(folder, today, arguments.model or "")
        found += [row for row in rows if isinstance(row.price, ApiPrice)]
    currency = _currency(arguments, today)
    if arguments.json:
        rows_of = [as_document(row, today, currency) for row in found]
        document({"prices": rows_of, "currency": currency})
    else:
        _tell(found, today, currency)
    return 0 if found else NOT_FOUND


def _currency(arguments: argparse.Namespace, today: date) -> Currency | None:
    currency = currency_of(arguments.currency, arguments.rate, arguments.rate_date)
    if currency is not None and currency.as_of > today:
        raise UsageProblem(f"--rate-date {currency.as_of} is in the future; give the rate's date")
    return currency


def as_document(row: Listed, today: date, currency: Currency | None = None) -> dict[str, Any]:
    """Return one price with its freshness; what has no price has a reason instead.

    Amounts are in US dollars; `converted` has them in the currency that was asked for.
    """
    kind = "api" if isinstance(row.price, ApiPrice) else "gpu"
    return {
        "kind": kind,
        **plain(row.price),
        "freshness": row.freshness,
        "age_days": age_days(row.price.as_of, today),
        "reason": "its source has no price" if _amounts(row.price) == UNPRICED else None,
        "ends": None if row.ends is None else _ends_document(row.ends),
        "converted": None if currency is None else _converted(row.price, currency),
    }


def _ends_document(ends: PriceEnds) -> dict[str, Any]:
    return {
        "low": plain(ends.low),
        "high": plain(ends.high),
        "differ_percent": digits(ends.differ_share * 100),
    }


def _converted(price: Price, currency: Currency) -> dict[str, str | None]:
    names = [name for name in price.__slots__ if "usd_per" in name]
    amounts: dict[str, Decimal | None] = {name: getattr(price, name) for name in names}
    return {
        name.replace("usd", currency.code.lower()): digits(
            None if amount is None else amount / currency.usd
        )
        for name, amount in amounts.items()
    }


def _tell(found: list[Listed], today: date, currency: Currency | None) -> None:
    if not found:
        say("no such price is known; prices set keeps yours, prices update imports a catalogue")
        return
    head = ("PROVIDER", "MODEL OR GPU", "PRICE", "AS OF", "SOURCE")
    stale = frozenset(place for place, each in enumerate(found, 1) if each.freshness != "fresh")
    table([head, *(_row(each, today, currency) for each in found)], stale)


def _row(listed: Listed, today: date, currency: Currency | None) -> tuple[str, ...]:
    price = listed.price
    name = price.model if isinstance(price, ApiPrice) else f"{price.sku} ({price.contract})"
    amounts, source = _amounts(price, currency), provenance(price) or UNKNOWN
    if listed.ends is not None:
        low, high = listed.ends.low, listed.ends.high
        other = high if low.source == price.source else low
        said = (
            f"{_amounts(other, currency)} ({_dated(Listed(other, freshness(other, today)), today)})"
        )
        source += f"; {other.source} says {said}"
    return (price.provider, name, amounts, _dated(listed, today), source)


def _amounts(price: Price, currency: Currency | None = None) -> str:
    """Return what is charged, such as ``$0.10 in, $0.70 out /Mtok`` or ``$1.88/h``."""
    if isinstance(price, GpuPrice):
        hour = price.usd_per_hour
        return UNPRICED if hour is None else f"{amount_text(hour, currency)}/h a GPU"
    into, out = price.input_usd_per_mtok, price.output_usd_per_mtok
    if into is None or out is None:
        return UNPRICED
    said = f"{amount_text(into, currency)} in, {amount_text(out, currency)} out /Mtok"
    if price.cached_input_usd_per_mtok is not None:
        said += f", {amount_text(price.cached_input_usd_per_mtok, currency)} cached"
    for tier in price.tiers:
        above = f"{figure(tier.above_input_tokens)} tokens"
        said += f", {amount_text(tier.input_usd_per_mtok, currency)} in above {above}"
    if price.usd_per_request:
        said += f", {amount_text(price.usd_per_request, currency)} a request"
    if price.batch_multiplier is not None:
        said += f", batches × {figure(price.batch_multiplier)}"
    return said + (f", fee {figure(price.fee_percent)} %" if price.fee_percent else "")


def _dated(listed: Listed, today: date) -> str:
    day = listed.price.as_of
    if day is None:
        return "undated"
    if listed.freshness != "stale":
        return str(day)
    rate_day = listed.price.currency_as_of
    of_rate = rate_day is not None and not is_stale(day, today)
    days = age_days(rate_day if of_rate else day, today)
    return f"{day} STALE, {'rate of ' if of_rate else ''}{days} days"


def _set(arguments: argparse.Namespace, folder: Path, today: date) -> int:
    provider, slash, name = arguments.name.partition("/")
    if not (provider and slash and name):
        raise UsageProblem(
            f"{arguments.name} names no price; write PROVIDER/MODEL or PROVIDER/GPU, "
            "for example openrouter/openai/gpt-oss-120b"
        )
    as_of = _not_in_the_future(arguments.as_of or today, today)
    currency = _currency(arguments, today)
    amounts = {
        field: value
        for option, field in TOKEN_PRICES.items()
        if (value := getattr(arguments, option)) is not None
    }
    row: Price
    if arguments.per_hour is not None:
        if amounts:
            raise UsageProblem("a GPU is priced per hour and a model by its tokens; give only one")
        row = set_gpu_price(folder, provider, name, arguments.per_hour, as_of, currency=currency)
    elif amounts:
        row = set_api_price(folder, provider, name, amounts, as_of, currency=currency)
    else:
        raise UsageProblem("no price was given; use --per-hour for a GPU, --input and --output")
    _tell_kept(arguments, row, folder, today)
    return 0


def _tell_kept(arguments: argparse.Namespace, row: Price, folder: Path, today: date) -> None:
    kept = Listed(row, freshness(row, today))
    if arguments.json:
        document({"prices": [as_document(kept, today)]})
        return
    said = f"{_amounts(row)} as of {row.as_of}, {provenance(row)}"
    say(f"{arguments.name}: {said}; in {folder / FILE_NAMES['user']}")
    if _amounts(row) == UNPRICED:
        say("still unpriced: a model needs --input and --output")


def _update(arguments: argparse.Namespace, folder: Path, today: date) -> int:
    if bool(arguments.file) + arguments.genai + bool(arguments.fetch) != 1:
        raise UsageProblem(
            "give the FILE of a catalogue, --genai for the installed package, or --fetch SOURCE"
        )
    if arguments.fetch:
        return _fetch(arguments, folder, today)
    as_of = arguments.as_of and _not_in_the_future(arguments.as_of, today)
    if arguments.genai:
        done = update_from_package(folder, today, as_of)
    else:
        done = update_prices(folder, Path(arguments.file), as_of)
    if arguments.json:
        document(done)
    else:
        say(_updated(done))
    return 0


def _fetch(arguments: argparse.Namespace, folder: Path, today: date) -> int:
    """Show what a publisher's prices would change, and keep them once that is agreed to."""
    found = fetched(folder, arguments.fetch, today, arguments.address)
    shown = [each for each in found.changes if each.old is not None]
    for change in shown:
        say(f"{_named(change.new)}: {_told(change.old, today)} -> {_told(change.new, today)}")
    new = len(found.changes) - len(shown)
    sentence = f"{len(shown)} prices change and {new} are new"
    if found.changes:
        agree(Consent(sentence, "nothing is saved until you confirm"), asked_before=arguments.yes)
    done = kept(folder, found)
    if arguments.json:
        document(done)
    else:
        say(_updated(done))
    return 0


def _named(price: Price) -> str:
    return f"{price.provider}/{price.model if isinstance(price, ApiPrice) else price.sku}"


def _told(price: Price | None, today: date) -> str:
    if price is None:
        return UNKNOWN
    return f"{_amounts(price)} ({_dated(Listed(price, freshness(price, today)), today)})"


def _updated(done: Updated) -> str:
    dated = f"as of {done.as_of}" if done.as_of else "undated, for the package has no date"
    return (
        f"{done.catalogue}: {done.rows} prices {dated}; {done.changed} are new or differ, "
        f"{done.unpriced} are {UNPRICED}"
    )


def _not_in_the_future(day: date, today: date) -> date:
    if day > today:
        raise UsageProblem(f"--as-of {day} is in the future; give the day the price was read")
    return day
