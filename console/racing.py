"""From names to an A/B: which endpoints stand in which lane, and what the series may cost."""

import secrets
from collections.abc import Sequence
from decimal import Decimal

from backends.domain.money.request_cost import MTOK
from backends.domain.run import LaneName, SeriesMode
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session
from backends.prober.orders import Lane, Limits, SeriesOrder
from backends.prober.prompts import Prompt
from backends.settings.config import Settings
from backends.settings.endpoint_reference import EndpointTarget, resolve_endpoint

LANES: tuple[LaneName, ...] = ("a", "b", "c", "d")

CHARACTERS_PER_TOKEN = 2
"""Fewer than any tokenizer makes of English, so that the bound on cost is one."""


def contestants(session: Session, settings: Settings) -> tuple[str, ...]:
    """Return the endpoints that a key press sends the prompt to: the watched server first."""
    server = session.life.server if session.life else None
    ready = (_reference(server),) if server and _answers(server) else ()
    return (*ready, *(endpoint.name for endpoint in settings.endpoints))[: len(LANES)]


def _answers(server: Server) -> bool:
    if server.owner is Owner.FOREIGN:
        return server.state is ServerState.FOREIGN and None not in (server.base_url, server.model)
    return server.state is ServerState.READY


def _reference(server: Server) -> str:
    """Return the profile of a server, or the address of one that somebody else runs."""
    return f"{server.base_url}#{server.model}" if server.owner is Owner.FOREIGN else server.name


def lanes(references: Sequence[str], settings: Settings) -> tuple[Lane, ...]:
    """Return one lane for each reference.

    Raises:
        Problem: a reference names no endpoint, or its key cannot be had.
    """
    targets = [resolve_endpoint(reference, settings) for reference in references]
    return tuple(_lane(name, target) for name, target in zip(LANES, targets, strict=False))


def _lane(name: LaneName, target: EndpointTarget) -> Lane:
    prices = target.prices
    return Lane(
        name=name,
        endpoint=target.name,
        base_url=target.base_url,
        model=target.model,
        api_key=target.secret.reveal() if target.secret else None,
        input_usd_per_mtok=_digits(prices.input_usd_per_mtok) if prices else None,
        output_usd_per_mtok=_digits(prices.output_usd_per_mtok) if prices else None,
        cached_input_usd_per_mtok=_digits(prices.cached_input_usd_per_mtok) if prices else None,
    )


def series(
    among: tuple[Lane, ...],
    prompt: Prompt,
    runs: int,
    *,
    max_tokens: int | None = None,
    mode: SeriesMode = "interleaved",
    cached: bool = False,
    ignore_eos: bool = False,
    timeout_s: float = 120.0,
) -> SeriesOrder:
    """Return the order of an A/B."""
    return SeriesOrder(
        series_id=secrets.token_hex(6),
        lanes=among,
        prompt=prompt.text,
        runs=runs,
        max_tokens=max_tokens or prompt.max_tokens,
        mode=mode,
        cached=cached,
        ignore_eos=ignore_eos,
        limits=Limits(ttft_s=timeout_s, total_s=max(timeout_s, Limits().total_s)),
    )


def most_usd(order: SeriesOrder) -> Decimal | None:
    """Return what a series costs at most on its priced lanes, None where none is priced."""
    priced = [
        (Decimal(lane.input_usd_per_mtok), Decimal(lane.output_usd_per_mtok))
        for lane in order.lanes
        if lane.input_usd_per_mtok is not None and lane.output_usd_per_mtok is not None
    ]
    if not priced:
        return None
    input_tokens = len(order.prompt) // CHARACTERS_PER_TOKEN + 64
    once = sum((into * input_tokens + out * order.max_tokens for into, out in priced), Decimal(0))
    return once / MTOK * (order.runs + 1)


def _digits(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")
