"""The API server of a simulated vLLM once it is ready: routes, health, and how it shuts down."""

import asyncio
import contextlib
import functools
import os
import signal
import socket
from uuid import uuid4

from backends.simulated.arguments import ServeArguments
from backends.simulated.completions import Ask, BadRequest, answerer, read_ask
from backends.simulated.counters import ServerCounters
from backends.simulated.player import Player
from backends.simulated.scheduler import Scheduler
from backends.simulated.script import StartScript
from backends.simulated.web import Reply, Request, serve_connection

_NOTICES_DEATH_S = 5.0
_TEARS_DOWN_S = 1.0
_DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."


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
        self._script = script
        self._arguments = arguments
        self._player = player
        self._link = link
        self._engine_pid = engine_pid
        self._workers = workers
        self._key = os.environ.get("VLLM_API_KEY") or str(arguments.given.get("--api-key", ""))
        self._room = arguments.max_model_len or script.max_model_len
        self.counters = ServerCounters()
        self._scheduler = Scheduler(
            script.speech,
            serving_speed,
            asyncio.Semaphore(arguments.max_num_seqs),
            script.kv_cache_tokens,
            self.counters,
            self._tell_load,
        )
        self._told_busy = 0.0
        self._engine_dead = False

    async def run(self, port: socket.socket) -> None:
        """Listen on the bound port, and serve until the end."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        self._link.setblocking(False)
        dead = asyncio.Event()
        loop.add_reader(self._link, dead.set)
        connect = functools.partial(serve_connection, self._handle)
        server = await asyncio.start_server(connect, sock=port, backlog=2048)
        self._link.send(b"serving\n")
        self._say_uvicorn("Application startup complete.")
        watch = asyncio.create_task(self._watch_engine(dead, ended))
        await ended.wait()
        watch.cancel()
        loop.remove_reader(self._link)
        server.close()
        await self._shut_down()

    async def _watch_engine(self, dead: asyncio.Event, ended: asyncio.Event) -> None:
        await dead.wait()
        asyncio.get_running_loop().remove_reader(self._link)
        self._engine_dead = True
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
            f"vllm.v1.engine.exceptions.EngineDeadError: {_DEAD}",
            source="async_llm.py:906",
        )

    async def _shut_down(self) -> None:
        if not self._engine_dead:
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
        if busy == self._told_busy or self._engine_dead:
            return
        self._told_busy = busy
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._link.send(f"busy {busy:.0f}\n".encode())

    async def _handle(self, request: Request, reply: Reply) -> None:
        guarded = request.path.startswith("/v1")
        if guarded and self._key and request.headers.get("authorization") != f"Bearer {self._key}":
            await reply.send_json(401, {"error": "Unauthorized"})
        else:
            await self._route(request, reply)
        if self._arguments.access_log and request.path not in self._arguments.unlogged_paths:
            line = f'{request.peer} - "{request.method} {request.path} HTTP/1.1" {reply.status}'
            self._say_uvicorn(f"{line} {'OK' if reply.status == 200 else ''}".rstrip(), "stdout")

    async def _route(self, request: Request, reply: Reply) -> None:
        match request.method, request.path:
            case "GET", "/health" | "/ping":
                await reply.send(503 if self._engine_dead else 200, b"")
            case "GET", "/version":
                await reply.send_json(200, {"version": self._script.vllm_version})
            case "GET", "/v1/models":
                await reply.send_json(200, {"object": "list", "data": [self._model_card()]})
            case "GET", "/metrics":
                text = self.counters.exposition(self._arguments.served, self._cache_config())
                await reply.send(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")
            case "POST", "/v1/chat/completions":
                await self._complete(request, reply, chat=True)
            case "POST", "/v1/completions":
                await self._complete(request, reply, chat=False)
            case _:
                await reply.send_json(404, {"detail": "Not Found"})

    async def _complete(self, request: Request, reply: Reply, *, chat: bool) -> None:
        prefix = "chatcmpl" if chat else "cmpl"
        identity = request.headers.get("x-request-id") or uuid4().hex
        try:
            body = request.json()
            body.setdefault("model", self._arguments.served)
            if body["model"] != self._arguments.served:
                message = f"The model `{body['model']}` does not exist."
                await reply.send_json(404, _error(message, "NotFoundError", 404))
                return
            ask = read_ask(body, chat=chat, identity=f"{prefix}-{identity}", room=self._room)
        except (BadRequest, ValueError, TypeError) as error:
            await reply.send_json(400, _error(str(error), "BadRequestError", 400))
            return
        if self._engine_dead:
            await reply.send_json(500, _error(_DEAD, "InternalServerError", 500))
        else:
            await self._speak(ask, reply)

    async def _speak(self, ask: Ask, reply: Reply) -> None:
        writes = answerer(ask)
        words = self._scheduler.answer(ask)
        async with contextlib.aclosing(words):
            if not ask.stream:
                text = "".join([word async for word in words])
                await reply.send_json(200, writes.whole(text))
                return
            await reply.begin_stream()
            if ask.chat:
                await reply.event(writes.role())
            done = 0
            async for word in words:
                done += 1
                write = writes.last if done == ask.tokens else writes.text
                await reply.event(write(word, done))
        if ask.include_usage:
            await reply.event(writes.usage(ask.tokens))
        await reply.event(b"[DONE]")
        await reply.end_stream()

    def _model_card(self) -> dict[str, object]:
        return {
            "id": self._arguments.served,
            "object": "model",
            "created": int(self.counters.started_s),
            "owned_by": "vllm",
            "root": self._arguments.model,
            "parent": None,
            "max_model_len": self._room,
        }

    def _cache_config(self) -> dict[str, str]:
        tokens = self._script.kv_cache_tokens
        share = self._arguments.gpu_memory_utilization or self._script.gpu_memory_utilization
        return {
            "block_size": "16",
            "gpu_memory_utilization": f"{share}",
            "kv_cache_size_tokens": f"{tokens}",
            "num_gpu_blocks": f"{tokens // 16}",
        }

    def _log(self, text: str, source: str) -> None:
        self._player.wording.record(self._player.speakers["api"][0], text, source=source)

    def _say_uvicorn(self, text: str, stream: str = "stderr") -> None:
        self._player.wording.raw(
            self._player.speakers["api"][0], f"INFO:     {text}", stream=stream
        )


def _error(message: str, kind: str, code: int) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
