"""How often NVIDIA's driver is asked, and how long each call takes, by counting them."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pynvml

Calls = dict[str, list[float]]
"""Seconds of each call, by its name."""


@contextmanager
def metered() -> Iterator[Calls]:
    """Note every call of the driver that is made inside."""
    calls: Calls = defaultdict(list)
    names = [name for name in dir(pynvml) if name.startswith(("nvmlDevice", "nvmlInit"))]
    originals = {name: getattr(pynvml, name) for name in names if callable(getattr(pynvml, name))}
    for name, function in originals.items():
        setattr(pynvml, name, _timed(name, function, calls))
    try:
        yield calls
    finally:
        for name, function in originals.items():
            setattr(pynvml, name, function)


def _timed(name: str, function: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        began_s = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            calls[name].append(time.perf_counter() - began_s)

    return timed


def lines(calls: Calls, seconds: float) -> list[str]:
    """Return a table: calls a minute, and what one of them takes."""
    table = [f"{'call':48} {'per minute':>10} {'median':>9} {'worst':>9}"]
    for name, taken in sorted(calls.items(), key=lambda each: -sum(each[1])):
        per_minute = 60 * len(taken) / seconds
        median, worst = statistics.median(taken) * 1e6, max(taken) * 1e6
        table.append(f"{name:48} {per_minute:10.1f} {median:6.0f} µs {worst:6.0f} µs")
    return table
