"""A little traffic for a demo: ``python -m backends.simulated.traffic --base-url U --model M``.

Open loop: requests leave at random times of a steady rate, whether or not earlier ones have been
answered, but never more than a bounded number at once. It goes only to loopback, and ends on
SIGTERM, when the process that started it is gone, or after its duration where it has one.
"""

import argparse
import asyncio
import ipaddress
import json
import math
import os
import random
import signal
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

_AT_ONCE = 64
_LOOKS_FOR_PARENT_S = 1.0
_TOPICS = ("caches", "schedulers", "kernels", "batches", "tokens", "prices", "latencies", "graphs")


class NotLoopback(ValueError):
    """The address leads off this machine."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the requests go; `path` is that of the base URL."""

    host: str
    port: int
    path: str
    model: str
    max_tokens: int
    key: str


def loopback_target(base_url: str, model: str, max_tokens: int, key: str) -> Target:
    """Return the target of a base URL such as ``http://127.0.0.1:8000/v1``.

    Raises:
        NotLoopback: the host is not one of this machine's own loopback addresses, as a number.
    """
    parts = urlsplit(base_url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if parts.scheme != "http" or not local:
        raise NotLoopback(f"{base_url}: traffic goes only to http:// on a loopback address")
    return Target(host, parts.port or 80, parts.path.rstrip("/"), model, max_tokens, key)


async def send(target: Target, number: int) -> None:
    """Send one request, and read its answer to the end; a refusal is no reason to stop."""
    body = json.dumps(
        {
            "model": target.model,
            "messages": [{"role": "user", "content": _prompt(number)}],
            "max_tokens": target.max_tokens,
        }
    ).encode()
    authorization = f"Authorization: Bearer {target.key}\r\n" if target.key else ""
    head = (
        f"POST {target.path}/chat/completions HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{authorization}"
        "Connection: close\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection(target.host, target.port)
    except ConnectionError:
        return
    try:
        writer.write(head.encode() + body)
        while await reader.read(1 << 16):
            pass
    except ConnectionError:
        return
    finally:
        writer.close()


async def generate(target: Target, rps: float, *, duration_s: float, seed: int, parent: int) -> int:
    """Send requests at `rps` for `duration_s` or until `parent` is gone; return how many."""
    loop = asyncio.get_running_loop()
    chance = random.Random(seed)
    ends = loop.time() + duration_s
    due = loop.time() + chance.expovariate(rps)
    under_way: set[asyncio.Task[None]] = set()
    sent = 0
    while due < ends and os.getppid() == parent:
        left = due - loop.time()
        if left > 0:
            await asyncio.sleep(min(left, _LOOKS_FOR_PARENT_S))
            continue
        due += chance.expovariate(rps)
        if len(under_way) < _AT_ONCE:
            task = asyncio.create_task(send(target, sent))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            sent += 1
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    return sent


def main() -> None:
    """Generate traffic; the key, where one is needed, comes from ``VLLM_API_KEY``."""
    arguments = _arguments()
    parent, key = os.getppid(), os.environ.get("VLLM_API_KEY", "")
    try:
        target = loopback_target(arguments.base_url, arguments.model, arguments.max_tokens, key)
    except NotLoopback as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    asyncio.run(_until_stopped(target, arguments, parent))


async def _until_stopped(target: Target, arguments: argparse.Namespace, parent: int) -> None:
    traffic = asyncio.create_task(
        generate(
            target,
            arguments.rps,
            duration_s=arguments.duration,
            seed=arguments.seed,
            parent=parent,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, traffic.cancel)
    await asyncio.wait([traffic])


def _prompt(number: int) -> str:
    topic = _TOPICS[number % len(_TOPICS)]
    return f"Question {number}: explain in one paragraph what one should know about {topic}."


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bounded open-loop traffic on loopback.")
    parser.add_argument("--base-url", required=True, help="for example http://127.0.0.1:8000/v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rps", type=float, default=1.0, help="requests per second on average")
    parser.add_argument("--max-tokens", type=int, default=220)
    parser.add_argument("--duration", type=float, default=math.inf, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
