"""What is said before a start."""

import json
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from backends.discovery.finding import Finding
from backends.discovery.surroundings import Surroundings
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, ProcessId, Server, ServerState, Survivor
from backends.keeper.order import LaunchOrder
from backends.servers.preflight import preflight
from tests.backends.keeper.conftest import free_port

GIB = 2**30
NO_SUCH_PID = 2**22 + 1
"""One more than the most that the kernel ever gives, so that no process of this host has it."""


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    """A host with vLLM 0.19.1 on the PATH, one complete model and one that is half there."""
    script = tmp_path / "env/bin/vllm"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (tmp_path / "env/lib/python3.11/site-packages/vllm-0.19.1.dist-info").mkdir(parents=True)
    for name in ("whole", "half"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({}))
    (tmp_path / "whole/model.safetensors").write_bytes(b"0" * 1000)
    environ = {"PATH": str(script.parent), "HF_HOME": str(tmp_path / "hf")}
    return Surroundings(tmp_path, tmp_path, environ, tmp_path)


def _order(*arguments: str, model: str = "whole", **environment: str) -> LaunchOrder:
    argv = ("vllm", "serve", model, *arguments)
    return LaunchOrder("n", argv, environment, "127.0.0.1", free_port(), model, "s")


def _gpu(index: int, used_gib: float, total_gib: float = 80) -> Gpu:
    memory = GpuMemory(int(total_gib * GIB), int(used_gib * GIB), 0, False, "test")
    holder = GpuProcess(NO_SUCH_PID, "VLLM::EngineCore", int(used_gib * GIB))
    return Gpu(index, f"u{index}", "H100", "nvidia", memory, processes=(holder,))


def _finding(findings: tuple[Finding, ...], name: str) -> Finding:
    (found,) = [one for one in findings if one.name == name]
    return found


def test_nothing_stands_in_the_way(around: Surroundings) -> None:
    findings = preflight(_order(), (), GpuSample((_gpu(0, 1),)), around)
    assert {one.name: one.state for one in findings} == {
        "port": "ok",
        "vllm": "ok",
        "arguments": "ok",
        "model": "ok",
        "GPU 0": "ok",
    }
    assert "0.19.1" in _finding(findings, "vllm").what


def test_a_held_port_names_its_holder(around: Surroundings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        order = replace(_order(), port=server.getsockname()[1])
        port = _finding(preflight(order, (), None, around), "port")
        assert port.state == "fail"
        assert f"pid {os.getpid()} `" in port.what
        ours = Server("mine", Owner.MANAGED, ServerState.READY, port=order.port)
        port = _finding(preflight(order, (ours,), None, around), "port")
        assert port.remedy.startswith("run: inferctl stop mine")


def test_of_a_server_that_runs_already_nothing_else_is_told(around: Surroundings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        order = replace(_order(), port=server.getsockname()[1])
        itself = Server("n", Owner.MANAGED, ServerState.READY, port=order.port, pid=7)
        full = GpuSample((_gpu(0, 79),))
        (found,) = preflight(order, (itself,), full, around)
    assert (found.name, found.state) == ("name", "fail")
    assert found.what == "n is ready already, process 7"


@pytest.mark.parametrize(
    ("model", "state", "word"),
    [
        ("whole", "ok", "on this host"),
        ("half", "fail", "no weights"),
        ("./absent", "fail", "no model in this folder"),
        ("org/absent", "warn", "downloaded"),
    ],
)
def test_the_model_is_looked_for(around: Surroundings, model: str, state: str, word: str) -> None:
    found = _finding(preflight(_order(model=model), (), None, around), "model")
    assert found.state == state
    assert word in found.what


def test_an_absent_model_cannot_be_fetched_offline(around: Surroundings) -> None:
    order = _order(model="org/absent", HF_HUB_OFFLINE="1")
    assert _finding(preflight(order, (), None, around), "model").state == "fail"


def test_a_missing_executable_is_named(around: Surroundings) -> None:
    order = replace(_order(), argv=("no-vllm", "serve", "whole"))
    found = _finding(preflight(order, (), None, around), "vllm")
    assert (found.state, "no-vllm" in found.what) == ("fail", True)


@pytest.mark.parametrize(
    ("arguments", "used_gib", "state"),
    [
        ((), 7.9, "ok"),
        ((), 8.1, "fail"),
        (("--gpu-memory-utilization", "0.5"), 39.0, "ok"),
        (("--gpu_memory_utilization=0.5",), 41.0, "fail"),
    ],
)
def test_free_memory_is_held_against_what_vllm_will_ask(
    around: Surroundings, arguments: tuple[str, ...], used_gib: float, state: str
) -> None:
    sample = GpuSample((_gpu(0, used_gib),))
    found = _finding(preflight(_order(*arguments), (), sample, around), "GPU 0")
    assert found.state == state
    if state == "fail":
        assert f"pid {NO_SUCH_PID} `VLLM::EngineCore`" in found.what


def test_the_remedy_is_a_share_that_fits(around: Surroundings) -> None:
    found = _finding(preflight(_order(), (), GpuSample((_gpu(0, 20),)), around), "GPU 0")
    assert found.remedy.endswith("--gpu-memory-utilization 0.75")


def test_only_the_gpus_of_this_server_count(around: Surroundings) -> None:
    sample = GpuSample((_gpu(0, 70), _gpu(1, 1), _gpu(2, 1), _gpu(3, 70)))
    order = _order("-tp", "2", CUDA_VISIBLE_DEVICES="1,2,3")
    findings = preflight(order, (), sample, around)
    assert [one.name for one in findings if one.name.startswith("GPU")] == ["GPU 1", "GPU 2"]


def test_unknown_memory_is_no_verdict(around: Surroundings) -> None:
    memory = GpuMemory(None, None, None, True, "nvml", "it shares the host's memory")
    gpu = replace(_gpu(0, 0), memory=memory)
    found = _finding(preflight(_order(), (), GpuSample((gpu,)), around), "GPU 0")
    assert (found.state, "shares" in found.what) == ("warn", True)


def test_what_an_earlier_server_left_is_named(around: Surroundings) -> None:
    left = (Survivor(ProcessId(4711, 1), "VLLM::EngineCore", 70 * GIB),)
    orphans = Server("vllm-orphans-1", Owner.EXTERNAL, ServerState.FAILED, survivors=left)
    found = _finding(preflight(_order(), (orphans,), None, around), "orphans")
    assert "4711, holding 70.0 GiB" in found.what
    assert found.remedy == "press x to end them, or run: inferctl stop vllm-orphans-1"


def test_a_server_that_runs_is_not_started_again(around: Surroundings) -> None:
    running = Server("n", Owner.MANAGED, ServerState.STARTING, pid=7)
    assert _finding(preflight(_order(), (running,), None, around), "name").state == "fail"


ARG_UTILS = "\n".join(f'        parser.add_argument("--flag-{n}")' for n in range(60)) + (
    '\n"--max-model-len" "--gpu-memory-utilization" "--tensor-parallel-size" "-tp" "--optimize"'
    '\n"--compilation-config" "--enable-prefix-caching" "-O"'
)
ARG_UTILS += "\n'--quantization' '-q' '-cc' '--speculative-config' '--config' '--hf-overrides'\n"
CLI_ARGS = "class FrontendArgs:\n    host: str | None = None\n    served_model_name: str = ''\n"


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        (("--max_model_len=8", "--host", "127.0.0.1", "-tp", "2", "-O3"), ""),
        (("--served-model-name", "x", "--compilation-config.level", "3", "--max-model", "9"), ""),
        (("--no-enable-prefix-caching", "--gpu-memory-utilization", "-1"), ""),
        (("--config", "serve.yaml", "--quantization", "fp8", "-q", "fp8"), ""),
        (("-O", "3", "-O.level=3", "-O=2", "-Odecode", "-tp=2", "-tp2", "-cc.mode=3"), ""),
        (("-cc.pass_config.fuse_norm_quant", "true", "--hf-overrides.rope_scaling.type=yarn"), ""),
        (("--speculative_config.num-speculative-tokens+", "3", "--speculative-c.method=mtp"), ""),
        (("--no_enable_prefix_caching", "--hf-overrides", '{"a": "--b"}'), ""),
        (("--chat-template=--not-a-flag", "--", "--neither-this"), "--chat-template"),
        (("--late-addition", "1", "--no-late-field"), ""),
        (("--max-model-length", "8"), "--max-model-length"),
        (("--enable-lorra",), "--enable-lorra"),
    ],
)
def test_arguments_are_held_against_those_of_the_installed_vllm(
    around: Surroundings, tmp_path: Path, arguments: tuple[str, ...], unknown: str
) -> None:
    _install(tmp_path)
    found = _finding(preflight(_order(*arguments), (), None, around), "arguments")
    assert found.state == ("fail" if unknown else "ok")
    assert unknown in found.what
    if unknown == "--max-model-length":
        assert found.remedy == "write --max-model-len, or remove it"


def _install(home: Path) -> Path:
    """Lay the source of a vLLM beside its executable; return where its packages lie."""
    packages = home / "env/lib/python3.11/site-packages"
    for folder in ("engine", "entrypoints/openai", "platforms"):
        (packages / "vllm" / folder).mkdir(parents=True)
    (packages / "vllm/engine/arg_utils.py").write_text(ARG_UTILS)
    (packages / "vllm/entrypoints/openai/cli_args.py").write_text(CLI_ARGS)
    elsewhere = "parser.add_argument('--late-addition')\nclass A:\n    late_field: bool = True\n"
    (packages / "vllm/platforms/own.py").write_text(elsewhere)
    return packages


@pytest.mark.parametrize(
    ("module", "state"), [("vllm.plugins.lora:register", "fail"), ("vllm_ascend:register", "warn")]
)
def test_an_argument_that_a_plugin_may_add_does_not_forbid_the_start(
    around: Surroundings, tmp_path: Path, module: str, state: str
) -> None:
    entries = _install(tmp_path) / "some-1.0.dist-info/entry_points.txt"
    entries.parent.mkdir()
    entries.write_text(
        "[console_scripts]\nsome = some:main\n\n[vllm.platform_plugins]\n"
        f"resolver = vllm.plugins.x:y\nown = {module}\n\n[other]\na = b:c\n"
    )
    found = _finding(preflight(_order("--enable-own"), (), None, around), "arguments")
    assert found.state == state
    assert "--enable-own" in found.what


def test_a_source_that_cannot_be_read_as_expected_calls_nothing_unknown(
    around: Surroundings, tmp_path: Path
) -> None:
    (_install(tmp_path) / "vllm/engine/arg_utils.py").write_text("FLAGS = load('flags.json')\n")
    found = _finding(preflight(_order("--enable-lorra"), (), None, around), "arguments")
    assert (found.state, "not checked" in found.what) == ("ok", True)


@pytest.mark.parametrize(
    ("arguments", "told", "remedy"),
    [
        (
            ("--ssl-keyfile", "k.pem", "--max-model-len", "8"),
            "--ssl-keyfile makes it speak TLS",
            "",
        ),
        (("--ssl_certfile=c.pem",), "--ssl-certfile makes it speak TLS", "a proxy in front"),
        (("--ssl-k", "k.pem"), "--ssl-keyfile", "loopback needs no TLS"),
        (("--uds", "/run/vllm.sock"), "--uds makes it listen on a Unix socket", "port = …"),
        (("--headless",), "--headless", "remove it"),
        (("--grpc",), "--grpc", "remove it"),
    ],
)
def test_a_server_that_could_never_become_ready_is_not_started(
    around: Surroundings, arguments: tuple[str, ...], told: str, remedy: str
) -> None:
    found = _finding(preflight(_order(*arguments), (), None, around), "reach")
    assert found.state == "fail"
    assert told in found.what
    assert remedy in found.remedy


@pytest.mark.parametrize(
    "arguments",
    [("--root-path", "/llm"), ("--ssl-ca-certs", "ca.pem"), ("--grpc-port", "1"), ("--enforce",)],
)
def test_what_changes_nothing_about_its_port_is_let_through(
    around: Surroundings, arguments: tuple[str, ...]
) -> None:
    assert "reach" not in {one.name for one in preflight(_order(*arguments), (), None, around)}


def test_the_disk_is_held_against_what_the_index_of_the_weights_says(
    around: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "hf/hub/models--org--big/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "blobs").mkdir()
    index = {"metadata": {"total_size": 95 * GIB}, "weight_map": {"a": "model-1.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    usages = {free: shutil.disk_usage("/")._replace(free=free * GIB) for free in (80, 120)}
    for free, state in ((80, "fail"), (120, "warn")):
        usage = usages[free]
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        found = _finding(preflight(_order(model="org/big"), (), None, around), "model")
        assert found.state == state
        assert "95.0 GiB of org/big" in found.what
        assert f"{free}.0 GiB are free" in found.what


def test_a_driver_that_hangs_is_said_before_a_start(around: Surroundings) -> None:
    sample = GpuSample((), "NVIDIA's driver has not answered for 8 s (see `dmesg`)")
    found = _finding(preflight(_order(), (), sample, around), "GPUs")
    assert found.state == "warn"
    assert "dmesg" in found.remedy
    no_gpu = GpuSample((), "no NVIDIA driver library and no amdgpu device")
    assert "GPUs" not in {one.name for one in preflight(_order(), (), no_gpu, around)}
