"""The clients that `benchmarks/ab.py` measures in a process of our own: the prober and `openai`.

Run as ``python -m benchmarks.ab_clients CLIENT BASE_URL MODEL STREAMS ROUNDS``: prints one JSON
document with what was reported and the CPU it took. The first round opens the connections and is
not counted, neither in the figures nor in the CPU.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

PROMPT = "Say the same word again and again."


@dataclass(frozen=True)
class Reported:
    """What a client says of one request.

    `number` is the server's, out of the first token's text; `itl_s` is None where the client tells
    only a mean, which is then `mean_itl_s`; `marked` says that the client itself doubts the run.
    """

    number: int
    ttft_s: float
    e2e_s: float
    itl_s: list[float] | None = None
    mean_itl_s: float | None = None
    marked: bool = False


def measure_with_prober(base_url: str, model: str, streams: int, rounds: int) -> list[Reported]:
    """Ask with our own engine, in the place that it takes in the scheduler."""
    from backends.domain.ab.run import Run
    from backends.prober.exchange import Asked, Hooks
    from backends.prober.loop import Loop
    from backends.prober.outcome import run_of
    from backends.prober.priority import raise_priority
    from backends.prober.protocol import Limits, Target
    from backends.prober.target import TargetClient

    raise_priority()
    loop, target = Loop(), Target("a", "truth", base_url, model)
    client = TargetClient(target, Limits(), loop)
    found: list[Run] = []

    def ended(exchange: Asked) -> None:
        found.append(run_of(exchange, target, len(found)))

    hooks = Hooks(lambda _: None, lambda *_: None, ended)
    for _ in range(rounds + 1):
        begun = len(found)
        for _ in range(streams):
            client.exchange(PROMPT, 64, temperature=0, ignore_eos=False).begin(None, hooks)
        loop.run(partial(reached, found, begun + streams))
        if begun == 0:
            start_clock()
    failed = [run.error for run in found if run.error]
    if failed:
        raise SystemExit(f"{len(failed)} requests failed, first: {failed[0]}")
    return [
        Reported(
            numbered(run.text),
            run.ttft_s or 0.0,
            run.e2e_s or 0.0,
            list(run.itl_s),
            marked="client_limited" in run.flags,
        )
        for run in found[streams:]
    ]


def measure_with_openai(base_url: str, model: str, streams: int, rounds: int) -> list[Reported]:
    """Ask with the ``openai`` client on asyncio, as most tools do; what fails is left out."""
    import httpx2
    from openai import AsyncOpenAI, OpenAIError

    async def one(client: AsyncOpenAI) -> Reported | None:
        began_s = time.monotonic()
        stamps, text = [], ""
        try:
            stream = await client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": PROMPT}],
                max_tokens=64,
                stream=True,
            )
            async for part in stream:
                if part.choices and part.choices[0].delta.content:
                    stamps.append(time.monotonic() - began_s)
                    text = text or part.choices[0].delta.content
        except (OpenAIError, httpx2.HTTPError):
            return None
        gaps = [later - before for before, later in itertools.pairwise(stamps)]
        return Reported(numbered(text), stamps[0], stamps[-1], gaps)

    async def everything() -> list[Reported]:
        client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
        await asyncio.gather(*(one(client) for _ in range(streams)))
        start_clock()
        found: list[Reported] = []
        for _ in range(rounds):
            told = await asyncio.gather(*(one(client) for _ in range(streams)))
            found += [each for each in told if each is not None]
        await client.close()
        return found

    return asyncio.run(everything())


def numbered(text: str) -> int:
    """The server's number of a request, from its reply."""
    return int(text.split(maxsplit=1)[0][1:])


def reached(found: list[Any], number: int) -> bool:
    """Whether that many requests have ended."""
    return len(found) >= number


CLIENTS = {"prober": measure_with_prober, "openai": measure_with_openai}
_clock: list[int] = []


def start_clock() -> None:
    """Count CPU from here."""
    _clock[:] = [time.process_time_ns()]


def main() -> None:
    """Measure and print."""
    client, base_url, model, streams, rounds = sys.argv[1:]
    found = CLIENTS[client](base_url, model, int(streams), int(rounds))
    cpu_s = (time.process_time_ns() - _clock[0]) / 1e9
    print(json.dumps({"cpu_s": cpu_s, "reported": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()
