"""The engine of a simulated server: the child that prints an engine's lines and holds its memory.

It outlives its API server when that is killed, as vLLM's does, and takes some seconds to end when
it is then told to; its workers end a second after it.
"""

import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field, replace

from backends.discovery.surroundings import this_host
from backends.simulated.board import GpuBoard
from backends.simulated.download import Fetch
from backends.simulated.failures import Collapse, Frame, collapse_here, out_of_free_memory
from backends.simulated.link import Link
from backends.simulated.pace import Pace
from backends.simulated.player import Player
from backends.simulated.process import fork, set_title
from backends.simulated.script import Author, StartScript
from backends.simulated.timeline import Cue, before
from backends.simulated.wording import Speaker, Wording, engine_core

_ENDS_S = 4.0
_ORPHAN_ENDS_S = 8.0
_DIES_AFTER_READY_S = 5.0
_WORKER_OUTLIVES_S = 1.0
_PIECES = 40
_ASLEEP_BYTES = 1_395_864_371
"""What an engine that sleeps holds on: its context and its graphs, 1.3 GiB."""


@dataclass(slots=True)
class Engine:
    """What the engine process needs; `link` leads to the API server until that is gone."""

    script: StartScript
    cues: tuple[Cue, ...]
    values: dict[str, object]
    api: Speaker
    pace: Pace
    board: GpuBoard
    link: Link
    ranks: int
    memory_utilization: float
    collapse: Collapse | None
    download: tuple[int, float] | None = None
    workers: list[int] = field(default_factory=list)
    held_bytes: int = 0

    def run(self) -> None:
        """Start, report ready, and hold the memory until it is ended."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        set_title("VLLM::EngineCore" + ("" if self.script.version() >= (0, 18) else "_DP0"))
        if self.ranks > 1 or self.script.worker_process:
            self._fork_workers()
        self._start()
        signal.signal(signal.SIGTERM, self._terminated)
        self.link.tell(f"ready {' '.join(map(str, self.workers))}\n")
        self._serve()

    def _start(self) -> None:
        player = self._player()
        if self.collapse is None or self.collapse.after_ready:
            at_devices = before(self.cues, "Starting to load model", 0)
            player.play(at_devices)
            self._require_free_memory(player)
            rest = self.cues[len(at_devices) :]
            if self.download is not None:
                player.play(rest[:1])
                self._download(player, *self.download)
                self.pace.absorb_delay(rest[0].at_s)
            player.play(rest[1:] if self.download else rest)
            return
        player.play(before(self.cues, self.collapse.label, self.collapse.share))
        self._collapse(player, self.collapse)

    def _player(self) -> Player:
        wording = Wording(self.script.version())
        engine = engine_core(wording.version, os.getpid())
        workers = [Speaker(self._name(rank), pid) for rank, pid in enumerate(self.workers)]
        speakers: dict[Author, list[Speaker]] = {
            "api": [self.api],
            "engine": [engine],
            "worker": workers or [engine],
        }
        return Player(
            wording, self.pace, self.values, speakers, self._wait_until, self._hold, self.board.busy
        )

    def _name(self, rank: int) -> str:
        return f"Worker_TP{rank}" if self.ranks > 1 else "Worker"

    def _require_free_memory(self, player: Player) -> None:
        total = self.script.device.total_bytes
        free = min(self.board.free_bytes(rank) for rank in range(self.ranks))
        if free < total * self.memory_utilization:
            self._collapse(player, out_of_free_memory(free, total, self.memory_utilization))

    def _collapse(self, player: Player, collapse: Collapse) -> None:
        if collapse.frame is Frame.SILENT_KILL:
            api = [self.api.pid] if os.getppid() == self.api.pid else []
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for pid in (*api, *self.workers, os.getpid()):
                os.kill(pid, signal.SIGKILL)
        if collapse.frame is Frame.HANGS:
            self._freeze()
        collapse_here(collapse, player, in_worker=bool(self.workers))
        sys.exit(1)

    def _download(self, player: Player, size_bytes: int, recorded_s: float) -> None:
        model = str(self.values["model"])
        fetch = Fetch(model, this_host(), size_bytes)
        for piece in range(1, _PIECES + 1):
            self._listen(recorded_s / _PIECES / self.pace.speed)
            fetch.come(size_bytes * piece // _PIECES)
        fetch.finish()
        took_s = recorded_s / self.pace.speed
        player.wording.record(
            player.speakers["worker"][0],
            f"Time spent downloading weights for {model}: {took_s:f} seconds",
            source="weight_utils.py:603",
        )

    def _serve(self) -> None:
        self._listen(None)
        if self.collapse is not None:
            dies_s = time.monotonic() + _DIES_AFTER_READY_S / self.pace.speed
            while (left := dies_s - time.monotonic()) > 0:
                self._listen(left)
            collapse_here(self.collapse, self._player(), in_worker=False)
            sys.exit(1)
        while True:
            self._listen(None)

    def _listen(self, patience_s: float | None) -> None:
        """Wait for the API server, and obey what it says."""
        words = self.link.listen(patience_s)
        if "freeze" in words:
            self._freeze()
        if "busy" in words:
            self.board.busy(float(words[-1]))
        if "sleep" in words:
            self._hold(_ASLEEP_BYTES, remember=False)
        if "wake" in words:
            self._hold(self.held_bytes)

    def _freeze(self) -> None:
        while True:
            time.sleep(3600.0)

    def _wait_until(self, recorded_s: float) -> None:
        due = self.pace.origin_s + recorded_s / self.pace.speed
        while (left := due - time.monotonic()) > 0:
            self._listen(left)

    def _hold(self, memory_bytes: int, *, remember: bool = True) -> None:
        if remember:
            self.held_bytes = memory_bytes
        holders = self.workers or [os.getpid()]
        for rank, pid in enumerate(holders):
            name = f"VLLM::{self._name(rank) if self.workers else 'EngineCore'}"
            self.board.hold(rank, pid, name, memory_bytes)

    def _fork_workers(self) -> None:
        ends, held = os.pipe()
        for rank in range(self.ranks):
            worker = Worker(
                f"VLLM::{self._name(rank)}", ends, held, self.link.end, replace(self.pace)
            )
            self.workers.append(fork(worker.run))
        os.close(ends)
        signal.signal(signal.SIGCHLD, self._worker_died)

    def _worker_died(self, *_: object) -> None:
        for pid in self.workers:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                player = self._player()
                text = f"Worker proc VllmWorker-{self.workers.index(pid)} died unexpectedly, "
                player.wording.record(
                    player.speakers["engine"][0],
                    text + "shutting down executor.",
                    level="ERROR",
                    source="multiproc_executor.py:297",
                )
                sys.exit(1)

    def _terminated(self, *_: object) -> None:
        player = self._player()
        player.wording.record(
            player.speakers["engine"][0],
            "[shutdown] EngineCore: trigger received signal=SIGTERM",
            source="core.py:1454",
        )
        self.link.listen(0)
        self.pace.wait(_ENDS_S if self.link.alive else _ORPHAN_ENDS_S)
        sys.exit(0)


@dataclass(frozen=True, slots=True)
class Worker:
    """One rank of a server with several; it ends a second after its engine."""

    title: str
    ends: int
    held_by_engine: int
    link: socket.socket
    pace: Pace

    def run(self) -> None:
        """Wait until the engine is gone."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        set_title(self.title)
        os.close(self.held_by_engine)
        self.link.close()
        os.read(self.ends, 1)
        self.pace.wait(_WORKER_OUTLIVES_S)
