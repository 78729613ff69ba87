"""A recorded start as a script: what is printed, by whom, when, and which memory is held then.

A script is a TOML file. Its head gives the model and the figures that the text refers to; each
``[[step]]`` is one line, or one progress bar, in the order of time:

- ``after_s``: seconds since the step before. A bar spreads its items over this time.
- ``by``: ``api``, ``engine`` or ``worker``; a worker of a server with one rank is its engine.
- ``text``: what is printed. ``{model}``, ``{served}``, ``{host}``, ``{port}``, ``{arguments}``,
  ``{max_model_len}``, ``{max_concurrency}`` and ``{tp}`` stand for the values of this start, and
  ``{seconds:24.02}`` for a duration, which is divided by the speed as the start itself is.
- ``source``: the file and line of a record; without it the line is printed as it stands.
- ``level`` (``INFO``), ``stream`` (``stdout``, for lines without a record ``stderr``).
- ``bar`` and ``items``: the caption and the length of a progress bar; ``shards`` draws the bar of
  checkpoint shards, each redraw on a line of its own, other captions redraw in place.
- ``memory_gib``: what every rank holds once the step is done; it grows evenly up to there.
- ``busy_percent``: how busy the device is from here on.
- ``ranks``: ``all`` prints the step once for each rank, ``first`` (the default) once.
- ``when``: ``graphs`` leaves the step and its time out under ``--enforce-eager``, ``eager`` keeps
  it only there.
- ``bare``: the line comes before the process puts its name before its lines.

``worker_process = true`` in the head gives a server with one rank a worker of its own, as on CPUs.
"""

import tomllib
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

Author = Literal["api", "engine", "worker"]
DEFAULT_START = "mi300x-gpt-oss-120b"


class UnreadableScript(ValueError):
    """A script cannot be played; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line or one progress bar of a start; the module tells its fields."""

    after_s: float
    by: Author
    text: str = ""
    source: str = ""
    level: str = "INFO"
    stream: Literal["stdout", "stderr"] = "stdout"
    bar: str = ""
    items: int = 0
    memory_gib: float | None = None
    busy_percent: float | None = None
    ranks: Literal["first", "all"] = "first"
    when: Literal["always", "graphs", "eager"] = "always"
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """How the server answers once it is ready: one request alone, on this device.

    Attributes:
        input_tokens_per_s: how fast prompts are computed, one after another, on top of `ttft_s`;
            None where their length makes no difference.
        slower_per_neighbour: by which share each further running request slows the tokens of all.
    """

    ttft_s: float = 0.322
    ttft_spread_s: float = 0.002
    output_tokens_per_s: float = 154.0
    input_tokens_per_s: float | None = None
    slower_per_neighbour: float = 0.02


@dataclass(frozen=True, slots=True)
class Device:
    """The GPUs of the recorded host.

    Attributes:
        power_w: at rest and at work, like `temperature_c`; empty where there is no meter.
    """

    name: str = "AMD Instinct MI300X"
    vendor: str = "amd"
    total_bytes: int = 206_141_652_992
    baseline_bytes: int = 296_747_008
    count: int = 1
    power_w: tuple[float, ...] = (141.0, 612.0)
    temperature_c: tuple[float, ...] = (41.0, 66.0)


@dataclass(frozen=True, slots=True)
class StartScript:
    """One start that can be played again."""

    title: str
    vllm_version: str
    model: str
    architecture: str
    max_model_len: int
    kv_cache_tokens: int
    steps: tuple[Step, ...]
    tensor_parallel_size: int = 1
    gpu_memory_utilization: float = 0.92
    worker_process: bool = False
    speech: Speech = field(default_factory=Speech)
    device: Device = field(default_factory=Device)

    def version(self) -> tuple[int, int]:
        """Return major and minor version, by which vLLM's wording differs."""
        major, minor = self.vllm_version.split(".")[:2]
        return int(major), int(minor)


def find_script(name: str) -> StartScript:
    """Return a shipped start by its name, or the script in a file by its path.

    Raises:
        UnreadableScript: there is no such start, or it is not a script.
    """
    if name in shipped_names():
        text = _shipped_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return parse_script(text, name)
    try:
        return parse_script(Path(name).read_text(encoding="utf-8"), name)
    except OSError as error:
        known = ", ".join(shipped_names())
        raise UnreadableScript(f"{name}: {error.strerror}; shipped starts: {known}") from error


def shipped_names() -> tuple[str, ...]:
    """Return the names of the starts that come with the program."""
    names = (entry.name for entry in _shipped_folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def parse_script(text: str, name: str) -> StartScript:
    """Return the script written in `text`; `name` is for messages.

    Raises:
        UnreadableScript: it is no TOML, or a table does not fit.
    """
    try:
        data = tomllib.loads(text)
        steps = tuple(_step(entry, number) for number, entry in enumerate(data.pop("step"), 1))
        speech = Speech(**data.pop("speech", {}))
        device = Device(**_tuples(data.pop("device", {})))
        return StartScript(steps=steps, speech=speech, device=device, **data)
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise UnreadableScript(f"{name}: {error}") from error


def _step(entry: dict[str, Any], number: int) -> Step:
    unknown = set(entry) - {known.name for known in fields(Step)}
    if unknown:
        raise TypeError(f"step {number}: unknown key {', '.join(sorted(unknown))}")
    if entry.get("bar") and not entry.get("items"):
        raise TypeError(f"step {number}: a bar needs its number of items")
    if "source" not in entry:
        entry = {"stream": "stderr", **entry}
    return Step(**entry)


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}


def _shipped_folder() -> Any:
    return resources.files("backends.simulated").joinpath("starts")
