"""What a simulated vLLM answers under which path, and who may ask."""

import contextlib
from dataclasses import dataclass
from uuid import uuid4

from backends.simulated.arguments import ServeArguments
from backends.simulated.completions import Ask, BadRequest, answerer, read_ask
from backends.simulated.scheduler import BLOCK_TOKENS, Scheduler
from backends.simulated.script import StartScript
from backends.simulated.sleep import SleepMode
from backends.simulated.web import Reply, Request

DRAINING = "cannot schedule new futures after shutdown"
DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."


@dataclass(slots=True)
class Routes:
    """The paths of the API server; an empty `key` lets everybody in."""

    script: StartScript
    arguments: ServeArguments
    scheduler: Scheduler
    sleep: SleepMode
    key: str
    engine_dead: bool = False
    draining: bool = False

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer one request; only paths under ``/v1`` ask for the key."""
        bearer = request.headers.get("authorization")
        if request.path.startswith("/v1") and self.key and bearer != f"Bearer {self.key}":
            await reply.send_json(401, {"error": "Unauthorized"})
        else:
            await self._route(request, reply)

    async def _route(self, request: Request, reply: Reply) -> None:
        match request.method, request.path:
            case "GET", "/health" | "/ping":
                await reply.send(503 if self.engine_dead else 200, b"")
            case "GET", "/version":
                await reply.send_json(200, {"version": self.script.vllm_version})
            case "GET", "/v1/models":
                await reply.send_json(200, {"object": "list", "data": [self._model_card()]})
            case "GET", "/metrics":
                text = self.scheduler.counters.exposition(
                    self.arguments.served, self._cache_config()
                )
                await reply.send(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")
            case "POST", "/sleep" | "/wake_up" | "/collective_rpc" if self.sleep.offered:
                await self.sleep.order(request)
                await reply.send(200, b"")
            case "GET", "/is_sleeping" if self.sleep.offered:
                await reply.send_json(200, {"is_sleeping": bool(self.sleep.level)})
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
            body.setdefault("model", self.arguments.served)
            if body["model"] != self.arguments.served:
                message = f"The model `{body['model']}` does not exist."
                await reply.send_json(404, _error(message, "NotFoundError", 404))
                return
            ask = read_ask(body, chat=chat, identity=f"{prefix}-{identity}", room=self._room())
        except (BadRequest, ValueError, TypeError) as error:
            await reply.send_json(400, _error(str(error), "BadRequestError", 400))
            return
        if self.draining:
            await reply.send_json(500, _error(DRAINING, "InternalServerError", 500))
        elif self.engine_dead:
            await reply.send_json(500, _error(DEAD, "InternalServerError", 500))
        else:
            await self.sleep.awake.wait()
            await self._speak(ask, reply)

    async def _speak(self, ask: Ask, reply: Reply) -> None:
        writes = answerer(ask)
        words = self.scheduler.answer(ask)
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
            "id": self.arguments.served,
            "object": "model",
            "created": int(self.scheduler.counters.started_s),
            "owned_by": "vllm",
            "root": self.arguments.model,
            "parent": None,
            "max_model_len": self._room(),
        }

    def _cache_config(self) -> dict[str, str]:
        tokens = self.script.kv_cache_tokens
        share = self.arguments.gpu_memory_utilization or self.script.gpu_memory_utilization
        return {
            "block_size": f"{BLOCK_TOKENS}",
            "gpu_memory_utilization": f"{share}",
            "kv_cache_size_tokens": f"{tokens}",
            "num_gpu_blocks": f"{tokens // BLOCK_TOKENS}",
        }

    def _room(self) -> int:
        return self.arguments.max_model_len or self.script.max_model_len


def _error(message: str, kind: str, code: int) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
