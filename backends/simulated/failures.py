"""Every way in which vLLM fails: where in the start, with which lines, with which exit.

The wording is that of vLLM 0.32 and of the libraries under it; wrappers and traceback frames
around the root line are shortened. A configuration fails in the API server with a traceback and
exit code 1, an argument with argparse's 2. A failing engine tells its traceback as ERROR records,
after which the API server only says that the engine did not start.
"""

import functools
import tomllib
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import Any

from backends.domain.format import GIB
from backends.domain.start import FailureKind
from backends.simulated.player import Player

_MODULES = "/usr/local/lib/python3.12/dist-packages/vllm"
WRAPPER = (
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
)


class Frame(Enum):
    """How a failure is surrounded."""

    USAGE = "usage"
    TRACEBACK = "traceback"
    ENGINE = "engine"
    SILENT_KILL = "silent kill"
    SILENT_END = "silent end"
    HANGS = "hangs"


@dataclass(frozen=True, slots=True)
class Collapse:
    """One failure.

    Attributes:
        label: it happens before the first line that carries this text...
        share: ...or that far through the lines which carry it.
        error: the last lines of the traceback; placeholders as in a script.
        notice: a record just before it: its level, source and text.
        fits_model_len: a start with ``--max-model-len`` up to this does not fail so.
    """

    frame: Frame
    label: str = ""
    error: str = ""
    share: float = 0.0
    notice: dict[str, str] | None = None
    after_ready: bool = False
    fits_model_len: int = 0

    @property
    def in_engine(self) -> bool:
        """Return whether the engine fails, or the API server by itself."""
        return self.frame in (Frame.ENGINE, Frame.SILENT_KILL, Frame.HANGS)


def collapse_of(kind: FailureKind) -> Collapse:
    """Return how a kind of failure shows, from the table beside this file."""
    entry = dict(_collapses()[kind])
    return Collapse(Frame(entry.pop("frame")), **entry)


def out_of_free_memory(free: int, total: int, utilization: float) -> Collapse:
    """Return the failure of an engine whose GPU is held by somebody else, with true figures."""
    return Collapse(
        Frame.ENGINE,
        "Starting to load model",
        "ValueError: Free memory on device cuda:0 "
        f"({free / GIB:.2f}/{total / GIB:.2f} GiB) on startup is less than desired GPU memory "
        f"utilization ({utilization:g}, {total * utilization / GIB:.2f} GiB). Decrease GPU memory "
        "utilization or reduce GPU memory used by other processes.",
    )


def collapse_here(collapse: Collapse, player: Player, *, in_worker: bool) -> None:
    """Print a failure of the engine: its traceback as records, then bare on stderr."""
    engine, worker = player.speakers["engine"][0], player.speakers["worker"][0]
    say = player.wording.record
    error = collapse.error.format_map(player.values)
    if collapse.notice:
        level, source = collapse.notice["level"], collapse.notice["source"]
        say(worker, collapse.notice["text"], level=level, source=source)
    if in_worker:
        say(worker, "WorkerProc failed to start.\n" + _traceback(_WORKER_FRAMES, error),
            level="ERROR", source="multiproc_executor.py:953")  # fmt: skip
        error = _WORKER_WRAPPER
    first = "encountered a fatal error." if collapse.after_ready else "failed to start."
    trace = _traceback(_ENGINE_FRAMES, error)
    say(engine, f"EngineCore {first}\n{trace}", level="ERROR", source="core.py:1510")
    player.wording.raw(engine, f"Process EngineCore:\n{trace}")


def collapse_api(collapse: Collapse, player: Player) -> None:
    """Print a failure of the API server by itself, bare on stderr."""
    api = player.speakers["api"][0]
    error = collapse.error.format_map(player.values)
    if collapse.frame is Frame.USAGE:
        print_usage(player, error)
    else:
        player.wording.raw(api, _traceback(_API_FRAMES, error))


def print_usage(player: Player, error: str) -> None:
    """Print what argparse says of wrong arguments; this early no line has a prefix."""
    bare = type(player.wording)((99, 0))
    bare.raw(
        player.speakers["api"][0],
        "usage: vllm [-h] [-v]\n"
        "            {chat,complete,serve,launch,bench,collect-env,run-batch}\n"
        f"            ...\nvllm: error: {error}",
    )


def _traceback(frames: tuple[tuple[str, int, str, str], ...], error: str) -> str:
    lines = ["Traceback (most recent call last):"]
    for path, line, function, code in frames:
        lines += [f'  File "{_MODULES}/{path}", line {line}, in {function}', f"    {code}"]
    return "\n".join([*lines, error])


_API_FRAMES = (
    ("entrypoints/cli/main.py", 120, "main", "args.dispatch_function(args)"),
    ("entrypoints/cli/serve.py", 156, "cmd", "uvloop.run(run_server(args))"),
    ("engine/async_llm.py", 255, "from_vllm_config", "return cls("),
)
_ENGINE_FRAMES = (
    ("v1/engine/core.py", 1482, "run_engine_core", "engine_core = EngineCoreProc(*args, **kwargs)"),
    ("v1/engine/core.py", 144, "__init__", "self.model_executor = executor_class(vllm_config)"),
)
_WORKER_FRAMES = (
    ("v1/executor/multiproc_executor.py", 920, "worker_main", "worker = WorkerProc(*args)"),
    ("v1/worker/gpu_worker.py", 594, "load_model", "self.model_runner.load_model()"),
)
_WORKER_WRAPPER = (
    "Exception: WorkerProc initialization failed due to an exception in a background process. "
    "See stack trace for root cause."
)


@functools.cache
def _collapses() -> dict[str, dict[str, Any]]:
    table = resources.files("backends.simulated").joinpath("failures.toml")
    return tomllib.loads(table.read_text(encoding="utf-8"))
