"""Small faults, one at a time, and whether a test near each notices: `make mutants`.

Positions are drawn by a seed, which is printed, at least eight in each room, and tried in an order
that is drawn too, so that the figures of a part of a run speak for the whole. A fault is put into a
copy of the sources, and the tests that go through its lines are run against it; one that they all
pass survives. Tests are those of the module's room that import it, or where none does all that do,
and those that hold a whole package. One that fails without a fault, before or after it failed with
one, counts for nothing.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection
from functools import cache
from pathlib import Path

from tests.conftest import SHARED
from tests.mutants.covering import Covering
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.forked import Forked
from tests.mutants.operators import Mutant, mutants_in

REPOSITORY = Path(__file__).parents[2]
COUNT, LEAST_A_ROOM = 300, 8
MOST_SHARE, MOST_SHARE_OF_DOMAIN = 0.12, 0.07
SURVIVES = "survives: "
MOST_TEST_FILES = 12
"""Of those that no line is known of: what runs in processes of its own."""


def room_of(path: str) -> str:
    """Return the folder that a fault is counted with."""
    parts = Path(path).parts
    return "/".join(parts[: 3 if parts[:2] == ("backends", "domain") else 2][: len(parts) - 1])


def drawn(seed: int, count: int) -> list[Mutant]:
    """Return faults of all rooms, as many of each at least as `LEAST_A_ROOM` or as there are."""
    rooms: dict[str, list[Mutant]] = defaultdict(list)
    for path in sorted(listed("backends", "console", "widgets")):
        if path.endswith(".py") and "/simulated/" not in path:
            found = list(mutants_in(path, (REPOSITORY / path).read_bytes()))
            rooms[room_of(path)] += [each for each in found if _key(each) not in EQUIVALENT]
    draw = random.Random(seed)
    chosen = [one for found in rooms.values() for one in _some(draw, found, LEAST_A_ROOM)]
    rest = [one for found in rooms.values() for one in found if one not in set(chosen)]
    chosen += _some(draw, rest, max(0, count - len(chosen)))
    return _some(draw, chosen, len(chosen))


def survivors_in(printed: str) -> list[Mutant]:
    """Return the faults that an earlier run printed, where their files still have them."""
    found = []
    for line in filter(lambda line: line.startswith(SURVIVES), printed.splitlines()):
        path, number, said = line.removeprefix(SURVIVES).split(":", 2)
        same = [
            each
            for each in mutants_in(path, (REPOSITORY / path).read_bytes())
            if str(each).split(":", 2)[2] == said and _key(each) not in EQUIVALENT
        ]
        found += sorted(same, key=lambda each: abs(each.line - int(number)))[:1]
    return found


def _some(draw: random.Random, among: list[Mutant], count: int) -> list[Mutant]:
    return draw.sample(among, min(count, len(among)))


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.path, mutant.operator, mutant.around


@cache
def listed(*folders: str) -> tuple[str, ...]:
    """Return the files that git knows of, with those that are new."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    told = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return tuple(told.stdout.splitlines())


@cache
def tests_near(path: str) -> tuple[str, ...]:
    """Return the test files of a module's room that import it, or else those of others."""
    module = path.removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    mirror = Path("tests") / Path(path).with_name(f"test_{Path(path).name}")
    asked = (f"from {module} import", f"import {module}", f"from {package} import {name}")
    importing = [
        test
        for test in test_files()
        if test == str(mirror)
        or any(each in (REPOSITORY / test).read_text(encoding="utf-8") for each in asked)
    ]
    room = f"tests/{room_of(path)}/"
    folder = [one for one in test_files() if Path(one).parent == mirror.parent]
    inside = [test for test in importing if test.startswith(room)]
    return tuple(inside or importing or folder)


@cache
def tests_of_all(path: str) -> tuple[str, ...]:
    """Return the test files that hold all modules of a package which a module is in."""
    above = [".".join(Path(path).parts[:depth]) for depth in range(1, len(Path(path).parts))]
    holds = {f"import {package}" for package in above}
    texts = ((one, (REPOSITORY / one).read_text(encoding="utf-8")) for one in test_files())
    return tuple(test for test, text in texts if not holds.isdisjoint(text.splitlines()))


@cache
def test_files() -> tuple[str, ...]:
    """Return the files of tests."""
    names = (one for one in listed("tests") if one.endswith(".py"))
    return tuple(one for one in names if Path(one).name.startswith("test_"))


class Copy:
    """A copy of the sources and tests, in which one fault at a time is put."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unreliable = set[str]()
        for path in listed():
            if (REPOSITORY / path).is_file():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / path, target)

    def measure(self, modules: Collection[str]) -> set[str]:
        """Learn which lines the tests near these modules go through; returns those that fail."""
        near = list(dict.fromkeys(test for path in modules for test in tests_near(path)))
        self._covering = Covering(self._folder, near)
        self._forked = Forked(self._folder, near)
        return self._covering.failed

    def survives(self, mutant: Mutant) -> bool:
        """Tell whether the tests that go through a fault pass in spite of it."""
        file = self._folder / mutant.path
        source = file.read_bytes()
        last = mutant.line + source[mutant.begin : mutant.end].count(b"\n")
        near = tests_near(mutant.path)
        tests = self._forked.known(self._covering.tests(mutant.path, mutant.line, last, near))
        asked = (*(tests or near[:MOST_TEST_FILES]), *tests_of_all(mutant.path))
        while True:
            file.write_bytes(mutant.applied(source))
            try:
                passed, failed = self._forked.passes(asked, self._unreliable)
            finally:
                file.write_bytes(source)
            if passed or not failed or self._forked.passes([failed])[0]:
                return passed
            self._unreliable.add(failed)


def main() -> int:
    """Print each survivor, and how many of how many survived; 1 where it is too many."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--room", default="", help="only rooms whose name begins so")
    parser.add_argument("--but", default="\0", help="no room whose name begins so")
    parser.add_argument("--again", type=Path, help="those that an earlier run printed into a file")
    parser.add_argument("--first", type=int, help="no more than so many of those that are left")
    asked = parser.parse_args()
    faults = (
        survivors_in(asked.again.read_text(encoding="utf-8"))
        if asked.again
        else drawn(asked.seed, asked.count)
    )
    chosen = [one for one in faults if one.path.startswith(asked.room)]
    chosen = [one for one in chosen if not one.path.startswith(asked.but)][: asked.first]
    print(f"seed {asked.seed}: {len(chosen)} faults", flush=True)
    tried: dict[str, int] = defaultdict(int)
    survived: dict[str, int] = defaultdict(int)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        if SHARED.is_dir():
            Path(folder, SHARED.name).symlink_to(SHARED)
        copy = Copy(Path(folder, "copy"))
        failed = copy.measure({one.path for one in chosen})
        print(f"fail without a fault: {sorted(failed)}", flush=True)
        for mutant in chosen:
            tried[room_of(mutant.path)] += 1
            survives = copy.survives(mutant)
            survived[room_of(mutant.path)] += survives
            print(f"{SURVIVES if survives else 'is noticed: '}{mutant}", flush=True)
    for room, count in sorted(tried.items()):
        print(f"{room:32} {survived[room]:3} of {count}")
    inside = [room for room in tried if room.startswith("backends/domain")]
    shares = [
        (sum(survived[room] for room in rooms) / max(1, sum(tried[room] for room in rooms)), most)
        for rooms, most in ((list(tried), MOST_SHARE), (inside, MOST_SHARE_OF_DOMAIN))
    ]
    print(f"{shares[0][0]:.0%} survive, in the domain {shares[1][0]:.0%}")
    return int(any(share > most for share, most in shares))


if __name__ == "__main__":
    sys.exit(main())
