# ruff: noqa: E501  (lines of vLLM are quoted whole)

import pytest

from backends.domain.startup.lines import head_of, read
from backends.domain.startup.reader import is_interesting
from backends.domain.startup.wording import Event
from backends.domain.startup.wordings import TABLE, find

# One wording of each generation: the message, and what it must give.
MESSAGES: dict[str, dict[str, str]] = {
    "Automatically detected platform rocm.": {"platform": "rocm"},
    "vLLM API server version 0.9.2.dev364+gb432b7a28": {"version": "0.9.2.dev364+gb432b7a28"},
    "world_size=16 rank=3 local_rank=3 distributed_init_method=tcp://10.0.0.1:29501 "
    "backend=nccl": {},
    "vLLM server version 0.32.0, serving model /models/tiny": {
        "version": "0.32.0",
        "model": "/models/tiny",
    },
    " ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.26.1": {"version": "0.26.1"},
    "  █▄█▀ █     █     █     █  model   org/m": {"model": "org/m"},
    "args: Namespace(host='0.0.0.0', port=8000)": {},
    "non-default args: {'model': 'm'}": {},
    "Resolved architecture: LlamaForCausalLM": {"architecture": "LlamaForCausalLM"},
    "Using max model len 131072": {"model_len": "131072"},
    "Waiting for init message from front-end.": {},
    "Initializing a V0 LLM engine (v0.8.3) with config: model='m'": {"version": "0.8.3"},
    "rank 3 in world size 8 is assigned as DP rank 0, PP rank 0, PCP rank 0, TP rank 3, ETP rank 0, EP rank N/A, EPLB rank N/A": {
        "world_size": "8"
    },
    "DP group leader: node_rank=0, master_addr=10.0.0.1, world_size=16, local_world_size=8": {
        "world_size": "16",
        "local_world_size": "8",
    },
    "WorkerProc failed to start.": {},
    "Waiting for creating a placement group of specs for 70 seconds. specs=[{'GPU': 1.0}]. Check": {
        "placement_s": "70",
        "specs": "[{'GPU': 1.0}]",
    },
    "No available shared memory broadcast block found in 60 seconds. This typically": {
        "silent_s": "60"
    },
    "MPClient: engine core exited unexpectedly; starting cleanup": {},
    "MQLLMEngine is already dead, terminating server process": {},
    "Starting to load model /models/tiny...": {"model": "/models/tiny"},
    "Loading model from scratch...": {},
    "Time spent downloading weights for org/m: 576.144995 seconds": {"took": "576.144995"},
    "Filesystem type for checkpoints: NFS. Checkpoint size: 56.87 GiB. Available RAM: 488.05 GiB.": {
        "filesystem": "NFS",
        "checkpoint_gib": "56.87",
    },
    "Prefetching checkpoint files: 40% (7/16)": {"done": "7", "total": "16"},
    "Loading safetensors checkpoint shards:  25% Completed | 1/4 [00:01<00:03,  1.05s/it]": {
        "done": "1",
        "total": "4",
    },
    "Loading pt checkpoint shards: 100% Completed | 2/2 [00:01<00:00,  1.05it/s]": {"done": "2"},
    "Multi-thread loading shards:  50% Completed | 4/8 [00:01<00:03,  1.05s/it]": {"done": "4"},
    "Loading safetensors using Runai Model Streamer:  20% Completed | 12/60 [00:01<00:03, 9it/s]": {
        "done": "12"
    },
    "Loading weights took 4.80 seconds": {"took": "4.80"},
    "Model loading took 14.9596 GiB and 20.670949 seconds": {"weights": "14.9596"},
    "Model loading took 14.37 GiB memory and 132.607005 seconds": {"weights": "14.37"},
    "Loading model weights took 14.9596 GB": {"weights": "14.9596"},
    "[backbone] Starting torch.compile": {},
    "[backbone] Dynamo bytecode transform time: 9.54 s": {"took": "9.54"},
    "Directly load the compiled graph for shape None from the cache": {},
    "Directly load the compiled graph(s) for compile range (1, 2048) from the cache, took 1.547 s": {},
    "Directly load AOT compilation from path /x": {},
    "Cache the graph of compile range (1, 2048) for later use": {},
    "Cache the graph for dynamic shape for later use": {},
    "Compiling a graph for general shape takes 12.86 s": {},
    "torch.compile takes 30.71 s in total": {"took": "30.71"},
    "torch.compile took 11.84 s in total": {"took": "11.84"},
    "Initial profiling/warmup run took 629.28 s": {"took": "629.28"},
    "Memory profiling takes 26.29 seconds": {"took": "26.29"},
    "model weights take 15.30GiB; non_torch_memory takes 0.66GiB; PyTorch activation peak memory takes 14.63GiB; the rest of the memory reserved for KV Cache is 122.99GiB.": {
        "activation_peak": "14.63",
        "kv_cache": "122.99",
    },
    "Available KV cache memory: -1.27 GiB": {"kv_cache": "-1.27"},
    "Initial free memory 78.57 GiB, reserved 20.00 GiB memory for KV Cache as specified by kv_cache_memory_bytes": {
        "kv_cache": "20.00"
    },
    "Explicitly set (1.0/14.46) GiB for KV cache on node 0.": {"kv_cache": "1.0"},
    "GPU KV cache size: 782,800 tokens": {"tokens": "782,800"},
    "ROCM KV cache size: 782,800 tokens, Maximum concurrency for 4,096 tokens per request: 191.11x": {
        "tokens": "782,800",
        "concurrency": "191.11",
    },
    "Maximum concurrency for 131072 tokens per request: 7.69x": {"concurrency": "7.69"},
    "# rocm blocks: 62971, # CPU blocks: 2048": {"blocks": "62971"},
    "JIT kernel warmup starting.": {},
    "JIT kernel warmup finished in 3.21s.": {"took": "3.21"},
    "Running FlashInfer autotune with 8192 tokens.": {},
    "DeepGEMM warmup:  50%|█████     | 20/40 [00:01<00:01, 19.83it/s]": {"done": "20"},
    "2026-08-02 11:08:16,624 - INFO - autotuner.py:651 - flashinfer.jit: [Autotuner]: Autotuning process starts ...": {},
    "Capturing CUDA graph shapes:  40%|████      | 27/67 [00:06<00:09,  4.09it/s]": {
        "done": "27",
        "total": "67",
    },
    "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  39%|███▉ | 20/51 [00:02<00:02, 17.52it/s]": {
        "mode": "PIECEWISE",
        "done": "20",
    },
    "Capturing CUDA graphs (FULL): 100%|█| 2/2 [00:00<00:00, 12.90it/s]": {"mode": "FULL"},
    "Graph capturing finished in 9 secs, took -0.41 GiB": {"took": "9", "cuda_graphs": "-0.41"},
    "CUDA graph pool memory: 0.46 GiB (actual), 0.51 GiB (estimated), difference: 0.04 GiB": {
        "cuda_graphs": "0.46"
    },
    "Free memory on device (78.57/79.18 GiB) on startup. Desired GPU memory utilization is (0.9, 71.26 GiB). Actual usage is 7.56 GiB for weight, 5.59 GiB for peak activation, 0.07 GiB for non-torch memory": {
        "activation_peak": "5.59"
    },
    "Free memory on device cuda:0 (9/9 GiB) on startup. Desired GPU memory utilization is (0.9, 8 GiB). Actual usage is 57.26 GiB for consumed memory (weights + non-torch), 0.23 GiB for peak activation, and": {
        "activation_peak": "0.23"
    },
    "init engine (profile, create kv cache, warmup model) took 14.64 seconds": {"took": "14.64"},
    "init engine (profile, create kv cache, warmup model) took 36.21 s (compilation: 11.84 s)": {
        "took": "36.21",
        "compilation": "11.84",
    },
    "init engine (profile, create kv cache, warmup model) took 36.21 s (compilation: 11.84 s — language_model: 9.00 s)": {
        "compilation": "11.84"
    },
    "Starting vLLM API server 0 on http://0.0.0.0:8000": {"address": "http://0.0.0.0:8000"},
    "Starting vLLM server on http://127.0.0.1:8000": {"address": "http://127.0.0.1:8000"},
    "Started 2 API server processes": {"servers": "2"},
    "Engine 000: Avg prompt throughput: 0.0 tokens/s": {},
    "[aiter] finish build [module_quant], cost 34.6s": {"module": "module_quant", "took": "34.6"},
    "[shutdown] API server: shutdown triggered": {},
    "This model supports multiple tasks: {'generate', 'embed'}. Defaulting to 'generate'.": {},
    "Enforce eager set, disabling torch.compile and CUDAGraphs.": {},
    "Warming up done": {},
    "Compile and warming up model for size 8": {},
    "Using FlashInfer autotune cache file: /cache/flashinfer/autotune.json": {},
    "Warming up FlashInfer attention.": {},
    "- INFO - autotuner.py:651 - flashinfer.jit: [Autotuner]: Autotuning process ends": {},
    "Capturing cudagraphs for decoding. This may lead to unexpected consequences": {},
    "Shutting down FastAPI HTTP server.": {},
    "Cancellation requested; stopping current tasks.": {},
    "slurmstepd: error: *** JOB 1 ON node CANCELLED AT 2025-12-05T10:00:00 DUE TO TIME LIMIT": {},
    "EngineCore encountered a fatal error.": {},
    "Worker proc VllmWorker-1 died unexpectedly, shutting down executor.": {},
}


@pytest.mark.parametrize(("message", "told"), MESSAGES.items())
def test_a_wording_of_every_generation(message: str, told: dict[str, str]) -> None:
    line = f"(EngineCore_DP0 pid=7) INFO 11-21 08:00:00 [a.py:1] {message}"
    if message.startswith(("Loading safe", "Loading pt", "Multi", "Capturing", "Deep", "2026")):
        line = f"(EngineCore_DP0 pid=7) {message}"
    glimpse = head_of(line)
    assert is_interesting(glimpse.word)
    record = read(line, glimpse)
    found = find(record.word, record.tag, record.message)
    assert found is not None
    assert {name: found[1][name] for name in told} == told


NOISE = [
    "(APIServer pid=1) INFO 11-21 08:00:00 [launcher.py:195] Route: /health, Methods: GET",
    '(APIServer pid=1) INFO:     127.0.0.1:36024 - "POST /v1/chat/completions HTTP/1.1" 200 OK',
    "(EngineCore pid=2) INFO 11-21 08:00:00 [kernel.py:467] Final IR op priority after setting",
    "W1121 08:08:48.291000 18939 torch/utils/cpp_extension.py:178] No CUDA runtime is found",
    "  warnings.warn(",
    "",
]


@pytest.mark.parametrize("line", NOISE)
def test_noise_is_passed_over_at_a_glance(line: str) -> None:
    assert not is_interesting(head_of(line).word)


def test_every_row_bounds_measures_or_tells_something() -> None:
    for row in TABLE:
        assert (row.ends is None) == (row.then is None)
        assert row.words.split()
        tells = row.event is not Event.NOTHING or row.setting or row.pattern.groups
        assert row.begins or row.ends or row.reports or tells
