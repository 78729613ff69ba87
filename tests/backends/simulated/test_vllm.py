"""The simulated vLLM as a process: its start, its answers, its signals, its end."""

import json
import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.simulated.gpus import SimulatedGpus
from tests.backends.simulated.conftest import (
    Program,
    Server,
    ask,
    children_of,
    events,
    free_port,
    has_pending_signals,
    is_alive,
    title_of,
    until,
)

Serve = Callable[..., Server]
GIB = 1 << 30


def sample(metrics: str, name: str, label: str = "") -> float:
    (value,) = [
        line.rpartition(" ")[2]
        for line in metrics.splitlines()
        if re.match(rf"{name}(\{{.*\}})? ", line) and label in line
    ]
    return float(value)


def test_from_start_to_stop(serve: Serve) -> None:
    server = serve("--served-model-name", "gpt").until_ready()
    assert server.ask("GET", "/health") == (200, "")
    assert json.loads(server.ask("GET", "/version")[1]) == {"version": "0.32.0"}
    (card,) = json.loads(server.ask("GET", "/v1/models")[1])["data"]
    assert (card["id"], card["root"]) == ("gpt", "openai/gpt-oss-120b")
    body = {"model": "gpt", "prompt": "Why?", "max_tokens": 40, "ignore_eos": True}
    status, text = server.ask("POST", "/v1/completions", body)
    assert status == 200
    assert json.loads(text)["usage"]["completion_tokens"] == 40
    metrics = server.ask("GET", "/metrics")[1]
    assert sample(metrics, "vllm:generation_tokens_total") == 40
    assert sample(metrics, "vllm:request_success_total", 'reason="length"') == 1
    assert sample(metrics, "vllm:inter_token_latency_seconds_count") == 39
    assert sample(metrics, "vllm:request_generation_tokens_sum") == 40
    assert sample(metrics, "vllm:time_to_first_token_seconds_bucket", 'le="+Inf"') == 1
    server.process.terminate()
    assert server.exit_code() == 0
    assert "Application shutdown complete." in server.all_output()


def test_a_stream_opens_with_the_role_and_ends_with_the_usage(serve: Serve) -> None:
    body = {
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
        "max_tokens": 5,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    text = serve().until_ready().ask("POST", "/v1/chat/completions", body)[1]
    *chunks, usage, done = events(text)
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [0, 1, 2, 3, 4, 5]
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 5)


def test_an_answer_ends_by_itself_unless_told_otherwise(serve: Serve) -> None:
    server = serve().until_ready()
    lengths = []
    for options in ({}, {"ignore_eos": True}):
        body = {"prompt": "Why?", "max_tokens": 400, **options}
        document = json.loads(server.ask("POST", "/v1/completions", body)[1])
        lengths.append(document["usage"]["completion_tokens"])
    assert lengths[0] < 300
    assert lengths[1] == 400


def test_nothing_answers_before_it_is_ready(serve: Serve) -> None:
    server = serve(speed=80)
    server.until_said("Resolved architecture")
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", server.port)) != 0
    with socket.socket() as rival, pytest.raises(OSError, match="in use"):
        rival.bind(("127.0.0.1", server.port))
    server.until_ready()
    assert server.ask("GET", "/health")[0] == 200


def test_a_taken_port_ends_it(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        server = serve(port=owner.getsockname()[1])
        assert server.exit_code() == 1
    assert server.all_output().rstrip().endswith("OSError: [Errno 98] Address already in use")


def test_the_key_guards_completions_and_nothing_else(serve: Serve) -> None:
    server = serve(key="secret").until_ready()
    assert server.ask("GET", "/v1/models") == (401, '{"error":"Unauthorized"}')
    assert server.ask("GET", "/v1/models", Authorization="Bearer secret")[0] == 200
    assert server.ask("GET", "/metrics")[0] == 200
    assert "secret" not in server.output


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", {"model": "other", "messages": []}, 404),
        ("/v1/chat/completions", {"messages": []}, 400),
        ("/v1/completions", {"prompt": "x" * 40, "max_tokens": 4}, 400),
        ("/v1/completions", [], 400),
    ],
)
def test_wrong_requests(serve: Serve, path: str, body: object, status: int) -> None:
    server = serve("--max-model-len", "16").until_ready()
    assert server.ask("POST", path, body)[0] == status


def test_its_processes_are_titled_as_vllms_are(serve: Serve, tmp_path: Path) -> None:
    server = serve("-tp", "2", start="tp2", gpu=tmp_path / "gpus").until_ready()
    assert " serve " in title_of(server.pid).replace("\0", " ")
    assert title_of(server.engine) == "VLLM::EngineCore"
    workers = children_of(server.engine)
    assert [title_of(pid) for pid in workers] == ["VLLM::Worker_TP0", "VLLM::Worker_TP1"]
    gpus = SimulatedGpus(tmp_path / "gpus").sample(processes=True).gpus
    assert [[one.pid for one in gpu.processes or ()] for gpu in gpus] == [[w] for w in workers]
    server.process.terminate()
    assert server.exit_code() == 0
    until(lambda: not any(is_alive(pid) for pid in workers), "the end of the workers")


def test_memory_rises_while_it_starts(serve: Serve, tmp_path: Path) -> None:
    server = serve(speed=100, gpu=tmp_path / "gpus")
    server.until_said("| 8/15")
    loading = SimulatedGpus(tmp_path / "gpus").sample(processes=True).gpus[0]
    assert loading.memory.used_bytes is not None
    assert 20 * GIB < loading.memory.used_bytes < 120 * GIB
    server.until_ready()
    ready = SimulatedGpus(tmp_path / "gpus").sample(processes=True).gpus[0]
    assert ready.memory.used_bytes == pytest.approx(173 * GIB, rel=0.002)
    assert [one.name for one in ready.processes or ()] == ["VLLM::EngineCore"]


def test_an_orphan_holds_its_memory_until_it_is_told_to_end(serve: Serve, tmp_path: Path) -> None:
    gpus = SimulatedGpus(tmp_path / "gpus")
    server = serve(gpu=tmp_path / "gpus").until_ready()
    orphan = server.engine
    server.process.kill()
    assert server.exit_code() == -signal.SIGKILL
    assert is_alive(orphan)
    with socket.create_server(("127.0.0.1", server.port)):
        pass
    successor = serve(gpu=tmp_path / "gpus")
    assert successor.exit_code() == 1
    assert re.search(r"Free memory on device cuda:0 \(1\d\.\d\d/191\.98 GiB\)", successor.output)
    os.kill(orphan, signal.SIGTERM)
    until(lambda: not is_alive(orphan), "the end of the orphan")
    memory = gpus.sample(processes=False).gpus[0].memory
    assert memory.used_bytes == pytest.approx(283 * (1 << 20), rel=0.01)


@pytest.mark.parametrize("start", ["mi300x-gpt-oss-120b", "tp2"])
def test_when_the_engine_dies_it_says_so_and_exits_0(serve: Serve, start: str) -> None:
    server = serve(start=start).until_ready()
    os.kill(server.engine, signal.SIGKILL)
    assert server.exit_code() == 0
    assert "EngineDeadError" in server.all_output()


def test_when_a_worker_dies_all_of_it_ends(serve: Serve) -> None:
    server = serve(start="tp2").until_ready()
    engine = server.engine
    os.kill(children_of(engine)[1], signal.SIGKILL)
    assert server.exit_code() == 0
    assert "VllmWorker-1 died unexpectedly" in server.all_output()
    assert not is_alive(engine)


def test_the_first_sigterm_while_it_starts_is_swallowed(serve: Serve) -> None:
    server = serve(speed=60)
    server.until_said("Starting to load model")
    server.process.terminate()
    server.until_ready()
    server.process.terminate()
    assert server.exit_code() == 0


def test_or_the_start_stands_still_until_it_times_out(serve: Serve) -> None:
    server = serve(speed=60, sigterm="deadlock", VLLM_ENGINE_READY_TIMEOUT_S="90")
    server.until_said("Starting to load model")
    server.process.terminate()
    assert server.exit_code() == 1
    assert "TimeoutError: Timed out waiting for engine core" in server.all_output()
    assert "Loading weights took" not in server.output


def test_a_second_sigterm_ends_a_start_that_stands_still(serve: Serve) -> None:
    server = serve(speed=60, sigterm="deadlock")
    server.until_said("Starting to load model")
    engine = server.engine
    server.process.terminate()
    until(lambda: not has_pending_signals(server.pid), "the first SIGTERM")
    server.process.terminate()
    assert server.exit_code() == -signal.SIGINT
    assert not is_alive(engine)


def test_sigterm_while_it_configures_itself_is_an_interrupt(serve: Serve) -> None:
    server = serve(speed=10)
    server.until_said("non-default args")
    server.process.terminate()
    assert server.exit_code() == -signal.SIGINT
    assert server.all_output().rstrip().endswith("KeyboardInterrupt: terminated")


def test_sigint_waits_for_the_engine(serve: Serve) -> None:
    server = serve(speed=60)
    server.until_said("Starting to load model")
    server.process.send_signal(signal.SIGINT)
    assert server.exit_code() == -signal.SIGINT
    assert "init engine" in server.all_output()


def test_eager_has_neither_compilation_nor_graphs(serve: Serve) -> None:
    output = serve("--enforce-eager").until_ready().output
    assert "Enforce eager set" in output
    assert "torch.compile took" not in output
    assert "Capturing" not in output


@pytest.mark.parametrize(
    ("start", "lines"),
    [
        ("eager-old-0.11", ["INFO [-0-9: ]+ .__init__.py:216. Automatically detected",
                            "\x1b.1;36m.EngineCore_DP0 pid=\\d+.\x1b.0;0m INFO ",
                            "took 14.2488 GiB and "]),
        ("h100-llama-8b", [".APIServer pid=\\d+. INFO:     Application startup complete",
                           ".EngineCore_DP0 pid=\\d+. \rLoading safetensors",
                           "torch.compile takes "]),
        ("mi300x-gpt-oss-120b", ["(?m)^INFO:     Application startup complete",
                                 "(?m)^\rLoading safetensors",
                                 ".EngineCore pid=\\d+. INFO .*tokens, Maximum concurrency"]),
        ("cpu-tiny", [".Worker pid=\\d+. INFO .* Warming up done", "CPU KV cache size: 1,048,576"]),
    ],
)  # fmt: skip
def test_the_wording_is_that_of_its_version(serve: Serve, start: str, lines: list[str]) -> None:
    output = serve(start=start).until_ready().output
    for line in lines:
        assert re.search(line, output), line


def test_arguments_that_argparse_refuses(serve: Serve) -> None:
    server = serve("--max-model-len", "many")
    assert server.exit_code() == 2
    assert "argument --max-model-len: invalid int value: 'many'" in server.all_output()


def test_two_requests_count_as_running_and_abandoned_ones_as_aborted(serve: Serve) -> None:
    port = free_port()
    server = serve(port=port, serving_speed=1).until_ready()
    body = json.dumps({"prompt": "Why?", "max_tokens": 500, "stream": True, "ignore_eos": True})
    request = f"POST /v1/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    for client in clients:
        client.sendall(request.encode())

    def metric(name: str, label: str = "") -> float:
        return sample(ask(port, "GET", "/metrics")[1], name, label)

    until(lambda: metric("vllm:num_requests_running") == 2, "two running requests")
    assert metric("vllm:kv_cache_usage_perc") > 0
    for client in clients:
        client.close()
    until(lambda: metric("vllm:request_success_total", '"abort"') == 2, "two aborted requests")
    assert metric("vllm:num_requests_running") == 0
    assert server.process.poll() is None


def test_the_size_of_its_cache_may_be_given_in_blocks(serve: Serve) -> None:
    server = serve("--num-gpu-blocks-override", "10").until_ready()
    assert 'num_gpu_blocks="10"' in server.ask("GET", "/metrics")[1]


def test_sigterm_aborts_what_is_under_way(serve: Serve, tmp_path: Path) -> None:
    server = serve(serving_speed=1, gpu=tmp_path / "gpus").until_ready()
    body = json.dumps({"prompt": "Why?", "max_tokens": 500, "stream": True, "ignore_eos": True})
    request = f"POST /v1/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request.encode())
        with client.makefile("rb") as answer:
            while not answer.readline().startswith(b"data:"):
                pass
            (gpu,) = SimulatedGpus(tmp_path / "gpus").sample(processes=False).gpus
            assert gpu.busy_percent
            server.process.terminate()
            rest = answer.read()
    assert b"[DONE]" not in rest
    assert server.exit_code() == 0
    assert "Traceback" not in server.all_output()


def test_polling_can_be_kept_out_of_the_log(serve: Serve) -> None:
    server = serve("--disable-access-log-for-endpoints", "/health,/metrics").until_ready()
    for path in ("/health", "/metrics", "/version"):
        server.ask("GET", path)
    server.until_said('"GET /version HTTP/1.1" 200 OK')
    assert "/health HTTP" not in server.output
    assert "/metrics HTTP" not in server.output


def test_its_version(run: Callable[..., Program]) -> None:
    program = run("backends.simulated.vllm", "--version")
    assert (program.exit_code(), program.all_output()) == (0, "0.32.0\n")
