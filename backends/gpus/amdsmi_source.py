"""AMD's binding from the safe side: a child process that is asked, waited for, and given up."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from backends.gpus.amdsmi_child import SAMPLE, SAMPLE_PROCESSES
from backends.gpus.amdsmi_readings import Answer

HANDSHAKE_S = 10.0
ANSWER_S = 3.0

_PACKAGES = Path(__file__).resolve().parents[2]


def binding_folders(environment: Mapping[str, str], search_path: Iterable[str]) -> list[Path]:
    """Return the folders that hold an ``amdsmi`` package, those that came with a library first.

    A binding from elsewhere may fit no library here: struct sizes change between versions without
    an error, and a missing symbol ends its import.
    """
    search = [Path(entry) for entry in search_path if entry]
    shipped = [
        Path(environment.get("ROCM_PATH", "/opt/rocm")) / "share/amd_smi",
        Path("/opt/rocm/share/amd_smi"),
        Path("/usr/lib/python3/dist-packages"),
        *sorted(Path("/usr").glob("lib*/python3*/site-packages")),
        *(entry / "_rocm_sdk_core/share/amd_smi" for entry in search),
    ]
    found = dict.fromkeys([*shipped, *search])
    return [folder for folder in found if (folder / "amdsmi/__init__.py").is_file()]


class AmdsmiSampler:
    """One child process at a time: the first binding that answers sensibly is kept.

    Attributes:
        reason: why there are no figures from it; names the binding tried last, empty without any.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        handshake_s: float = HANDSHAKE_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._folders = list(folders)
        self._handshake_s = handshake_s
        self._answer_s = answer_s
        self._child: _Child | None = None
        self._greeted = False
        self.reason = ""

    def sample(self, *, processes: bool, wait: bool = True) -> Answer | None:
        """Return the readings, or None with a new `reason`.

        Args:
            processes: list the processes too.
            wait: wait for a child that is still starting; else give None meanwhile.
        """
        while self._child is not None or self._folders:
            if self._child is None:
                self._child = _Child(self._folders.pop(0), self._handshake_s)
                self._greeted = False
            if not self._greeted:
                answer = self._child.greeting(wait=wait)
                if answer is None:
                    self.reason = "AMD's binding is starting"
                    return None
                self._greeted = not answer.failed
            else:
                answer = self._child.ask(processes=processes, within_s=self._answer_s)
            if not answer.failed:
                self.reason = ""
                return answer
            self.reason = answer.failed
            self.close()
        return None

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """A running ``amdsmi_child`` and the pipe to it."""

    def __init__(self, folder: Path, handshake_s: float) -> None:
        self._folder = folder
        self._unread = b""
        self._greeting_by_s = time.monotonic() + handshake_s
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backends.gpus.amdsmi_child", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": str(_PACKAGES)},
            start_new_session=True,
        )

    def greeting(self, *, wait: bool) -> Answer | None:
        left_s = self._greeting_by_s - time.monotonic()
        if not wait and left_s > 0:
            line = self._line(0)
            return None if line is None else self._answer(line)
        return self._answer(self._line(max(0.0, left_s)))

    def ask(self, *, processes: bool, within_s: float) -> Answer:
        order = SAMPLE_PROCESSES if processes else SAMPLE
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(order + b"\n")
        except BrokenPipeError:
            return self._answer(b"")
        return self._answer(self._line(within_s))

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            # A process inside a wedged driver cannot be killed; it must not hold us up too.
            return

    def _answer(self, line: bytes | None) -> Answer:
        if line is None:
            return Answer(failed=f"AMD's binding in {self._folder} does not answer")
        if not line:
            return Answer(failed=f"AMD's binding in {self._folder} crashed ({self._ending()})")
        try:
            return msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            return Answer(failed=f"AMD's binding in {self._folder} spoke out of turn: {error}")

    def _ending(self) -> str:
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def _line(self, within_s: float) -> bytes | None:
        """Return the next line, empty when the child has ended, None when it is not there yet."""
        assert self._process.stdout is not None
        until_s = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, until_s - time.monotonic())):
                    return None
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    return b""
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line
