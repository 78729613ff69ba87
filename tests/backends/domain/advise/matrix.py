"""The confusion matrix of `inferctl advise` over planted bottlenecks, as a table.

``python -m tests.backends.domain.advise.matrix [--seed N] [--worlds N]``
"""

import argparse
import random
from collections import Counter

from backends.domain.advise.binding import Resource
from tests.backends.domain.advise.worlds import PLANTED, drawn, judged

SAID = (*PLANTED, Resource.UNKNOWN)
UNPLANTED = frozenset({Resource.NONE, Resource.UNKNOWN})
"""What may be said of a server that nothing binds: neither gives advice."""


def confusion(seed: int, worlds: int) -> Counter[tuple[Resource, Resource]]:
    """How often each planted bottleneck was called what; every second world hides its seats."""
    counts: Counter[tuple[Resource, Resource]] = Counter()
    for planted in PLANTED:
        for number in range(worlds):
            chance = random.Random(f"{seed} {planted} {number}")
            world = drawn(planted, chance)
            binding = judged(world, chance, knows_seats=number % 2 == 0)
            counts[planted, binding.resource] += 1
    return counts


def false_alarms(counts: Counter[tuple[Resource, Resource]]) -> int:
    """Healthy servers that got advice."""
    return sum(n for (planted, said), n in counts.items() if planted is Resource.NONE) - sum(
        counts[Resource.NONE, said] for said in UNPLANTED
    )


def main() -> None:
    """Print the matrix; fail on more than one false alarm in twenty."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--worlds", type=int, default=40)
    asked = parser.parse_args()
    counts = confusion(asked.seed, asked.worlds)
    print(f"seed {asked.seed}, {asked.worlds} worlds of each kind, two minutes of each watched")
    print(f"{'planted':10}" + "".join(f"{said:>10}" for said in SAID) + f"{'right':>10}")
    for planted in PLANTED:
        row = [counts[planted, said] for said in SAID]
        right = counts[planted, planted]
        print(f"{planted:10}" + "".join(f"{n:>10}" for n in row) + f"{right / asked.worlds:>10.0%}")
    alarms = false_alarms(counts)
    print(f"false alarms: {alarms} of {asked.worlds} ({alarms / asked.worlds:.1%})")
    raise SystemExit(alarms > 0.05 * asked.worlds)


if __name__ == "__main__":
    main()
