"""Damaged documents for each reader, for as long as is asked: `make fuzz-readers`."""

import argparse
import itertools
import random
import time

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.damage import damaged
from tests.fuzz.targets import TARGETS

AT_ONCE = 500
"""Examples between two looks at the clock; what fails among them is made small, and shown."""


def fuzz(name: str, minutes: float, first_seed: int) -> int:
    """Return how many documents a reader was given; raises what it raised."""
    target, count = TARGETS[name], 0
    ends_s = time.monotonic() + minutes * 60
    for number in itertools.count(first_seed):
        if time.monotonic() > ends_s:
            return count

        @seed(number)
        @settings(
            max_examples=AT_ONCE,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(damaged(target.documents))
        def reads(document: bytes) -> None:
            nonlocal count
            count += 1
            if time.monotonic() < ends_s:
                target.read(document)

        reads()
    raise AssertionError


def main() -> None:
    """Print how many documents each reader was given."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="READER", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=10.0, help="for each reader")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked = parser.parse_args()
    for name in asked.names or TARGETS:
        print(f"{name}: seed {asked.seed}, {asked.minutes:g} min", flush=True)
        print(f"{name}: {fuzz(name, asked.minutes, asked.seed):,} documents, no fault", flush=True)


if __name__ == "__main__":
    main()
