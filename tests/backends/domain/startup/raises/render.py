"""A small log of a start that ends with one labelled raise, as vLLM 0.32 writes it.

The frames are those of the place and of what calls it in that part of a start. What a
configuration's class refuses reaches the log as pydantic's error, whose last frames are pydantic's.
"""

import builtins
from collections.abc import Iterator
from dataclasses import dataclass

from tests.backends.domain.startup.raises.labelled import Labelled

ROOT = "/usr/local/lib/python3.12/dist-packages"
_ENTRY = "vllm/entrypoints/launchers/api_server/entry.py"
_SERVE = ("vllm/entrypoints/cli/serve.py", 156, "cmd")
_CALLERS = {
    "command": [("vllm/entrypoints/cli/main.py", 120, "main")],
    "arguments": [
        _SERVE,
        (_ENTRY, 83, "build_async_engine_client_from_engine_args"),
        ("vllm/engine/arg_utils.py", 2240, "create_engine_config"),
    ],
    "client": [
        (_ENTRY, 83, "build_async_engine_client_from_engine_args"),
        ("vllm/v1/engine/async_llm.py", 241, "from_vllm_config"),
    ],
    "front": [_SERVE, (_ENTRY, 195, "run_server_worker")],
    "engine": [
        ("vllm/v1/engine/core.py", 1480, "run_engine_core"),
        ("vllm/v1/engine/core.py", 144, "__init__"),
    ],
    "caches": [
        ("vllm/v1/engine/core.py", 1480, "run_engine_core"),
        ("vllm/v1/engine/core.py", 377, "_initialize_kv_caches"),
    ],
    "device": [("vllm/v1/worker/gpu_worker.py", 470, "init_device")],
    "load": [
        ("vllm/v1/worker/gpu_worker.py", 601, "load_model"),
        ("vllm/v1/worker/gpu_model_runner.py", 5051, "load_model"),
        ("vllm/model_executor/model_loader/base_loader.py", 61, "load_model"),
    ],
    "profile": [
        ("vllm/v1/worker/gpu_worker.py", 655, "determine_available_memory"),
        ("vllm/v1/worker/gpu_model_runner.py", 6180, "profile_run"),
    ],
}
_PARTS = (
    ("vllm/entrypoints/", "command"),
    ("vllm/config/", "arguments"),
    ("vllm/engine/", "arguments"),
    ("vllm/platforms/", "arguments"),
    ("vllm/transformers_utils/processors/", "profile"),
    ("vllm/transformers_utils/", "arguments"),
    ("vllm/distributed/kv_transfer/kv_connector/factory.py", "engine"),
    ("vllm/distributed/ec_transfer/ec_connector/mooncake/config.py", "engine"),
    ("vllm/v1/engine/core.py", "engine"),
    ("vllm/v1/engine/", "client"),
    ("vllm/v1/core/", "caches"),
    ("vllm/v1/executor/", "engine"),
    ("vllm/v1/hisparse/layout.py", "caches"),
    ("vllm/v1/kv_offload/", "caches"),
    ("vllm/v1/serial_utils.py", "engine"),
    ("vllm/parser/", "front"),
    ("vllm/tool_parsers/", "front"),
    ("vllm/renderers/", "front"),
    ("vllm/multimodal/", "profile"),
    ("vllm/device_allocator/", "device"),
    ("vllm/v1/worker/xpu_worker.py", "device"),
    ("vllm/model_executor/model_loader/", "load"),
    ("vllm/models/", "profile"),
    ("vllm/model_executor/models/", "profile"),
)
"""The part of a start that reaches a folder; all else is reached while the worker profiles."""
_BUILDING = {"__init__", "create_weights", "load_weights", "weight_loader", "get_linear_method"}
_OF_THE_SERVER = {"command", "arguments", "client", "front"}
_OF_THE_ENGINE = {"engine", "caches"}
_ENDS = {
    "load": ("WorkerProc failed to start.", 953),
    "device": ("WorkerProc failed to start.", 953),
    "profile": ("WorkerProc hit an exception.", 1012),
}


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    stamp: str
    """Before each line of what a logger writes; the API server's traceback has none."""

    def lines(self, text: str) -> list[str]:
        return [f"({self.name}) {self.stamp}{line}" for line in text.split("\n")]


_SERVER = _Process("APIServer pid=1", "")


def rendered(raised: Labelled) -> str:
    """Return the whole log, from the first line of the API server to its end."""
    part = _part(raised)
    return "\n".join([*_opening(raised, part), *_ending(raised, part)]) + "\n"


def _part(raised: Labelled) -> str:
    found = next((part for file, part in _PARTS if raised.file.startswith(file)), "profile")
    building = raised.function.rpartition(".")[2] in _BUILDING
    return "load" if found == "profile" and building else found


def _ranks(raised: Labelled) -> int:
    return 1 + raised.line % 2


def _opening(raised: Labelled, part: str) -> Iterator[str]:
    model = "org/model-a"
    said = "(APIServer pid=1) INFO 09-14 07:07:01"
    yield f"{said} [api_utils.py:345]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.32.0"
    yield f"{said} [api_utils.py:273] non-default args: {{'model_tag': '{model}'}}"
    if part in {"command", "arguments"}:
        return
    yield f"{said[:-2]}04 [model.py:560] Resolved architecture: ModelForCausalLM"
    if part in _OF_THE_SERVER:
        return
    yield (
        "(EngineCore pid=90) INFO 09-14 07:07:09 [core.py:126] Initializing a V1 LLM engine "
        f"(v0.32.0) with config: model='{model}', tensor_parallel_size={_ranks(raised)}, "
        "pipeline_parallel_size=1, data_parallel_size=1, enforce_eager=False, device_config=cuda"
    )
    if part not in {"load", "profile", "caches"}:
        return
    worker = "Worker_TP1 pid=92" if _ranks(raised) == 2 else "EngineCore pid=90"
    said = f"({worker}) INFO 09-14 07:07:"
    yield f"{said}14 [gpu_model_runner.py:5028] Starting to load model {model}..."
    if part == "load":
        return
    yield f"{said}29 [default_loader.py:430] Loading weights took 13.52 seconds"
    yield (
        f"{said}30 [gpu_model_runner.py:5110] Model loading took 15.27 GiB memory and "
        "15.310000 seconds"
    )
    if part == "caches":
        yield f"{said}38 [gpu_worker.py:700] Available KV cache memory: 48.20 GiB"


def _ending(raised: Labelled, part: str) -> Iterator[str]:
    if raised.exception == "ArgumentTypeError":
        yield "usage: vllm serve [model_tag] [options]"
        yield f"vllm serve: error: argument --max-num-seqs: {raised.message}"
        return
    if part in _OF_THE_SERVER:
        yield from _SERVER.lines(_traceback(raised, part))
        return
    clock = "07:07:41"
    engine = _Process("EngineCore pid=90", f"ERROR 09-14 {clock} [core.py:1510] ")
    if part in _OF_THE_ENGINE or _ranks(raised) == 1:
        yield from engine.lines("EngineCore failed to start.")
        yield from engine.lines(_traceback(raised, part))
    else:
        words, line = _ENDS[part]
        stamp = f"ERROR 09-14 {clock} [multiproc_executor.py:{line}] "
        worker = _Process("Worker_TP1 pid=92", stamp)
        yield from worker.lines(words)
        yield from worker.lines(_traceback(raised, part))
        yield from engine.lines("EngineCore failed to start.")
        yield from engine.lines("Traceback (most recent call last):")
        yield from engine.lines(_frame("vllm/v1/engine/core.py", 1480, "run_engine_core"))
        yield from engine.lines(_relayed(raised, part))
    yield from _SERVER.lines("Traceback (most recent call last):")
    yield from _SERVER.lines(_frame("vllm/v1/engine/utils.py", 1380, "wait_for_engine_startup"))
    yield from _SERVER.lines(
        "RuntimeError: Engine core initialization failed. See root cause above. "
        "Failed core proc(s): {}"
    )


def _relayed(raised: Labelled, part: str) -> str:
    if part == "profile":
        return (
            f"RuntimeError: Worker failed with error '{raised.message}', please check the stack "
            "trace above for the root cause"
        )
    return (
        "Exception: WorkerProc initialization failed due to an exception in a background process. "
        "See stack trace for root cause."
    )


def _traceback(raised: Labelled, part: str) -> str:
    place = (raised.file, raised.line, raised.function.rpartition(".")[2])
    callers = [each for each in _CALLERS[part] if each[::2] != place[::2]]
    places = [*callers, place]
    name = _qualified(raised)
    last = f"{name}: {raised.message}"
    if _through_pydantic(raised):
        places[-1] = ("pydantic/_internal/_dataclasses.py", 121, "__init__")
        last = (
            f"pydantic_core._pydantic_core.ValidationError: 1 validation error for {raised.within}"
            f"\n  Value error, {raised.message} [type=value_error, "
            "input_value=ArgsKwargs((), {...}), input_type=ArgsKwargs]"
            "\n    For further information visit https://errors.pydantic.dev/2.12/v/value_error"
        )
    frames = [_frame(*each) for each in places]
    if not _through_pydantic(raised):
        frames.append(f"    raise {raised.exception}(")
    return "\n".join(["Traceback (most recent call last):", *frames, last])


def _through_pydantic(raised: Labelled) -> bool:
    of_a_class = raised.file.startswith("vllm/config/") and raised.within is not None
    return of_a_class and raised.exception == "ValueError"


def _qualified(raised: Labelled) -> str:
    if hasattr(builtins, raised.exception):
        return raised.exception
    module = raised.file.removesuffix(".py").replace("/", ".")
    return f"{module}.{raised.exception}"


def _frame(file: str, line: int, function: str) -> str:
    return f'  File "{ROOT}/{file}", line {line}, in {function}'
