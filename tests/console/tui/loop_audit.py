"""Records what the thread of an event loop asks of disks, locks, processes and name servers."""

import os
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
OURS = tuple(str(ROOT / each) for each in ("console", "widgets", "backends"))

BLOCKING_PREFIXES = ("os.", "shutil.", "glob.", "pathlib.", "sqlite3.", "tempfile.")
BLOCKING = frozenset(
    {
        "open",
        "subprocess.Popen",
        "fcntl.flock",
        "fcntl.lockf",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.connect",
        "socket.bind",
        "time.sleep",
    }
)
"""Names of audit events, see "Audit events table" in Python's documentation."""

NO_WAIT = frozenset({"os.kill", "os.killpg", "os.putenv", "os.unsetenv"})
"""What Python audits among them and that asks nobody."""

UNAUDITED = ("stat", "lstat", "readlink", "access", "fsync", "statvfs")
"""Functions of `os` that wait for a disk and raise no audit event."""

IMPORTING = "<frozen importlib"
"""The files of Python's import system; what it reads on behalf of an import is exempt."""

TEST_RUNNERS = "unraisable_hook"
"""The function by which the test runner, and no console, looks into what was never closed."""

DEPTH = 14


class LoopAudit:
    """What one thread asked for while it was watched, with short stacks.

    Attributes:
        violations: a line for the call and its stack, and how often each came.
        imported: what the import system read, which is exempt.
        mounted: whether the app stands; until then what Textual reads on its own is exempt.
    """

    def __init__(self) -> None:
        self.thread: int | None = None
        self.mounted = False
        self.violations: Counter[str] = Counter()
        self.imported: Counter[str] = Counter()
        self._within = False

    def saw(self, event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        """Take one call of any thread."""
        if threading.get_ident() != self.thread or self._within:
            return
        self._within = True
        try:
            self._sort(event, args, frame)
        finally:
            self._within = False

    def _sort(self, event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        about = repr(args[0]) if args else ""
        if frame is not None and frame.f_code.co_filename.startswith(IMPORTING):
            self.imported[about] += 1
            return
        stack = [one for one in traceback.extract_stack(frame) if IMPORTING not in one.filename]
        if not self.mounted and not any(one.filename.startswith(OURS) for one in stack):
            return
        if any(one.name == TEST_RUNNERS for one in stack):
            return
        lines = "\n".join(
            f"    {_short(one.filename)}:{one.lineno} {one.name}" for one in stack[-DEPTH:]
        )
        self.violations[f"{event} {about}\n{lines}"] += 1

    def told(self) -> str:
        """Return every violation, the most frequent first."""
        return "\n".join(f"{count} x {what}" for what, count in self.violations.most_common())


def _short(path: str) -> str:
    return path.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2]


_watching: LoopAudit | None = None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watching is None or event in NO_WAIT:
        return
    if event in BLOCKING or event.startswith(BLOCKING_PREFIXES):
        _watching.saw(event, args, sys._getframe(1))


def _watched(name: str) -> Any:
    true = getattr(os, name)

    def function(*args: Any, **kwargs: Any) -> Any:
        if _watching is not None:
            _watching.saw(f"os.{name}", args, sys._getframe(1))
        return true(*args, **kwargs)

    return function


@contextmanager
def audited(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopAudit]:
    """Watch the thread that enters, until it leaves."""
    global _watching  # noqa: PLW0603 - an audit hook stays for ever, and looks here
    if not hasattr(sys, "_inferctl_loop_audit"):
        sys.addaudithook(_hook)
        sys._inferctl_loop_audit = True  # type: ignore[attr-defined]
    for name in UNAUDITED:
        monkeypatch.setattr(os, name, _watched(name))
    audit = LoopAudit()
    audit.thread = threading.get_ident()
    _watching = audit
    try:
        yield audit
    finally:
        _watching = None
