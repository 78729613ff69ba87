"""Which tests go through which line, so that a fault meets only tests that could notice it.

As a plug-in of pytest this module tells coverage which test runs, and writes down how each ended.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import coverage
import pytest

ENDED = "MUTANTS_ENDED"
"""The variable that names the file of what a test did and how long it took."""

NOT_THESE = "not (slow or real_vllm or docker or terminal)"
OPTIONS = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=quick", "--timeout=60")
SETTINGS = "[run]\nsource = backends,console,widgets\n"
WITHIN_S = 3600.0
MOST_S, MOST_TESTS = 60.0, 400
"""Of the tests that one fault meets."""

LONGEST_NAME = 200
"""Of one test on a command line; all of a function whose parameters make a longer one are run."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):  # type: ignore[no-untyped-def]
    """Say in whose name lines run from here on."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down how each step of a test ended, and how long it took."""
    if ENDED in os.environ:
        with Path(os.environ[ENDED]).open("a", encoding="utf-8") as file:
            file.write(json.dumps([report.nodeid, report.outcome, report.duration]) + "\n")


class Covering:
    """The tests that pass in a copy of the sources, by the lines they go through."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self._folder = folder
        settings, ended = folder / ".mutants.rc", folder / ".mutants.ended"
        settings.write_text(SETTINGS, encoding="utf-8")
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest"]
        command += ["-p", __name__, *OPTIONS, "-m", NOT_THESE, *files]
        surroundings = {**os.environ, ENDED: str(ended), "PYTHONPATH": str(folder)}
        subprocess.run(
            command,
            cwd=folder,
            env=surroundings,
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
        )
        self._seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        for line in ended.read_text(encoding="utf-8").splitlines():
            test, outcome, seconds = json.loads(line)
            self._seconds[test] += seconds
            if outcome == "failed":
                self.failed.add(test)
        self._data = coverage.CoverageData(basename=str(folder / ".coverage"))
        self._data.read()

    def tests(self, path: str, first: int, last: int, near: Collection[str]) -> list[str]:
        """Return the tests that go through any of these lines, or else the file.

        Those of the files `near` come first, and of each the quickest. What runs while a module is
        imported runs in no test's name: then all of its tests count.
        """
        lines = self._data.contexts_by_lineno(str(self._folder / path))
        inside = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        tests = inside - {""} or {test for names in lines.values() for test in names}
        chosen, expected_s = list[str](), 0.0

        def order(test: str) -> tuple[bool, float]:
            return test.partition("::")[0] not in near, self._seconds[test]

        for test in sorted(tests - {""} - self.failed, key=order):
            expected_s += self._seconds[test]
            if chosen and (expected_s > MOST_S or len(chosen) == MOST_TESTS):
                break
            chosen.append(test if len(test) < LONGEST_NAME else test.partition("[")[0])
        return chosen
