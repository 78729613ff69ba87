"""Sleep mode of a simulated vLLM: ``/sleep``, ``/wake_up`` and ``/is_sleeping``, as 0.32 has them.

They are only there with ``VLLM_SERVER_DEV_MODE=1``, and free memory only with
``--enable-sleep-mode``. Level 1 keeps the weights in the host's memory; after level 2 they have to
be loaded again by ``/collective_rpc``. Requests to a server that sleeps wait until it is awake.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from backends.simulated.counters import ServerCounters
from backends.simulated.web import Request

_SLEEP_S = {1: 2.0, 2: 0.6}
_WAKE_S = {1: 1.5, 2: 0.4}
_RELOAD_S = 6.0
_FREED = "Sleep mode freed 41.20 GiB memory, 1.30 GiB memory is still in use."
_SOURCE = "abstract.py:300"


@dataclass(slots=True)
class SleepMode:
    """Whether it sleeps, and how deep.

    Attributes:
        offered: the development endpoints are there.
        frees: sleeping gives memory back.
        speed: divides all times.
        tell: tells the engine to hold less memory, or all of it again.
        level: 0 while it is awake.
        awake: is set while requests are answered.
    """

    offered: bool
    frees: bool
    speed: float
    counters: ServerCounters
    tell: Callable[[str], None]
    log: Callable[[str, str], None]
    level: int = 0
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.awake.set()

    async def order(self, request: Request) -> None:
        """Do what one of the three paths asks for, and return once it is done."""
        asked = parse_qs(request.query)
        if request.path == "/sleep":
            await self._sleep(int(asked.get("level", ["1"])[0]))
        elif request.path == "/wake_up":
            await self._wake(asked.get("tags"))
        else:
            await self._call(request.json())

    async def _sleep(self, level: int) -> None:
        took_s = _SLEEP_S[level] / self.speed
        self.awake.clear()
        await asyncio.sleep(took_s)
        self.level = self.counters.sleep_level = level
        if self.frees:
            self.tell("sleep")
            self.log(_FREED, "gpu_worker.py:170")
        self.log(f"It took {took_s:.6f} seconds to fall asleep.", _SOURCE)

    async def _wake(self, tags: list[str] | None) -> None:
        if not self.level:
            return
        took_s = _WAKE_S[self.level] / self.speed
        await asyncio.sleep(took_s)
        shown = tags or ["weights", "kv_cache"]
        self.log(f"It took {took_s:.6f} seconds to wake up tags {shown}.", _SOURCE)
        if tags == ["weights"]:
            return
        self.level = self.counters.sleep_level = 0
        if self.frees:
            self.tell("wake")
        self.awake.set()

    async def _call(self, body: dict[str, Any]) -> None:
        if body.get("method") == "reload_weights":
            await asyncio.sleep(_RELOAD_S / self.speed)
