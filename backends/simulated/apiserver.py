"""The API server of a simulated vLLM from ready to the end: its port, its engine, its shutdown."""

import asyncio
import contextlib
import functools
import os
import signal
import socket

from backends.simulated.arguments import ServeArguments
from backends.simulated.counters import ServerCounters
from backends.simulated.player import Player
from backends.simulated.routes import DEAD, Routes
from backends.simulated.scheduler import Scheduler
from backends.simulated.script import StartScript
from backends.simulated.sleep import SleepMode
from backends.simulated.web import Reply, Request, WebServer

_NOTICES_DEATH_S = 5.0
_TEARS_DOWN_S = 1.0


class ApiServer:
    """Answers requests until a signal, or the death of its engine, ends it; both exit 0."""

    def __init__(
        self,
        script: StartScript,
        arguments: ServeArguments,
        *,
        serving_speed: float,
        player: Player,
        link: socket.socket,
        engine_pid: int,
        workers: list[int],
    ) -> None:
        self._arguments = arguments
        self._player = player
        self._link = link
        self._engine_pid = engine_pid
        self._workers = workers
        self._told_busy = 0.0
        scheduler = Scheduler(
            script.speech,
            serving_speed,
            arguments.max_num_seqs,
            script.kv_cache_tokens,
            ServerCounters(),
            self._tell_load,
        )
        key = os.environ.get("VLLM_API_KEY") or str(arguments.given.get("--api-key", ""))
        sleep = SleepMode(
            offered=os.environ.get("VLLM_SERVER_DEV_MODE") == "1",
            frees="--enable-sleep-mode" in arguments.given,
            speed=serving_speed,
            counters=scheduler.counters,
            tell=lambda word: self._tell(f"{word}\n".encode()),
            log=self._log,
        )
        self._routes = Routes(script, arguments, scheduler, sleep, key)

    async def run(self, port: socket.socket) -> None:
        """Listen on the bound port, and serve until the end."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        self._link.setblocking(False)
        dead = asyncio.Event()
        loop.add_reader(self._link, dead.set)
        server = WebServer(self._handle)
        await server.listen(port)
        self._tell(b"serving\n")
        self._say_uvicorn("Application startup complete.")
        watch = asyncio.create_task(self._watch_engine(dead, ended))
        await ended.wait()
        await self._drain()
        watch.cancel()
        loop.remove_reader(self._link)
        await server.close()
        await self._shut_down()

    async def _drain(self) -> None:
        """Refuse what is new until ``--shutdown-timeout`` is over, as 0.32 does even when idle."""
        limit = str(self._arguments.given.get("--shutdown-timeout", "0"))
        if limit.isdigit() and int(limit) and not self._routes.engine_dead:
            self._routes.draining = True
            await asyncio.sleep(int(limit) / self._player.pace.speed)

    async def _watch_engine(self, dead: asyncio.Event, ended: asyncio.Event) -> None:
        await dead.wait()
        asyncio.get_running_loop().remove_reader(self._link)
        self._routes.engine_dead = True
        await asyncio.sleep(_NOTICES_DEATH_S / self._player.pace.speed)
        self._log_death()
        ended.set()

    def _log_death(self) -> None:
        api = self._player.speakers["api"][0]
        engine = self._player.speakers["engine"]
        name = engine[0].name if engine else "EngineCore"
        say = functools.partial(self._player.wording.record, api, level="ERROR")
        text = f"Engine core proc {name} died unexpectedly, shutting down client."
        say(text, source="core_client.py:908")
        say(
            "AsyncLLM output_handler failed.\nTraceback (most recent call last):\n"
            '  File "/usr/local/lib/python3.12/dist-packages/vllm/v1/engine/async_llm.py", '
            "line 858, in output_handler\n"
            "    outputs = await engine_core.get_output_async()\n"
            f"vllm.v1.engine.exceptions.EngineDeadError: {DEAD}",
            source="async_llm.py:906",
        )

    async def _shut_down(self) -> None:
        if not self._routes.engine_dead:
            self._log("[shutdown] API server: shutdown triggered", "launcher.py:254")
            self._log(
                "[shutdown] Process manager: send sigterm to process EngineCore", "utils.py:628"
            )
            self._kill(self._engine_pid, signal.SIGTERM)
            await asyncio.sleep(_TEARS_DOWN_S / self._player.pace.speed)
        for pid in (self._engine_pid, *self._workers):
            self._kill(pid, signal.SIGKILL)
        self._reap()
        self._say_uvicorn("Shutting down")
        self._say_uvicorn("Waiting for application shutdown.")
        self._say_uvicorn("Application shutdown complete.")

    def _reap(self) -> None:
        os.waitpid(self._engine_pid, 0)

    @staticmethod
    def _kill(pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def _tell_load(self, running: int) -> None:
        """Tell the engine how busy the device is, when that changes by much."""
        busy = 0.0 if not running else min(100.0, 55.0 + 3.0 * running)
        if busy == self._told_busy or self._routes.engine_dead:
            return
        self._told_busy = busy
        self._tell(f"busy {busy:.0f}\n".encode())

    def _tell(self, message: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._link.send(message)

    async def _handle(self, request: Request, reply: Reply) -> None:
        await self._routes.answer(request, reply)
        if self._arguments.access_log and request.path not in self._arguments.unlogged_paths:
            line = f'{request.peer} - "{request.method} {request.path} HTTP/1.1" {reply.status}'
            self._say_uvicorn(f"{line} {'OK' if reply.status == 200 else ''}".rstrip(), "stdout")

    def _log(self, text: str, source: str) -> None:
        self._player.wording.record(self._player.speakers["api"][0], text, source=source)

    def _say_uvicorn(self, text: str, stream: str = "stderr") -> None:
        self._player.wording.raw(
            self._player.speakers["api"][0], f"INFO:     {text}", stream=stream
        )
