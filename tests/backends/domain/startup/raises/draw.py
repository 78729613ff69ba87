"""The draws of the places that were labelled by hand: by seeds, no folder dominating.

Run as ``python -m tests.backends.domain.startup.raises.draw PATH_OF_VLLM_PACKAGE``. Each seed draws
from what those before it left. What is
raised counts, not what is only logged: a start ends with an exception. A stratum is a folder of
the package, of `model_executor` and `v1` a folder within; it gets places by the square root of
what it raises, twice as many where an operator's own options and host are judged, so that the
checks of shapes in the many model files do not hide the rest. One file gives at most two.
"""

import random
import sys
from collections import Counter, defaultdict
from math import sqrt
from pathlib import Path

from tests.backends.domain.startup.raises.walk import Raised, raises

SEEDS = (20261130, 20261201, 20261202, 20261203, 20261204)
DRAWN = 120
FROM_ONE_FILE = 2
_SPLIT = {"model_executor", "v1"}
_TWICE = {
    "config",
    "engine",
    "entrypoints",
    "lora",
    "model_executor/model_loader",
    "platforms",
    "transformers_utils",
    "v1/engine",
    "v1/executor",
    "v1/worker",
}
_SMALLEST = 20
"""Raises below which a folder belongs to the stratum of the rest."""


def draws(package: Path) -> list[tuple[list[Raised], dict[str, tuple[int, int]]]]:
    """Return what each seed draws, and by stratum how many it drew of how many."""
    left = [each for each in raises(package) if "." not in each.exception]
    found = []
    for seed in SEEDS:
        found.append(_drawn(left, seed))
        left = [place for place in left if place not in found[-1][0]]
    return found


def _drawn(raised: list[Raised], seed: int) -> tuple[list[Raised], dict[str, tuple[int, int]]]:
    strata = _strata(raised)
    weights = {
        name: sqrt(len(places)) * (2 if name in _TWICE else 1) for name, places in strata.items()
    }
    exact = {name: DRAWN * weight / sum(weights.values()) for name, weight in weights.items()}
    shares = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: shares[name] - exact[name])
    for name in by_remainder[: DRAWN - sum(shares.values())]:
        shares[name] += 1
    generator = random.Random(seed)
    found: list[Raised] = []
    by_file: Counter[str] = Counter()
    for name in sorted(strata):
        found += _some(strata[name], shares[name], by_file, generator)
    left = [place for name in sorted(strata) for place in strata[name] if place not in found]
    found += _some(left, DRAWN - len(found), by_file, generator)
    return found, {name: (shares[name], len(strata[name])) for name in sorted(strata)}


def _strata(places: list[Raised]) -> dict[str, list[Raised]]:
    by_folder: dict[str, list[Raised]] = defaultdict(list)
    for place in places:
        _, top, *rest = place.file.split("/")
        name = f"{top}/{rest[0]}" if top in _SPLIT and len(rest) > 1 else top
        by_folder["models" if name == "model_executor/models" else name].append(place)
    strata: dict[str, list[Raised]] = defaultdict(list)
    for name, found in by_folder.items():
        strata[name if len(found) >= _SMALLEST else "the rest"] += found
    return strata


def _some(
    places: list[Raised], count: int, by_file: Counter[str], generator: random.Random
) -> list[Raised]:
    order = sorted(places, key=lambda each: (each.file, each.line))
    generator.shuffle(order)
    chosen: list[Raised] = []
    for place in order:
        if len(chosen) < count and by_file[place.file] < FROM_ONE_FILE:
            chosen.append(place)
            by_file[place.file] += 1
    return chosen


def main() -> None:
    """Print each seed, the strata and the drawn places."""
    for seed, (found, strata) in zip(SEEDS, draws(Path(sys.argv[1])), strict=True):
        print(f"seed {seed}, {len(found)} places, at most {FROM_ONE_FILE} of one file")
        for name, (count, of) in strata.items():
            print(f"  {count:3} of {of:4}  {name}")
        for each in found:
            print(f"{each.file}:{each.line} {each.function}: {each.exception}: {each.message}")


if __name__ == "__main__":
    main()
