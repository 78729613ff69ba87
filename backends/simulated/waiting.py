"""The API server while its engine starts: how it answers signals, silence and the engine's end.

vLLM 0.32 swallows the first SIGTERM here: the start goes on, or stands still for ever; a second
one ends it. SIGINT is obeyed only once the engine has started. Measured on the CPU backend.
"""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Literal, NoReturn

from backends.simulated.failures import WRAPPER, Collapse, Frame, collapse_api
from backends.simulated.player import Player

_SECOND_SIGTERM_S = 8.0
_READY_TIMEOUT_S = 600.0


@dataclass(slots=True)
class EngineStart:
    """Waits for the engine, whose end of `link` closes when it dies."""

    link: socket.socket
    engine_pid: int
    player: Player
    sigterm: Literal["swallow", "deadlock"]
    terminations: int = 0
    interrupted: bool = False

    def wait(self) -> list[int]:
        """Return the pids of the workers once the engine is ready; exit when it fails."""
        signal.signal(signal.SIGTERM, self._terminated)
        signal.signal(signal.SIGINT, self._interrupt)
        limit_s = float(os.environ.get("VLLM_ENGINE_READY_TIMEOUT_S", _READY_TIMEOUT_S))
        self.link.settimeout(limit_s / self.player.pace.speed)
        try:
            message = self.link.recv(4096).decode()
        except TimeoutError:
            self._give_up(_TIMED_OUT.format(limit_s=int(limit_s)))
        except ConnectionResetError:
            message = ""
        if not message:
            self._give_up(self._wrapper())
        if self.interrupted:
            self._die_of_interrupt()
        return [int(word) for word in message.split()[1:]]

    def _wrapper(self) -> str:
        _, status = os.waitpid(self.engine_pid, 0)
        if os.WIFSIGNALED(status):
            return WRAPPER.replace("{}", f"{{{{'EngineCore': -{os.WTERMSIG(status)}}}}}")
        return WRAPPER.replace("{}", "{{}}")

    def _give_up(self, error: str) -> NoReturn:
        collapse_api(Collapse(Frame.TRACEBACK, "", error), self.player)
        self._kill_engine()
        sys.exit(1)

    def _terminated(self, *_: object) -> None:
        self.terminations += 1
        if self.terminations == 1:
            if self.sigterm == "deadlock":
                self.link.sendall(b"freeze\n")
            return
        self.player.pace.wait(_SECOND_SIGTERM_S)
        self._die_of_interrupt()

    def _interrupt(self, *_: object) -> None:
        self.interrupted = True

    def _die_of_interrupt(self) -> NoReturn:
        collapse_api(Collapse(Frame.TRACEBACK, "", "KeyboardInterrupt: terminated"), self.player)
        self._kill_engine()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        sys.exit(130)

    def _kill_engine(self) -> None:
        try:
            os.kill(self.engine_pid, signal.SIGKILL)
            os.waitpid(self.engine_pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return


_TIMED_OUT = (
    "TimeoutError: Timed out waiting for engine core processes to start. This is often caused by "
    "slow weight loading for large models. Waited {limit_s}s (configured by "
    "VLLM_ENGINE_READY_TIMEOUT_S). To increase the timeout, set the environment variable: "
    "VLLM_ENGINE_READY_TIMEOUT_S=<seconds>"
)
