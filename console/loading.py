"""From a name to an open-loop load: its limits, its bounds, and what it may cost at most."""

import hashlib
from decimal import Decimal
from urllib.parse import urlsplit

from backends.domain.money.request_cost import MTOK
from backends.domain.server import ServerState
from backends.domain.streams.load import LoadEnded, LoadStep
from backends.host.servers import list_servers
from backends.prober.orders import LoadOrder
from backends.problem import NotFound
from backends.settings.config import is_loopback
from console.capacity import Capacity
from console.machine import Machine
from console.racing import CHARACTERS_PER_TOKEN

DEFAULT_TTFT_S = 1.0
"""Taken where no limit is configured, and said."""


def costs_nothing(order: LoadOrder) -> bool:
    """Return whether the endpoint is on this machine and has no price."""
    host = urlsplit(order.lane.base_url).hostname or ""
    return is_loopback(host) and order.lane.output_usd_per_mtok is None


def most_usd(order: LoadOrder) -> Decimal | None:
    """Return what a load costs at most, None where the endpoint is UNPRICED."""
    lane = order.lane
    if lane.input_usd_per_mtok is None or lane.output_usd_per_mtok is None:
        return None
    input_tokens = len(order.prompt) // CHARACTERS_PER_TOKEN + 64
    once = (
        Decimal(lane.input_usd_per_mtok) * input_tokens
        + Decimal(lane.output_usd_per_mtok) * order.max_tokens
    )
    most = once / MTOK * order.max_requests
    return most if order.max_usd is None else min(most, Decimal(order.max_usd))


def check_that_it_serves(machine: Machine, name: str) -> None:
    """See that a server of this host is ready before anything is sent to it.

    Raises:
        NotFound: it is not.
    """
    if machine.settings.profile(name) is None:
        return
    found = [each for each in list_servers(machine.state_folder) if each.name == name]
    state = found[0].state if found else ServerState.STOPPED
    if state is not ServerState.READY:
        raise NotFound(f"{name} is {state}, not ready; run: inferctl start {name} --wait")


def measured_capacity(
    machine: Machine, order: LoadOrder, ended: LoadEnded, best: LoadStep
) -> Capacity | None:
    """Return what a load found of a server of this host, None for any other endpoint."""
    profile = machine.settings.profile(order.lane.endpoint)
    if profile is None:
        return None
    return Capacity(
        server=profile.name,
        model=profile.model,
        args=profile.args,
        rps=Decimal(repr(best.planned_rps)),
        bounded=ended.bounded,
        output_tokens=order.max_tokens,
        prompt_sha256=hashlib.sha256(order.prompt.encode()).hexdigest(),
        ttft_limit_s=order.ttft_limit_s,
        itl_limit_s=order.itl_limit_s,
        measured_wall_s=machine.now().wall_s,
    )
