"""Images of an engine: whether one is here, and fetching it with its bytes counted."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from backends.containers.engine import Engine, EngineRefused
from backends.http1 import NoAnswer


@dataclass(frozen=True, slots=True)
class Pulled:
    """How far a pull has come; `total_bytes` grows as layers are found."""

    fetched_bytes: int
    total_bytes: int


def version_in(image: str) -> str | None:
    """Return the version of vLLM that an image's name carries, None where it carries none."""
    found = re.search(r"vllm[_-]v?(\d+\.\d+\.\d+)", image) or re.search(
        r":v?(\d+\.\d+\.\d+)", image
    )
    return found[1] if found else None


def is_here(engine: Engine, image: str) -> bool:
    """Tell whether the engine has an image.

    Raises:
        EngineUnavailable: it cannot be asked.
    """
    try:
        engine.read(f"/images/{image}/json")
    except EngineRefused as refusal:
        if refusal.status == 404:
            return False
        raise
    return True


def pull(engine: Engine, image: str, cancelled: Callable[[], bool]) -> Iterator[Pulled]:
    """Fetch an image, and yield how far that has come.

    Raises:
        EngineRefused: it cannot be fetched; the message is the engine's.
        EngineUnavailable: the engine cannot be asked.
        Cancelled: `cancelled` became true.
    """
    name, tag = image, "latest"
    head, colon, last = image.rpartition(":")
    if "@" not in image and colon and "/" not in last:
        name, tag = head, last
    query = {"fromImage": name} if "@" in image else {"fromImage": name, "tag": tag}
    reply = engine.ask(
        "/images/create", {}, query=query, timeout_s=float("inf"), cancelled=cancelled
    )
    layers: dict[str, tuple[int, int]] = {}
    try:
        for line in reply.lines:
            if line.strip():
                yield from _step(msgspec.json.decode(line), layers)
    except NoAnswer as error:
        raise EngineRefused(0, str(error)) from error


def _step(answer: dict[str, Any], layers: dict[str, tuple[int, int]]) -> Iterator[Pulled]:
    if "error" in answer:
        raise EngineRefused(0, str(answer["error"]))
    detail = answer.get("progressDetail") or {}
    if answer.get("status") != "Downloading" or "current" not in detail:
        return
    layers[str(answer.get("id"))] = int(detail["current"]), int(detail.get("total") or 0)
    fetched = sum(current for current, _ in layers.values())
    yield Pulled(fetched, max(fetched, sum(total for _, total in layers.values())))
