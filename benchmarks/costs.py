"""What a what-if costs: from a key on the cost screen to the redrawn screen, part of `make bench`.

The screen stands on a session of its own, with a measured capacity and two endpoints, in a headless
terminal of 120x35; old objects are spared by the garbage collection, as in the console. Each figure
is stepped up and down; a redraw is over when the frame with it is drawn.
"""

import asyncio
import gc
import os
import statistics
import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import cos, pi

from textual.app import App

from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import decide
from backends.operations.decision import decide_all
from benchmarks.verdict_walk import situation
from console.tui.screens.costs import CostScreen
from console.tui.views.what_if import FIGURES

SIZE = (120, 35)
BUDGET_MS = 50.0
"""A key is answered within this, as everywhere in the console."""

DECISION_MS = 5.0

DAY = date(2026, 9, 21)


async def redraws_ms(rounds: int) -> list[float]:
    """Return the milliseconds of each redraw."""
    took = []
    decided = decide_all(*situation(), DAY)
    app = App[None]()
    async with app.run_test(size=SIZE) as pilot:
        await app.push_screen(CostScreen(decided))
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, CostScreen)
        gc.collect()
        gc.freeze()
        for _ in range(rounds):
            for _ in FIGURES:
                for direction in (1, -1):
                    began = time.perf_counter()
                    drawn = asyncio.Event()
                    screen.action_change(direction)
                    screen.call_after_refresh(drawn.set)
                    await drawn.wait()
                    took.append((time.perf_counter() - began) * 1000)
                screen.action_choose(1)
    return took


def of_a_week(scenario: Scenario) -> Scenario:
    """Return a scenario of a working week in bursts, on GPUs that can be rented by the hour."""
    day = [Decimal(round(100 + 86 * cos(2 * pi * (hour - 14) / 24))) for hour in range(24)]
    week = [rate * level for level in (115,) * 5 + (62,) * 2 for rate in day]
    bursts = tuple((Decimal(1) / 24, Decimal(2 * band + 1) / 24) for band in reversed(range(24)))
    return replace(
        scenario,
        rate_rps=None,
        hours_per_day=None,
        profile_rps=tuple(rate / 5500 for rate in week),
        bursts=bursts,
        cold_start_s=Decimal(61),
        granularity_s=Decimal(1),
    )


def decision_ms(scenario: Scenario, nth: int) -> float:
    """Return the milliseconds of CPU of one decision on figures that were not seen before."""
    times = 1 + Decimal(nth) / 10**6
    rates = scenario.profile_rps
    changed = (
        scenario
        if rates is None
        else replace(scenario, profile_rps=tuple(rate * times for rate in rates))
    )
    began = time.process_time()
    decide(changed)
    return (time.process_time() - began) * 1000


def main() -> None:
    """Print the figures."""
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, {SIZE[0]}x{SIZE[1]}")
    took = sorted(asyncio.run(redraws_ms(6))[2:])
    median, worst = statistics.median(took), took[int(len(took) * 0.99)]
    for words, value in (("what-if redraw, median", median), ("what-if redraw, p99", worst)):
        mark = "within" if value <= BUDGET_MS else "OVER"
        print(f"{words:24}{value:10.1f} ms            {mark} the budget of {BUDGET_MS:g}")
    scenario = decide_all(*situation(), DAY).scenario
    for words, asked in (("one decision", scenario), ("of a learnt week", of_a_week(scenario))):
        value = min(decision_ms(asked, nth) for nth in range(30))
        mark = "within" if value <= DECISION_MS else "OVER"
        print(f"{words:24}{value:10.1f} ms of CPU     {mark} the budget of {DECISION_MS:g}")


if __name__ == "__main__":
    main()
