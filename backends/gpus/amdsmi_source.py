"""AMD's binding from the safe side: a child process that is asked, waited for, and given up."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from backends.gpus.amdsmi_readings import Answer
from backends.gpus.child import Child
from backends.gpus.child_io import SAMPLE, SAMPLE_PROCESSES

HANDSHAKE_S = 10.0
ANSWER_S = 3.0

AGAIN_S = 10.0
"""When a binding that has answered well before it broke is started anew."""


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

    A binding that never did is not tried again, since nothing about it changes by itself; one that
    broke later is started again, `AGAIN_S` after it broke.

    Attributes:
        reason: why there are no figures from it; names the binding tried last, empty without any.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        handshake_s: float = HANDSHAKE_S,
        answer_s: float = ANSWER_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = list(folders)
        self._handshake_s = handshake_s
        self._answer_s = answer_s
        self._now = now
        self._child: _Binding | None = None
        self._broken: Child | None = None
        self._again_s = float("-inf")
        self.reason = ""

    def sample(self, *, processes: bool, wait: bool = True) -> Answer | None:
        """Return the readings, or None with a new `reason`.

        Args:
            processes: list the processes too.
            wait: wait for a child that is still starting; else give None meanwhile.
        """
        while self._child is not None or self._may_start():
            if self._child is None:
                self._child = _Binding(self._folders.pop(0), self._handshake_s)
            answer = self._child.answer(processes=processes, within_s=self._answer_s, wait=wait)
            if answer is None:
                self.reason = "AMD's binding is starting"
                return None
            if not answer.failed:
                self.reason = ""
                return answer
            self.reason = answer.failed
            self._give_up(self._child)
        return None

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.process.end()
            self._child = None

    def _may_start(self) -> bool:
        stuck = self._broken is not None and not self._broken.is_gone()
        return bool(self._folders) and not stuck and self._now() >= self._again_s

    def _give_up(self, child: "_Binding") -> None:
        if child.greeted:
            self._folders.insert(0, child.folder)
            self._again_s = self._now() + AGAIN_S
        self.close()
        self._broken = child.process


class _Binding:
    """One binding in its child process."""

    def __init__(self, folder: Path, handshake_s: float) -> None:
        self.folder = folder
        self.greeted = False
        self._greeting_by_s = time.monotonic() + handshake_s
        self.process = Child("backends.gpus.amdsmi_child", str(folder))

    def answer(self, *, processes: bool, within_s: float, wait: bool) -> Answer | None:
        """Return what the binding says, its first words if it has just begun; None if not yet."""
        if self.greeted:
            self.process.write(SAMPLE_PROCESSES if processes else SAMPLE)
            return self._understood(self.process.line(within_s))
        left_s = max(0.0, self._greeting_by_s - time.monotonic())
        line = self.process.line(left_s if wait else 0.0)
        if line is None and not wait and left_s > 0:
            return None
        answer = self._understood(line)
        self.greeted = not answer.failed
        return answer

    def _understood(self, line: bytes | None) -> Answer:
        who = f"AMD's binding in {self.folder}"
        if line is None:
            return Answer(failed=f"{who} does not answer")
        if not line:
            return Answer(failed=f"{who} crashed ({self.process.ending()})")
        try:
            return msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            return Answer(failed=f"{who} spoke out of turn: {error}")
