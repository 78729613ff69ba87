"""Runs of pytest in forks of one process that has loaded its plug-ins and libraries already.

Loading them takes longer than most tests. The product and the tests are loaded in each fork, from
a copy of the sources.
"""

import contextlib
import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

from tests.mutants.covering import NOT_THESE, OPTIONS

LOADED_BEFORE = "-Wignore::pytest.PytestAssertRewriteWarning"
"""A plug-in that is loaded already needs no second look."""

LOADED_IN_EACH = ("backends", "console", "widgets", "tests")
WITHIN_S = 300.0
"""A fault may let a test wait for ever, which the test's own limit ends."""


class _Names:
    """A plug-in that keeps the names of what was collected, and of the first test that failed."""

    def __init__(self) -> None:
        self.collected: set[str] = set()
        self.failed = ""

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.collected.add(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Forked:
    """This process, moved into a copy of the sources; it can do nothing else afterwards."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(folder)  # for the processes that tests start
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        _forget()
        names = _Names()
        with _silent():
            pytest.main(["--collect-only", LOADED_BEFORE, *OPTIONS, *files], [names])
        self._names = names.collected
        _forget()
        gc.freeze()

    def known(self, tests: Sequence[str]) -> list[str]:
        """Return these tests; of one whose name is another in each process, all of its function."""
        return [one if one in self._names else one.partition("[")[0] for one in tests]

    def passes(self, tests: Sequence[str], but: Collection[str] = ()) -> tuple[bool, str]:
        """Tell whether these tests pass, or none is there, and else which one failed first."""
        with tempfile.NamedTemporaryFile() as first:
            pid = os.fork()
            if pid == 0:
                _run([*(f"--deselect={one}" for one in but), *tests], Path(first.name))
            status = _waited(pid)
            failed = Path(first.name).read_text(encoding="utf-8")
        return status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), failed


def _run(asked: Sequence[str], first: Path) -> None:
    code, names = 1, _Names()
    try:
        os.setsid()
        with _silent():
            code = pytest.main(["-x", LOADED_BEFORE, *OPTIONS, "-m", NOT_THESE, *asked], [names])
        first.write_text(names.failed, encoding="utf-8")
    finally:
        os._exit(code)


def _waited(pid: int) -> int:
    ends_s = time.monotonic() + WITHIN_S
    while time.monotonic() < ends_s:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return pytest.ExitCode.INTERRUPTED


def _forget() -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] in LOADED_IN_EACH]:
        del sys.modules[name]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Send what is written to the null device, from tests and from what they start."""
    kept = os.dup(1), os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        for target in (1, 2):
            os.dup2(null, target)
        yield
    finally:
        for source, target in zip(kept, (1, 2), strict=True):
            os.dup2(source, target)
        for each in (*kept, null):
            os.close(each)
