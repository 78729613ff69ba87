"""Failures that can be made with the true vLLM on the CPU: what each needs, and its kind."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from backends.domain.start import FailureKind as Kind
from backends.domain.start import PhaseName
from backends.host.processes import Process, display_name
from tests.backends.keeper.conftest import free_port
from tests.real_vllm.environment import CpuVllm

MEMORY_BYTES = 500 * 2**20
"""Less than vLLM needs for its imports."""

COMPILERS = ("gcc", "g++", "cc", "c++", "clang", "clang++", "icpx", "x86_64-linux-gnu-")


class CannotBeMade(Exception):
    """This machine does not let the failure be made; the message says why."""


@dataclass
class Setup:
    """One start that a cell makes fail.

    Attributes:
        home: a folder of the cell's own.
        arguments: behind ``vllm serve MODEL``.
        before: what stands before the whole command, such as a shell that makes a mount.
        undo: called when the cell is over.
    """

    vllm: CpuVllm
    home: Path
    model: Path
    port: int = field(default_factory=free_port)
    arguments: list[str] = field(default_factory=lambda: ["--enforce-eager"])
    environment: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    undo: ExitStack = field(default_factory=ExitStack)

    def own_model(self) -> Path:
        """Return a copy of the model that the cell may damage."""
        self.model = Path(shutil.copytree(self.vllm.model, self.home / "model"))
        return self.model

    def taken_port(self) -> int:
        """Return a port at which somebody listens until the cell is over."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.undo.callback(listener.close)
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Cell:
    """One failure.

    Attributes:
        make: changes the start so that it fails.
        kind: what it is to be called by all who are asked.
        strike: what is done to its processes, where it fails by that.
        strike_at: the phase of the start in which it is struck, None once it serves.
        without_status: what it is to be called where vLLM had no exit status of the process to
            write, which depends on who of its processes looks first.
    """

    name: str
    kind: Kind
    make: Callable[[Setup], None]
    strike: Callable[[list[Process]], None] | None = None
    strike_at: PhaseName | None = None
    without_status: Kind | None = None

    def __str__(self) -> str:
        return self.name


def _arguments(*more: str) -> Callable[[Setup], None]:
    return lambda setup: setup.arguments.extend(more)


def _no_weights(setup: Setup) -> None:
    (setup.own_model() / "model.safetensors").unlink()


def _truncated_weights(setup: Setup) -> None:
    weights = setup.own_model() / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def _configured(**changes: object) -> Callable[[Setup], None]:
    def make(setup: Setup) -> None:
        file = setup.own_model() / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return make


def _no_compiler(setup: Setup) -> None:
    """Compile with an empty cache, and a PATH of everything but compilers."""
    programs = setup.home / "bin"
    programs.mkdir()
    for folder in os.environ["PATH"].split(":"):
        with contextlib.suppress(OSError):
            for program in Path(folder).iterdir():
                if not program.name.startswith(COMPILERS):
                    with contextlib.suppress(FileExistsError):
                        (programs / program.name).symlink_to(program)
    setup.arguments.clear()
    setup.environment |= {
        "PATH": f"{Path(setup.vllm.executable).parent}:{programs}",
        "VLLM_CACHE_ROOT": str(setup.home / "cache"),
        "TORCHINDUCTOR_CACHE_DIR": str(setup.home / "inductor"),
        "VLLM_DISABLE_COMPILE_CACHE": "1",
    }


def _small_shared_memory(setup: Setup) -> None:
    mount = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    trial = subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False, capture_output=True)
    if trial.returncode:
        raise CannotBeMade(f"no mount of one's own: {trial.stderr.decode().strip()}")
    setup.arguments += ["--distributed-executor-backend", "mp"]
    setup.before = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]


def _little_memory(setup: Setup) -> None:
    for base, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = base / f"inferctl-test-{uuid4().hex[:8]}"
        with contextlib.suppress(OSError):
            group.mkdir()
            setup.undo.callback(group.rmdir)
            (group / limit).write_text(str(MEMORY_BYTES))
            enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
            setup.before = ["sh", "-c", enter, "sh"]
            return
    raise CannotBeMade("no memory cgroup can be made here")


def _port_taken(setup: Setup) -> None:
    setup.port = setup.taken_port()


def _rendezvous_taken(setup: Setup) -> None:
    port = setup.taken_port()
    flags = f"-tp 2 --nnodes 2 --node-rank 0 --master-addr 127.0.0.1 --master-port {port}"
    setup.arguments += flags.split()


def _lora_rank(setup: Setup) -> None:
    adapter = setup.home / "adapter"
    adapter.mkdir()
    config = {"peft_type": "LORA", "r": 64, "lora_alpha": 64, "target_modules": ["q_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    (adapter / "adapter_model.safetensors").write_bytes(bytes([2, 0, 0, 0, 0, 0, 0, 0]) + b"{}")
    setup.arguments += ["--enable-lora", "--lora-modules", f"mine={adapter}"]


def _send(title: str, number: signal.Signals) -> Callable[[list[Process]], None]:
    """Send a signal to the processes whose title begins so."""

    def strike(members: list[Process]) -> None:
        struck = [one for one in members if display_name(one).startswith(title)]
        assert struck, [display_name(one) for one in members]
        for one in struck:
            os.kill(one.id.pid, number)

    return strike


def _nothing(_: Setup) -> None:
    """Change nothing."""


CELLS = (
    Cell("bad_arguments", Kind.BAD_ARGUMENT, _arguments("--max-model-length", "12")),
    Cell("too_long", Kind.MAX_MODEL_LEN_TOO_LARGE, _arguments("--max-model-len", "1000000")),
    Cell("no_weights", Kind.BAD_CHECKPOINT, _no_weights),
    Cell("truncated_weights", Kind.BAD_CHECKPOINT, _truncated_weights),
    Cell(
        "wrong_class",
        Kind.CHECKPOINT_MISMATCH,
        _configured(architectures=["Qwen3ForCausalLM"], model_type="qwen3"),
    ),
    Cell(
        "unknown_class",
        Kind.UNSUPPORTED_ARCHITECTURE,
        _configured(architectures=["NoSuchForCausalLM"]),
    ),
    Cell("missing_module", Kind.DEPENDENCY_ERROR, _arguments("--load-format", "tensorizer")),
    Cell("no_compiler", Kind.BUILD_TOOLS, _no_compiler),
    Cell("shared_memory_full", Kind.SHARED_MEMORY_FULL, _small_shared_memory),
    Cell("memory_limit", Kind.HOST_OUT_OF_MEMORY, _little_memory),
    Cell("port_taken", Kind.PORT_IN_USE, _port_taken),
    Cell("rendezvous_port_taken", Kind.PORT_IN_USE, _rendezvous_taken),
    Cell("tensor_parallel_3", Kind.INVALID_PARALLELISM, _arguments("-tp", "3")),
    Cell(
        "unsupported_dtype",
        Kind.UNSUPPORTED_DTYPE,
        _arguments("--quantization", "fp8", "--dtype", "float32"),
    ),
    Cell("lora_rank", Kind.BAD_ARGUMENT, _lora_rank),
    Cell(
        "engine_killed",
        Kind.ENGINE_DIED,
        _nothing,
        _send("VLLM::EngineCore", signal.SIGKILL),
    ),
    Cell("engine_hung", Kind.ENGINE_HUNG, _nothing, _send("VLLM::EngineCore", signal.SIGSTOP)),
)
"""At least fifteen kinds; the last two serve before they fail."""


def _killed(name: str, title: str, number: signal.Signals, kind: Kind, *, start: bool) -> Cell:
    ranks = _arguments("-tp", "2") if title == WORKER else _nothing
    at = PhaseName.LOAD_WEIGHTS if start else None
    cell = Cell(f"{name}_{number.name.lower()}", kind, ranks, _send(title, number), at)
    return replace(cell, without_status=Kind.ENGINE_DIED) if start and title == ENGINE else cell


API_SERVER, ENGINE, WORKER = "vllm", "VLLM::EngineCore", "VLLM::Worker"

KILL_CELLS = (
    _killed("engine_in_start", ENGINE, signal.SIGKILL, Kind.KILLED, start=True),
    _killed("worker_in_start", WORKER, signal.SIGKILL, Kind.ENGINE_DIED, start=True),
    _killed("server_in_start", API_SERVER, signal.SIGKILL, Kind.KILLED, start=True),
    _killed("engine_serving", ENGINE, signal.SIGKILL, Kind.ENGINE_DIED, start=False),
    _killed("worker_serving", WORKER, signal.SIGKILL, Kind.ENGINE_DIED, start=False),
    _killed("server_serving", API_SERVER, signal.SIGKILL, Kind.KILLED, start=False),
    _killed("engine_serving", ENGINE, signal.SIGTERM, Kind.ENGINE_DIED, start=False),
    _killed("engine_serving", ENGINE, signal.SIGSEGV, Kind.NATIVE_CRASH, start=False),
)
"""What the kill matrix plays with a true vLLM: its own words, and nothing left of it."""
