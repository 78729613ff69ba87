"""Starts that a simulated vLLM holds in one state for as long as a test needs."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import tomlkit

State = Literal["importing", "loading", "compiling", "ready", "serving", "stopping"]

STATES: tuple[State, ...] = ("importing", "loading", "compiling", "ready", "serving", "stopping")

QUICK_S = 0.004
HOLD_S = 100_000.0

IMPORTS = "version {version}"
ENGINE_IMPORTS = "Initializing a V1 LLM engine"
SHARDS = "shards"
GRAPHS_CACHED = "Cache the graph of compile range"


def write_start(path: Path, state: State, *, engine_exists: bool) -> None:
    """Write a tensor parallel start that passes quickly, and stands still in `state`.

    Args:
        path: where the script goes.
        state: those from ``ready`` on stand still nowhere.
        engine_exists: a server that imports does so in its engine, whose workers exist then too.
    """
    text = resources.files("backends.simulated").joinpath("starts/tp2.toml").read_text("utf-8")
    script = tomllib.loads(text)
    holds = {
        "importing": ENGINE_IMPORTS if engine_exists else IMPORTS,
        "loading": SHARDS,
        "compiling": GRAPHS_CACHED,
    }.get(state)
    for step in script["step"]:
        step["after_s"] = HOLD_S if holds is not None and _is(step, holds) else QUICK_S
    path.write_text(tomlkit.dumps(script), encoding="utf-8")


def _is(step: dict[str, Any], words: str) -> bool:
    return words in step.get("text", "") or step.get("bar") == words
