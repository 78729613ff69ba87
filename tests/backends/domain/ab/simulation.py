"""How often the comparison of two targets errs, by simulation: `make statistics`.

Draws two targets over and over from one population, as `ab` would have measured them, and asks the
very function that gives the verdict. A false alarm is a winner where there is no difference;
coverage is how often the 95 % interval holds a true shift. Every table is the same at every run.

    python -m tests.backends.domain.ab.simulation [--simulations 10000]
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.summary import difference

SHIFT_S = 0.03
# Floats: a tie of the shift with an end of the interval counts as held.
EPSILON_S = 1e-9

Draw = Callable[[random.Random], float]


def heavy_tail(source: random.Random) -> float:
    """Log-normal with a spread of 18 %, and one in twenty two to six times as long."""
    value = 0.2 * math.exp(source.gauss(0, 0.18))
    return value * source.uniform(2, 6) if source.random() < 0.05 else value


def exponential(source: random.Random) -> float:
    """A queue before a server that takes 100 ms: strongly skewed."""
    return 0.1 + source.expovariate(1 / 0.1)


def bell(source: random.Random) -> float:
    """Normal, spread 10 %."""
    return source.gauss(0.2, 0.02)


def two_modes(source: random.Random) -> float:
    """A cache that hits two times in three."""
    return source.gauss(0.08 if source.random() < 2 / 3 else 0.3, 0.01)


def tied(step_s: float) -> Draw:
    """The heavy tail told in whole steps, as a coarse clock would."""
    return lambda source: round(heavy_tail(source) / step_s) * step_s


POPULATIONS: dict[str, Draw] = {
    "heavy tail": heavy_tail,
    "exponential": exponential,
    "bell": bell,
    "two modes": two_modes,
    "tied, 1 ms": tied(0.001),
    "tied, 10 ms": tied(0.01),
}
SIZES = ((5, 5), (8, 8), (20, 20), (20, 12), (40, 40))


@dataclass(frozen=True)
class Found:
    """Shares of the simulations."""

    false_alarms: float
    coverage: float


def target(name: TargetName, values: Sequence[float]) -> list[Run]:
    """Runs with these times to the first token."""
    return [Run(name, index, ttft_s=value) for index, value in enumerate(values)]


def simulate(draw: Draw, sizes: tuple[int, int], simulations: int, seed: int = 1) -> Found:
    """Compare two targets of one population so many times."""
    source = random.Random(seed)
    alarms = held = 0
    for _ in range(simulations):
        a = target("a", [draw(source) for _ in range(sizes[0])])
        alike = target("b", [draw(source) for _ in range(sizes[1])])
        shifted = target("b", [draw(source) + SHIFT_S for _ in range(sizes[1])])
        nothing, something = difference(a, alike, "ttft_s"), difference(a, shifted, "ttft_s")
        assert nothing is not None
        assert something is not None
        alarms += nothing.verdict != "too_close"
        low, high = something.ci95
        held += low - EPSILON_S <= SHIFT_S <= high + EPSILON_S
    return Found(alarms / simulations, held / simulations)


def alarms_under_drift(slots: Sequence[TargetName], simulations: int, seed: int = 1) -> float:
    """False alarms where everything slows down by 20 % from the first run to the last."""
    source = random.Random(seed)
    alarms = 0
    for _ in range(simulations):
        values: dict[TargetName, list[float]] = {"a": [], "b": []}
        for place, name in enumerate(slots):
            drift = 1 + 0.2 * place / len(slots)
            values[name].append(heavy_tail(source) * drift)
        found = difference(target("a", values["a"]), target("b", values["b"]), "ttft_s")
        assert found is not None
        alarms += found.verdict != "too_close"
    return alarms / simulations


def interleaved(runs: int, seed: int = 1) -> list[TargetName]:
    """The order of a series: every round of targets in an order drawn anew."""
    source = random.Random(seed)
    names: tuple[TargetName, ...] = ("a", "b")
    return [name for _ in range(runs) for name in source.sample(names, 2)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="how often the comparison of two targets errs")
    parser.add_argument("--simulations", type=int, default=10_000)
    simulations = parser.parse_args().simulations
    print(
        f"{simulations:,} simulations a row; false alarms promised at most 6 %, coverage 93 to 97"
    )
    print(f"{'population':14} {'runs a, b':>10} {'false alarms':>13} {'coverage':>9}")
    for name, draw in POPULATIONS.items():
        for sizes in SIZES:
            found = simulate(draw, sizes, simulations)
            runs = f"{sizes[0]}, {sizes[1]}"
            print(
                f"{name:14} {runs:>10} {found.false_alarms:12.1%}  {found.coverage:8.1%}",
                flush=True,
            )
    in_turn: list[TargetName] = [*["a"] * 20, *["b"] * 20]  # type: ignore[list-item]
    for words, slots in (("interleaved, as ab does", interleaved(20)), ("A..A B..B", in_turn)):
        alarms = alarms_under_drift(slots, simulations)
        print(f"all 20 % slower from first to last of 20 runs, {words}: {alarms:.1%} false alarms")


if __name__ == "__main__":
    main()
