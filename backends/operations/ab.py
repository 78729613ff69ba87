"""An A/B from names: which endpoint is target A, B, C or D, and what the series may cost."""

import secrets
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backends.domain.ab.run import SeriesMode, TargetName
from backends.domain.address import is_loopback
from backends.domain.format import usd
from backends.domain.prices.cost import request_prices
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session
from backends.operations.consent import Consent
from backends.operations.host import Host
from backends.prober.prompts import Prompt, named_prompt
from backends.prober.protocol import Limits, SeriesOrder, Target
from backends.problem import NotFound, UsageProblem
from backends.servers.listing import list_servers
from backends.settings.config import RequestForm, Settings, TokenPrices
from backends.settings.endpoint_reference import EndpointTarget, resolve_endpoint

TARGETS: tuple[TargetName, ...] = ("a", "b", "c", "d")

LEAST_TARGETS = 2

TYPED_MAX_TOKENS = 220
"""Output tokens that are asked for after a prompt of one's own: one paragraph."""

ASK_ABOVE_RUNS = 1
"""A single run costs about what reading a question costs; more at a price are asked about."""


def ab_targets(session: Session, settings: Settings) -> tuple[str, ...]:
    """Return the endpoints that a key press sends the prompt to: the watched server first."""
    server = session.life.server if session.life else None
    ready = (_reference(server),) if server and _answers(server) else ()
    return (*ready, *(endpoint.name for endpoint in settings.endpoints))[: len(TARGETS)]


def why_no_ab(session: Session, settings: Settings) -> str:
    """Return what is missing for an A/B, empty where nothing is."""
    if len(ab_targets(session, settings)) >= LEAST_TARGETS:
        return ""
    sleeps = session.life is not None and session.life.server.state is ServerState.SLEEPING
    what = "wake" if sleeps else "start"
    return f"needs two targets: {what} the server, or add [endpoint.NAME] to config.toml"


def check_that_none_sleeps(references: Sequence[str], host: Host) -> None:
    """See that no target is a server of this host that sleeps: requests to it wait for ever.

    Raises:
        NotFound: one is.
    """
    for server in list_servers(host.state_folder):
        if server.state is ServerState.SLEEPING and _reference(server) in references:
            raise NotFound(f"{server.name} is sleeping; run: inferctl wake {server.name}")


def _answers(server: Server) -> bool:
    if server.owner is Owner.EXTERNAL:
        return server.state is ServerState.READY and None not in (server.base_url, server.model)
    return server.state is ServerState.READY


def _reference(server: Server) -> str:
    """Return the profile of a server, or the address of one that somebody else runs."""
    return f"{server.base_url}#{server.model}" if server.owner is Owner.EXTERNAL else server.name


CHARACTERS_PER_TOKEN = 2
"""Fewer than any tokenizer makes of English, so that the bound on cost is one."""

ADDED_TOKENS = 64
"""A chat template and the nonce of a run are shorter."""


def targets(references: Sequence[str], settings: Settings) -> tuple[Target, ...]:
    """Return one target for each reference.

    Raises:
        Problem: a reference names no endpoint, or its key cannot be had.
    """
    targets = [resolve_endpoint(reference, settings) for reference in references]
    return tuple(_target(name, target) for name, target in zip(TARGETS, targets, strict=False))


def _target(name: TargetName, target: EndpointTarget) -> Target:
    return Target(
        name=name,
        endpoint=target.name,
        base_url=target.base_url,
        model=target.model,
        api_key=target.secret.reveal() if target.secret else None,
        prices=request_prices(target.prices or TokenPrices()),
        extra=_extra(target.form),
        headers=tuple(
            (field, value if isinstance(value, str) else value.reveal())
            for field, value in target.headers
        ),
        secret_values=tuple(
            value.reveal() for _, value in target.headers if not isinstance(value, str)
        ),
        query=target.form.query,
        auth=target.form.auth,
        api=target.form.api,
    )


def _extra(form: RequestForm) -> dict[str, Any]:
    """Return the fields of the body that an endpoint gets besides those of every request."""
    effort = form.reasoning_effort
    extra: dict[str, Any] = {}
    if effort:
        extra = (
            {"reasoning": {"effort": effort}}
            if form.api == "responses"
            else {"reasoning_effort": effort}
        )
    if form.provider:
        extra["provider"] = dict(form.provider)
    return {**extra, **form.extra_body}


def series(
    among: tuple[Target, ...],
    prompt: Prompt,
    runs: int,
    *,
    max_tokens: int | None = None,
    mode: SeriesMode = "interleaved",
    cached: bool = False,
    ignore_eos: bool = False,
    timeout_s: float | None = None,
) -> SeriesOrder:
    """Return the order of an A/B; `timeout_s` bounds each whole run, and each wait for one."""
    usual = Limits()
    first_s, all_s = timeout_s or usual.ttft_s, timeout_s or usual.total_s
    limits = Limits(usual.connect_s, first_s, all_s, wait_s=first_s)
    return SeriesOrder(
        series_id=secrets.token_hex(6),
        targets=among,
        prompt=prompt.text,
        runs=runs,
        max_tokens=max_tokens or prompt.max_tokens,
        mode=mode,
        cached=cached,
        ignore_eos=ignore_eos,
        limits=limits,
    )


def typed_prompt(text: str) -> Prompt:
    """Return the prompt of the library with this name, else the text as it was typed."""
    return named_prompt(text) or Prompt("typed", "typed", text, TYPED_MAX_TOKENS)


def prompt_in(file: Path) -> Prompt:
    """Return the prompt that a file holds.

    Raises:
        UsageProblem: the file cannot be read.
    """
    try:
        text = file.expanduser().read_text(errors="replace")
    except OSError as error:
        raise UsageProblem(f"{file}: {error.strerror}") from error
    return Prompt("file", str(file), text, TYPED_MAX_TOKENS)


def costs_nothing(target: Target, settings: Settings) -> bool:
    """Return whether a request there cannot be charged: no price, and a server of this machine."""
    here = is_loopback(urlsplit(target.base_url).hostname or "")
    return not target.prices.known and (here or settings.profile(target.endpoint) is not None)


def consent(order: SeriesOrder, host: Host) -> Consent:
    """Return what is asked before a series; one run, and the demo, are not asked about."""
    runs = "1 run" if order.runs == 1 else f"{order.runs} runs"
    free = all(costs_nothing(target, host.settings) for target in order.targets)
    return Consent(
        f"{runs} and one warm-up at each of {len(order.targets)} endpoints",
        cost_text(order, host.settings),
        most_usd(order),
        needed=order.runs > ASK_ABOVE_RUNS and not host.simulated and not free,
    )


def most_usd(order: SeriesOrder) -> Decimal | None:
    """Return what a series costs at most on its priced targets, None where none is priced."""
    priced = [most_usd_once(target, order.prompt, order.max_tokens) for target in order.targets]
    known = [once for once in priced if once is not None]
    return sum(known, Decimal(0)) * (order.runs + order.warm_up) if known else None


def most_usd_once(target: Target, prompt: str, max_tokens: int) -> Decimal | None:
    """Return what one request costs at most, with all its output tokens; None unpriced."""
    return target.prices.most_usd(len(prompt) // CHARACTERS_PER_TOKEN + ADDED_TOKENS, max_tokens)


def cost_text(order: SeriesOrder, settings: Settings) -> str:
    """Return what a series costs at most, and which targets nobody can price."""
    most = most_usd(order)
    told = [] if most is None else [f"at most {usd(most)}"]
    unpriced = [
        target.endpoint
        for target in order.targets
        if not target.prices.known and settings.profile(target.endpoint) is None
    ]
    if unpriced:
        told.append(f"UNPRICED: {', '.join(unpriced)}")
    return "; ".join(told) or "no price per token: its own servers, paid by the hour"
