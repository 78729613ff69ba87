"""How far the verdict of one redraw walks through the code, from /metrics to the verdict line.

One ``main_view`` is called on a session that serves, with a measured capacity and two endpoints,
once to fill what is kept between redraws and once to count. Counted are the calls into the product
that lead to the money and the verdict, in the order in which they happen: the modules entered, the
functions in them by name, and how often a module is entered again that was left before.
"""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from pathlib import Path
from types import FrameType
from typing import Any

from backends.domain.billing.account import Account
from backends.domain.billing.meter import begin_meter
from backends.domain.facts import BecameReady, Fact, MetricsScraped, Spawned
from backends.domain.server import ProcessId
from backends.domain.serving import Counters, Histogram
from backends.domain.session import Session, advance, watching
from backends.domain.stamp import Stamp
from backends.operations.capacity import Capacity
from backends.operations.context import Context
from backends.settings.config import Endpoint, Limits, Profile, Settings, TokenPrices
from console.tui.views.screen import main_view

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = tuple(f"{ROOT / part}/" for part in ("console", "widgets", "backends"))
BEGINS = frozenset({"decide_all", "plan_view", "cost_view"})
"""What is called for the verdict and the bill beside it; all other panels are left out."""

BILL = frozenset({"rental_of", "cost_view"})
"""What of it is for the bill alone."""

EPOCH_S = 1_790_000_000.0


def at(mono_s: float) -> Stamp:
    """Return an instant."""
    return Stamp(mono_s, EPOCH_S + mono_s)


def scraped(mono_s: float, requests: float) -> MetricsScraped:
    """Return what the server counts after so many requests of 80 tokens in and 220 out."""
    edges = (50.0, 100.0, 200.0, 500.0, float("inf"))
    waits = Histogram(edges, (requests,) * 5, requests)
    into = Histogram(edges, (0.0, *(requests,) * 4), requests * 80)
    out = Histogram(edges, (0.0, 0.0, 0.0, requests, requests), requests * 220)
    return MetricsScraped(
        at(mono_s),
        Counters(
            process_start_s=EPOCH_S,
            requests_running=3.0,
            prompt_tokens=requests * 80,
            cached_prompt_tokens=requests * 20,
            generation_tokens=requests * 220,
            requests_finished=requests,
            ttft=waits,
            inter_token=waits,
            request_input_tokens=into,
            request_output_tokens=out,
        ),
    )


def situation() -> tuple[Session, Context]:
    """Return a server that serves two requests a second, and what lies beside it."""
    profile = Profile("chat", "org/model", gpu_usd_per_hour=Decimal("1.88"))
    endpoints = tuple(
        Endpoint(name, "http://127.0.0.1:9/v1", "m", prices=TokenPrices(into, out))
        for name, into, out in (
            ("serverless", Decimal("0.10"), Decimal("0.70")),
            ("second", Decimal("0.15"), Decimal("0.90")),
        )
    )
    capacity = Capacity(
        "chat", "org/model", (), Decimal("4.5"), True, 220, "", 1.0, None, EPOCH_S, 80, 0.4
    )
    settings = Settings((profile,), endpoints, Limits(ttft_p99_s=1.0))
    session = replace(
        watching(Session(at(0.0)), "chat", "org/model"),
        account=Account(meter=begin_meter("host_boot", EPOCH_S, EPOCH_S)),
    )
    facts: list[Fact] = [
        Spawned(
            at(1.0), "1", "chat", "org/model", (), ProcessId(42, 1), ProcessId(41, 1), "", 8000
        ),
        BecameReady(at(60.0)),
        *(scraped(60.0 + 20 * step, 40.0 * step) for step in range(30)),
    ]
    return reduce(advance, facts, session), Context(settings, capacities=(capacity,))


class Walk:
    """The modules that a call enters, in order.

    Attributes:
        calls: how often each function was called.
        path: the modules, each as often as it was entered from another one.
    """

    def __init__(self, left_out: frozenset[str]) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.path: list[str] = []
        self._left_out = left_out
        self._inside = 0
        self._outside = 0

    def profile(self, frame: FrameType, event: str, _: Any) -> None:
        """Count a call or a return, as `sys.setprofile` tells them."""
        code = frame.f_code
        if event not in {"call", "return"} or not code.co_filename.startswith(PRODUCT):
            return
        step = 1 if event == "call" else -1
        self._inside += step * (code.co_name in BEGINS)
        self._outside += step * (code.co_name in self._left_out)
        if step < 0 or not self._inside or self._outside or code.co_name.startswith("<"):
            return
        module = str(Path(code.co_filename).relative_to(ROOT).with_suffix("")).replace("/", ".")
        self.calls[module, code.co_name] += 1
        if not self.path or self.path[-1] != module:
            self.path.append(module)

    @property
    def rooms(self) -> tuple[str, ...]:
        """The modules entered, each once."""
        return tuple(dict.fromkeys(self.path))

    @property
    def returns(self) -> int:
        """How often a module was entered that had been left."""
        return len(self.path) - len(self.rooms)


def walked(call: Callable[[], object], left_out: frozenset[str] = BILL) -> Walk:
    """Return the walk of one call, without what some functions do."""
    walk = Walk(left_out)
    sys.setprofile(walk.profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return walk


def main() -> None:
    """Print the figures, the modules in the order of the walk, and what is computed repeatedly."""
    session, context = situation()
    first = walked(lambda: main_view(session, context))
    again = walked(lambda: main_view(session, context))
    money = walked(lambda: main_view(session, context), frozenset())
    for words, walk in (
        ("first redraw, the verdict decided", first),
        ("each redraw after it", again),
        ("the same with the bill", money),
    ):
        print(
            f"{words}: {len(walk.rooms)} modules, {len(walk.calls)} names, "
            f"{walk.returns} returns to modules left, {walk.calls.total()} calls"
        )
    print(*again.rooms, sep="\n")
    for (module, name), times in money.calls.most_common(30):
        print(f"{times:6} {module}.{name}")


if __name__ == "__main__":
    main()
