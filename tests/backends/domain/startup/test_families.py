# ruff: noqa: E501  (lines of vLLM and of the libraries under it are quoted whole)
"""Failures by the family that raised them: frames, phase and subject, whatever the wording."""

import pytest

from backends.domain.start import Failure, FailureKind, Start
from tests.backends.domain.startup.logs import only_start

K = FailureKind
PROFILED = "(EngineCore pid=2) INFO 11-21 08:00:15 [monitor.py:81] Initial profiling/warmup run took 4.29 s\n"
LOADING = ""

# kind, frames ("path function"), message, what cause or line must say, what the remedy must say
CASES: list[tuple[FailureKind, str, str, str, str]] = [
    (K.NO_KERNEL, "", "ValueError: No valid attention backend found for cuda with AttentionSelectorConfig(head_size=80, block_size=24). Reasons: {A_ATTN: [head_size not supported], B_ATTN: [head_size not supported, block_size not supported]}.", "head_size=80", "--attention-backend"),
    (K.NO_KERNEL, "", "ValueError: Selected backend TRITON_MLA is not valid for this configuration. Reason: ['sparse not supported']", "sparse", "--attention-backend"),
    (K.NO_KERNEL, "", "RuntimeError: FlashMLA is not available on this device", "FlashMLA", "--attention-backend"),
    (K.NO_KERNEL, "", "ValueError: Failed to find a kernel that can implement the WNA16 linear layer. Reasons:\n MacheteLinearKernel requires capability 90, current compute capability is 120", "MacheteLinearKernel requires", "--linear-backend"),
    (K.NO_KERNEL, "", "NotImplementedError: No NvFp4 MoE backend supports the deployment configuration.", "MoE layers", "--moe-backend"),
    (K.NO_KERNEL, "", "RuntimeError: cutlass_scaled_mm.cuh:90, Error Internal", "CUTLASS", "--linear-backend marlin"),
    (K.NO_KERNEL, "x/aiter/ops/gemm.py gemm", "torch.AcceleratorError: HIP error: invalid device function", "no kernel for this GPU", "--linear-backend"),
    (K.NO_KERNEL, "", "triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 131072, Hardware limit: 65536. Reducing block sizes may help.", "131072", "update vLLM"),
    (K.NO_KERNEL, "x/vllm/model_executor/layers/fused_moe/layer.py __init__", "AssertionError: EP must be enabled with this method", "must be", "--moe-backend"),
    (K.NO_KERNEL, "x/vllm/v1/attention/backends/mla/x.py __init__", "NotImplementedError: head dimension 72 is new here", "head dimension 72", "--attention-backend"),
    (K.NO_KERNEL, "", "RuntimeError: dispatch, csrc/attention/merge.cu:44, num_heads must be a multiple of 8", "multiple of 8", "backend"),
    (K.BUILD_TOOLS, "", "triton.runtime.errors.PTXASError: PTXAS error\nptxas fatal   : Value 'sm_103a' is not defined", "sm_103a", "TRITON_PTXAS_PATH="),
    (K.BUILD_TOOLS, "x/flashinfer/jit/core.py build", "FileNotFoundError: [Errno 2] No such file or directory: '/opt/cuda/bin/nvcc'", "nvcc", "CUDA_HOME"),
    (K.BUILD_TOOLS, "x/torch/utils/cpp_extension.py load", "RuntimeError: Error building extension 'x'\nfatal error: Python.h: No such file or directory", "header files", "python3-dev"),
    (K.BUILD_TOOLS, "x/triton/runtime/build.py _build", "RuntimeError: Failed to find C compiler. Please specify via CC environment variable.", "C compiler", "build-essential"),
    (K.BUILD_TOOLS, "", "RuntimeError: Ninja build failed. Ninja output:\nninja: build stopped", "build failed", "nvcc --version"),
    (K.BUILD_TOOLS, "x/tilelang/jit/adapter.py compile", "subprocess.CalledProcessError: Command returned non-zero exit status 1.", "the build failed", "CUDA_HOME"),
    (K.INTERNAL_ERROR, "x/torch/_inductor/graph.py run", "torch._inductor.exc.InductorError: LoweringException: too odd", "PyTorch or Triton", "--enforce-eager"),
    (K.SHARED_MEMORY_FULL, "", "RuntimeError: unable to write to file </torch_1_2>: No space left on device (28)", "/dev/shm", "--shm-size"),
    (K.PORT_IN_USE, "", "torch.distributed.DistNetworkError: The server socket has failed to listen. port: 18071, code: -98, name: EADDRINUSE, message: address already in use", "Port 18071", "VLLM_PORT"),
    (K.RANK_MISSING, "", "torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined.", "1 of 2", "VLLM_HOST_IP"),
    (K.RANK_MISSING, "x/vllm/executor/ray_utils.py wait", "ValueError: Cannot provide a placement group of 4 GPUs within 1800 seconds", "placement group", "ray status"),
    (K.RANK_MISSING, "x/ray/_private/worker.py get", "RuntimeError: the node has gone", "node has gone", "ray status"),
    (K.RANK_MISSING, "x/torch/distributed/rendezvous.py tcp", "SomeTimeoutError: it timed out", "did not answer", "firewall"),
    (K.COMMUNICATION_FAILED, "", "RuntimeError: NCCL error: invalid usage (run with NCCL_WARN for details)", "same GPU", "CUDA_VISIBLE_DEVICES"),
    (K.COMMUNICATION_FAILED, "", "RuntimeError: Gloo connectFullMesh failed with timeout", "over the network", "GLOO_SOCKET_IFNAME"),
    (K.COMMUNICATION_FAILED, "", "nixl._bindings.nixlBackendError: NIXL_ERR_BACKEND", "between the ranks", "NCCL_DEBUG=INFO"),
    (K.COMMUNICATION_FAILED, "x/vllm/distributed/device_communicators/quick.py init", "RuntimeError: handle is odd", "handle is odd", "--disable-custom-all-reduce"),
    (K.GPU_OUT_OF_MEMORY, "x/vllm/v1/worker/gpu_model_runner.py profile_run|x/vllm/models/vl.py embed_multimodal", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 GiB. GPU 0 has more.", "profiling the multimodal encoder", "--limit-mm-per-prompt"),
    (K.INVALID_BATCH_LIMITS, "", "ValueError: Chunked MM input disabled but max_tokens_per_mm_item (9999) is larger than max_num_batched_tokens (8192).", "9999", "--max-num-batched-tokens 9999"),
    (K.BAD_ARGUMENT, "", "ValueError: LoRA rank 128 is greater than max_lora_rank 32.", "rank 128", "--max-lora-rank 128"),
    (K.INVALID_BATCH_LIMITS, "", "ValueError: max_num_seqs (256) exceeds available Mamba cache blocks (40).", "40", "--max-num-seqs 40"),
    (K.BAD_ARGUMENT, "x/vllm/config/speculative.py __post_init__", "NotImplementedError: num_speculative_tokens and chunks do not go together", "do not go together", "names (num_speculative_tokens)"),
    (K.CHECKPOINT_MISMATCH, "x/vllm/lora/models.py from_checkpoint", "ValueError: expected target modules in ['q'] but received ['z']", "adapter", "adapter_config.json"),
    (K.BAD_ARGUMENT, "x/vllm/config/fancy.py __post_init__", "pydantic_core._pydantic_core.ValidationError: 1 validation error for FancyConfig\nblock_size\n  Input should be 16 or 32 [type=literal_error, input_value=7, input_type=int]", "1 validation error", "Correct the option"),
    (K.BAD_ARGUMENT, "x/vllm/distributed/kv_transfer/connector/factory.py create", "ValueError: fancy_connector must be set in the connector's config", "fancy_connector", "names (fancy_connector)"),
    (K.BAD_ARGUMENT, "x/vllm/model_executor/models/fancy.py _read", "ValueError: Reading files is off. Set --allowed-fancy-path to enable it.", "--allowed-fancy-path", "--allowed-fancy-path"),
    (K.INVALID_PARALLELISM, "x/vllm/model_executor/models/fancy.py __init__", "ValueError: Fancy width 1408 must be divisible by tensor-parallel size 3.", "1408", "--tensor-parallel-size to a divisor of 1408"),
    (K.INVALID_PARALLELISM, "x/vllm/v1/attention/backends/fancy.py __init__", "NotImplementedError: FANCY does not support decode context parallel.", "FANCY", "--decode-context-parallel-size"),
    (K.INTERNAL_ERROR, "x/vllm/distributed/device_communicators/fancy.py send", "ValueError: the tensor must be contiguous", "contiguous", "vllm/distributed/device_communicators/fancy.py"),
    (K.INTERNAL_ERROR, "x/vllm/v1/attention/backends/fancy.py build", "ValueError: mask must be int32, got torch.bool", "int32", "vllm/v1/attention/backends/fancy.py"),
    (K.INTERNAL_ERROR, "x/vllm/model_executor/layers/fancy/ops/fused.py run", "ValueError: `out` must be contiguous.", "contiguous", "ops/fused.py"),
    (K.INTERNAL_ERROR, "x/vllm/v1/worker/gpu_model_runner.py run", "ValueError: hidden states are required when drafting", "hidden states", "--enforce-eager"),
    (K.NO_KERNEL, "x/vllm/model_executor/layers/quantization/fancy.py __init__", "ValueError: FANCY requires symmetric scales, got asymmetric", "symmetric", "--linear-backend"),
    (K.NO_KERNEL, "x/vllm/v1/attention/backends/fancy.py forward", "NotImplementedError: FANCY does not support alibi.", "alibi", "another backend with --attention-backend."),
    (K.UNSUPPORTED_ARCHITECTURE, "x/vllm/model_executor/models/fancy.py __init__", "ValueError: Unsupported activation: swoosh. Only silu is supported for now.", "swoosh", "--model-impl transformers"),
    (K.BAD_CHECKPOINT, "x/vllm/transformers_utils/configs/fancy.py __init__", "ValueError: fancy_layers must be positive", "fancy_layers", "--hf-overrides"),
    (K.BAD_CHECKPOINT, "x/vllm/lora/peft_helper.py from_dict", "ValueError: Missing required configuration fields: {'r'}", "'r'", "adapter_config.json"),
    (K.DEPENDENCY_ERROR, "x/vllm/v1/worker/fancy.py __init__", "RuntimeError: fancykit is not installed; run `pip install fancykit`", "fancykit", "Install what the line names"),
    (K.INTERNAL_ERROR, "x/vllm/compilation/wrapper.py call|x/torch/_dynamo/eval.py f", "torch._dynamo.exc.BackendCompilerFailed: backend='x' raised:\nTypeError: too odd", "raised", "--enforce-eager"),
    (K.CHECKPOINT_MISMATCH, "x/vllm/model_executor/layers/linear.py weight_loader_v2", "AssertionError", "linear.py", "config.json"),
    (K.INVALID_PARALLELISM, "x/vllm/distributed/utils.py ensure_divisibility", "AssertionError: 25 is not divisible by 2", "25", "--tensor-parallel-size"),
    (K.UNSUPPORTED_DTYPE, "x/vllm/model_executor/model_loader/fancy.py load", "AttributeError: Model FancyForCausalLM does not support BitsAndBytes quantization yet. No 'packed_modules_mapping' found.", "BitsAndBytes", "no package is missing"),
    (K.DOWNLOAD_FAILED, "x/vllm/entrypoints/harmony_utils.py get", "openai_harmony.HarmonyError: error downloading or loading vocab file: failed to download or load vocab", "gpt-oss", "TIKTOKEN_ENCODINGS_BASE"),
    (K.BAD_CHECKPOINT, "x/transformers/configuration_utils.py get", "OSError: It looks like the config file at '/m/config.json' is not a valid JSON file.", "config.json", "Git LFS"),
    (K.BAD_ARGUMENT, "x/vllm/envs.py get", "ValueError: VLLM_PORT 'tcp://10.0.0.1:80' appears to be a URI.", "VLLM_PORT", "enableServiceLinks"),
    (K.NO_DEVICE, "", "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' start method", "forked", "VLLM_WORKER_MULTIPROC_METHOD=spawn"),
    (K.GPU_OUT_OF_MEMORY, "", "jaxlib.XlaRuntimeError: RESOURCE_EXHAUSTED: Attempting to reserve 5.50G at the bottom of memory.", "out of memory", "--gpu-memory-utilization"),
    (K.SHARED_MEMORY_FULL, "", "OSError: [Errno 28] No space left on device: '/psm_1234'", "/dev/shm", "--shm-size"),
    (K.COMMUNICATION_FAILED, "", "RuntimeError: Failed: Cuda error csrc/custom_all_reduce.cuh:364 'invalid argument'", "invalid argument", "--disable-custom-all-reduce"),
    (K.NO_KERNEL, "x/vllm/_custom_ops.py cutlass_scaled_mm", "RuntimeError: Error Internal", "CUTLASS", "--linear-backend"),
    (K.NO_KERNEL, "", "RuntimeError: CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasLtMatmul`", "CUBLAS_STATUS", "--dtype"),
    (K.BAD_ARGUMENT, "x/transformers/dynamic_module_utils.py resolve", "ValueError: The repository org/x contains custom code which must be executed to correctly load the model.", "code of its own", "--trust-remote-code"),
    (K.BAD_ARGUMENT, "x/multiprocessing/spawn.py check", "RuntimeError: An attempt has been made to start a new process before the current process has finished its bootstrapping phase.", "script", "__main__"),
    (K.BAD_ARGUMENT, "x/vllm/multimodal/processing/context.py check", "ValueError: At most 1 image(s) may be provided in one prompt.", "1 image", "--limit-mm-per-prompt"),
    (K.HOST_LIMIT, "", "OSError: [Errno 28] inotify watch limit reached", "watched files", "fs.inotify"),
    (K.UNSUPPORTED_ARCHITECTURE, "x/vllm/model_executor/models/registry.py resolve", "ValueError: FancyModel has no vLLM implementation and the Transformers implementation is not compatible with vLLM.", "FancyModel", "--model-impl"),
    (K.DOWNLOAD_FAILED, "x/flashinfer/jit/cubin_loader.py get", "RuntimeError: Failed to get cubin from https://host/x", "FlashInfer", "flashinfer-cubin"),
    (K.DEPENDENCY_ERROR, "x/vllm/model_executor/layers/fancy.py <module>", "AttributeError: module 'fancykit' has no attribute 'kernel'", "fancykit", "Install what the line names"),
    (K.SHARED_MEMORY_FULL, "x/vllm/distributed/device_communicators/shm_broadcast.py check", "RuntimeError: Insufficient space in /dev/shm for the object storage: 512 MiB required, 64 MiB free. Increase /dev/shm (e.g. --shm-size or --ipc=host).", "/dev/shm", "--shm-size"),
    (K.FREE_MEMORY_BELOW_TARGET, "x/vllm/v1/worker/cpu_worker.py __init__", "ValueError: Available memory on node 0 (3.1/31.2 GiB) on startup is less than desired CPU memory utilization (0.4, 12.48 GiB).", "3.1 of 31.2 GiB", "VLLM_CPU_KVCACHE_SPACE"),
    (K.BAD_ARGUMENT, "x/vllm/model_executor/model_loader/fancy.py _prefetch", "ValueError: prefetch block size must be >= 1", "block size", "Correct the option"),
    (K.BAD_ARGUMENT, "x/vllm/v1/worker/gpu/fancy.py capture", "RuntimeError: graphs unavailable. Set VLLM_USE_FANCY=1 or fancy_mode=NONE.", "VLLM_USE_FANCY=1", "Correct the option"),
    (K.INTERNAL_ERROR, "x/vllm/platforms/fancy.py wrap", "TypeError: device must be int or str, got <class 'float'>", "float", "vllm/platforms/fancy.py"),
    (K.COMMUNICATION_FAILED, "x/vllm/models/fancy/peer.py __init__", "FancyUnsupported: peer memory handshake failed on this TP rank", "handshake", "NCCL_DEBUG=INFO"),
    (K.INTERNAL_ERROR, "x/vllm/transformers_utils/processors/fancy.py __call__", "ValueError: You need to specify `text` input to process.", "`text` input", "processors/fancy.py"),
    (K.FREE_MEMORY_BELOW_TARGET, "x/vllm/v1/worker/utils.py request_memory", "ValueError: Free memory on device cuda:0 (10.2/80.0 GiB) on startup is less than the engine's budget after excluding external process's weights (0.9, 72.0 GiB).", "10.2 of 80.0", "10.2/80.0 = 0.12"),
    (K.INTERNAL_ERROR, "x/vllm/v1/attention/backends/fancy.py prepare_metadata", "ValueError: query lengths must be non-negative", "non-negative", "fancy.py"),
    (K.UNKNOWN, "x/vllm/tool_parsers/fancy.py extract", "ValueError: braces must match", "braces", "fancy.py"),
    (K.BAD_CHECKPOINT, "x/vllm/model_executor/layers/rotary_embedding/__init__.py get_rope", "ValueError: Unknown RoPE scaling type fancy", "fancy", "--hf-overrides"),
    (K.UNKNOWN, "x/vllm/tokenizers/fancy.py close", "TypeError: odd tokenizer", "odd", "fancy.py"),
    (K.BAD_CHECKPOINT, "x/transformers/utils/hub.py cached_files", "OSError: /m/fancy does not appear to have a file named config.json. Checkout 'https://huggingface.co//m/fancy/tree/None' for available files.", "/m/fancy has no config.json", "leaves what is there"),
    (K.RANK_MISSING, "", "ray.exceptions.RaySystemError: System error: No available node types can fulfill resource request {'GPU': 1.0}", "Ray", "ray status"),
    (K.NO_DEVICE, "x/vllm/platforms/__init__.py f", "RuntimeError: Device string must not be empty", "could not be opened", "nvidia-smi"),
    (K.GPU_FAULT, "", "RuntimeError: ACL stream synchronize failed, error code:507018", "met a fault", "dmesg"),
    (K.NO_KERNEL, "", "NotImplementedError: No compiled cutlass_scaled_mm for CUDA device capability: 70. Required capability: 90 or 100", "no kernel", "--dtype"),
    (K.DEPENDENCY_ERROR, "x/vllm/v1/fancy.py f", "AttributeError: module 'torch' has no attribute 'float8_e8m0fnu'", "float8_e8m0fnu", "Install what the line names"),
    (K.DEPENDENCY_ERROR, "x/vllm/_custom_ops.py f", "AttributeError: '_OpNamespace' '_moe_C' object has no attribute 'topk_softmax'", "topk_softmax", "uv pip install vllm"),
    (K.BAD_ARGUMENT, "", "OSError: [Errno 99] error while attempting to bind on address ('10.1.2.3', 8000): cannot assign requested address", "10.1.2.3", "--host"),
    (K.NO_NETWORK, "x/botocore/endpoint.py f", 'botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL: "https://bucket.example/"', "could not be reached", "curl -I"),
    (K.COMMUNICATION_FAILED, "", "RuntimeError: [1] is setting up NCCL communicator and retrieving ncclUniqueId from [0] via c10d key-value store by key '0', but store->get('0') got error: Connection reset by peer", "between the ranks", "NCCL_DEBUG=INFO"),
    (K.INTERNAL_ERROR, "", "torch._inductor.exc.InductorError: LoweringException: NotImplementedError: odd", "PyTorch or Triton", "--enforce-eager"),
    (K.NO_KERNEL, "x/vllm/v1/attention/backends/fancy.py forward", "NotImplementedError: fused output quantization is not supported for FancyImpl", "FancyImpl", "--attention-backend"),
    (K.UNSUPPORTED_DTYPE, "x/vllm/platforms/fancy.py verify", "ValueError: awq quantization is currently not supported in fancy.", "cannot serve", "--quantization"),
    (K.PERMISSION_DENIED, "x/vllm/model_executor/model_loader/fancy.py check", "RuntimeError: the folder /run/x is world accessible", "/run/x", "chmod"),
    (K.STARTUP_TIMEOUT, "x/vllm/v1/engine/fancy.py wait", "RuntimeError: the coordinator did not report within 60 seconds", "60 seconds", "VLLM_ENGINE_READY_TIMEOUT_S"),
    (K.UNKNOWN, "x/vllm/config/fancy.py __post_init__", "ValueError: wibble zorp 17", "wibble", "vllm/config/fancy.py"),
    (K.UNKNOWN, "x/torch/__init__.py <module>", "ImportError: wibble zorp 17", "wibble", "torch/__init__.py"),
    (K.MODEL_NOT_FOUND, "", "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. (Request ID: x)\nRepository Not Found for url: https://huggingface.co/api/models/org/oops.", "org/oops", "HF_TOKEN"),
    (K.NO_NETWORK, "", "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='hub.example', port=443): Max retries exceeded with url: /x", "hub.example", "curl -I https://hub.example"),
    (K.DOWNLOAD_FAILED, "x/huggingface_hub/file_download.py xet_get", "RuntimeError: HTTP status 416", "HTTP status 416", "hf download"),
    (K.CHECKPOINT_MISMATCH, "", "ValueError: Following weights were not initialized from checkpoint: {'model.layers.3.a.weight', 'model.layers.3.b.weight'}", "layers.*", "architectures"),
    (K.CHECKPOINT_MISMATCH, "", "ValueError: There is no module or parameter named 'lm_head.qq' in FooForCausalLM", "lm_head.qq", "architectures"),
    (K.CHECKPOINT_MISMATCH, "x/vllm/model_executor/model_loader/weight_utils.py default_weight_loader", "AssertionError: Attempted to load weight (torch.Size([8])) into parameter (torch.Size([4]))", "torch.Size([8])", "config.json"),
    (K.CHECKPOINT_MISMATCH, "x/vllm/model_executor/model_loader/utils.py load", "KeyError: 'layers.61.self_attn.qkv.weight_scale_inv'", "weight_scale_inv", "revision"),
    (K.DEPENDENCY_ERROR, "x/transformers/tokenization_utils_base.py __getattr__", "AttributeError: FooTokenizer has no attribute bar", "Transformers", "transformers<5"),
    (K.DEPENDENCY_ERROR, "x/numpy/core/x.py f", "TypeError: array() got an odd argument", "odd argument", "uv pip install vllm"),
    (K.NO_DEVICE, "", "RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized", "fabric", "nvidia-fabricmanager"),
    (K.NO_DEVICE, "", "ImportError: libcuda.so.1: cannot open shared object file: No such file", "driver's library", "--gpus all"),
    (K.NO_DEVICE, "", "RuntimeError: CUDA unknown error - this may be due to an incorrectly set up environment", "could not be opened", "nvidia-smi"),
    (K.NO_DEVICE, "x/torch_npu/npu/__init__.py _lazy_init", "RuntimeError: cannot initialize the runtime", "could not be opened", "container"),
    (K.DEVICE_BUSY, "", "torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable", "holds the device", "inferctl gpus"),
    (K.DEVICE_BUSY, "", "AssertionError: Error in memory profiling. Initial free memory 10.5 GiB, current free memory 12.5 GiB. This happens when", "12.5", "one after another"),
    (K.HOST_OUT_OF_MEMORY, "", "ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory.", "memory", "free -g"),
    (K.GPU_OUT_OF_MEMORY, "", "RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB", "2.00 GiB", "--tensor-parallel-size"),
    (K.GPU_FAULT, "", "Memory access fault by GPU node-7 (Agent handle: 0x1) on address 0x2. Reason: Unknown.", "node-7", "VLLM_ROCM_USE_AITER_MOE=0"),
    (K.GPU_FAULT, "", "torch.AcceleratorError: CUDA error: an illegal memory access was encountered", "met a fault", "dmesg"),
    (K.HOST_LIMIT, "", "OSError: [Errno 24] Too many open files", "open files", "ulimit -n"),
    (K.HOST_LIMIT, "", "OSError: AF_UNIX path too long", "longer than", "TMPDIR"),
    (K.HOST_LIMIT, "", "RuntimeError: can't start new thread", "processes", "ulimit -u"),
    (K.PERMISSION_DENIED, "", "KeyError: 'getpwuid(): uid not found: 1234'", "1234", "USER"),
    (K.PERMISSION_DENIED, "", "PermissionError: [Errno 13] Permission denied: '/.cache'", "/.cache", "HF_HOME"),
    (K.PERMISSION_DENIED, "", "RuntimeError: Permission denied", "may not be read", "video and render"),
    (K.ENGINE_HUNG, "x/vllm/v1/executor/multiproc_executor.py get", "TimeoutError: RPC call to execute_model timed out.", "execute_model", "py-spy"),
    (K.INTERNAL_ERROR, "x/vllm/v1/core/sched/scheduler.py schedule", "AssertionError", "scheduler.py", "vllm/v1/core/sched/scheduler.py"),
    (K.NATIVE_CRASH, "", "Fatal Python error: Bus error", "native code", "journalctl -k"),
    (K.UNKNOWN, "x/vllm/v1/engine/core.py step", "RuntimeError: the moon is full", "vllm/v1/engine/core.py", "vllm/v1/engine/core.py"),
]  # fmt: skip


def start_of(frames: str, message: str, before: str = LOADING) -> Start:
    head = "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] "
    lines = ["EngineCore failed to start.", "Traceback (most recent call last):"]
    for frame in filter(None, frames.split("|")):
        path, function = frame.split()
        lines += [f'  File "/{path}", line 7, in {function}', "    something()"]
    lines += message.split("\n")
    return only_start(
        "(APIServer pid=1) INFO 11-21 08:00:00 [utils.py:253] non-default args: {'model': 'org/model'}\n"
        "(EngineCore pid=2) INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with config: model='org/model'\n"
        + before
        + "\n".join(head + line for line in lines)
        + "\n(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
    )


def failure_of(frames: str, message: str, before: str = LOADING) -> Failure:
    failure = start_of(frames, message, before).failure
    assert failure is not None
    return failure


@pytest.mark.parametrize(("kind", "frames", "message", "cause", "remedy"), CASES)
def test_a_family(kind: FailureKind, frames: str, message: str, cause: str, remedy: str) -> None:
    before = PROFILED if "embed_multimodal" in frames else LOADING
    failure = failure_of(frames, message, before)
    assert failure.kind is kind
    assert failure.line == message.split("\n", maxsplit=1)[0]
    assert cause in failure.cause + failure.line
    assert remedy in failure.remedy
    assert "{" not in failure.remedy
    assert "no error was found" not in failure.cause


def test_what_pydantic_refuses_is_told_by_the_line_below_its_error() -> None:
    failure = failure_of(
        "x/vllm/engine/arg_utils.py create|x/pydantic/_internal/_dataclasses.py __init__",
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for FancyConfig\n"
        "  Value error, fancy_size must be at least 8 [type=value_error, "
        "input_value=ArgsKwargs((), {'tensor_parallel_size': 3}), input_type=ArgsKwargs]",
    )
    assert (failure.kind, failure.line_number) == (K.BAD_ARGUMENT, 10)
    assert failure.line.startswith("Value error, fancy_size must be at least 8")
    assert failure.cause.endswith("fancy_size must be at least 8")
    assert "names (fancy_size)" in failure.remedy


def test_no_kernel_image_after_the_profile_run_is_one_backends_gap() -> None:
    message = "torch.AcceleratorError: CUDA error: no kernel image is available for execution"
    assert failure_of("x/torch/nn/functional.py f", message).kind is K.DRIVER_MISMATCH
    late = failure_of("x/torch/nn/functional.py f", message, PROFILED)
    assert late.kind is K.NO_KERNEL
    assert "driver" not in late.remedy


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ("0.9.1", "VLLM_ATTENTION_BACKEND"),
        ("0.12.0", "VLLM_ATTENTION_BACKEND"),
        ("0.13.0", "--attention-backend"),
        ("0.26.0", "--attention-backend"),
    ],
)
def test_a_remedy_names_the_flag_that_this_version_has(version: str, flag: str) -> None:
    start = only_start(
        f"INFO 11-21 08:00:00 [a.py:1] vLLM API server version {version}\n"
        "Traceback (most recent call last):\n"
        "ValueError: Selected backend X is not valid for this configuration.\n"
    )
    assert start.failure is not None
    assert flag in start.failure.remedy


@pytest.mark.parametrize(
    ("version", "message", "flag"),
    [
        ("0.16.0", "No NvFp4 MoE backend serves this", "VLLM_USE_FLASHINFER_MOE_FP8=0"),
        ("0.17.0", "No NvFp4 MoE backend serves this", "--moe-backend"),
        ("0.19.1", "cutlass_gemm: Error Internal", "VLLM_TEST_FORCE_FP8_MARLIN=1"),
        ("0.20.0", "cutlass_gemm: Error Internal", "--linear-backend"),
    ],
)
def test_a_remedy_names_the_first_release_of_its_flag(
    version: str, message: str, flag: str
) -> None:
    start = only_start(
        f"INFO 11-21 08:00:00 [a.py:1] vLLM API server version {version}\n"
        f"Traceback (most recent call last):\nRuntimeError: {message}.\n"
    )
    assert start.failure is not None
    assert flag in start.failure.remedy


def test_a_worker_that_says_the_root_comes_before_one_that_only_lost_its_peer() -> None:
    log = (
        "(APIServer pid=1) INFO 11-21 08:00:00 [utils.py:253] non-default args: {'model': 'm'}\n"
        "(Worker_TP0 pid=3) ERROR 11-21 08:00:20 [multiproc_executor.py:9] "
        "RuntimeError: [gloo] Connection closed by peer [10.0.0.1]:4\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:9] ZeroDivisionError: division by zero\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.line == "ZeroDivisionError: division by zero"


def test_an_error_that_its_process_survived_is_not_the_root() -> None:
    log = (
        "(EngineCore pid=2) INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with config: model='m'\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:06 [x.py:1] ImportError: no module fancy\n"
        "(EngineCore pid=2) INFO 11-21 08:00:07 [gpu_model_runner.py:1] Starting to load model m...\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] EngineCore failed to start.\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] ZeroDivisionError: division by zero\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.line == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    "line",
    [
        "(APIServer pid=1) ERROR 11-21 09:00:00 [core_client.py:818] [shutdown] MPClient: engine core exited unexpectedly; starting cleanup",
        "(APIServer pid=1) ERROR 11-21 09:00:00 [async_llm.py:9] vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.",
    ],
)
def test_an_engine_killed_while_it_served_has_died(line: str) -> None:
    log = (
        "(APIServer pid=1) INFO 11-21 08:00:00 [utils.py:253] non-default args: {'model': 'm'}\n"
        "INFO:     Application startup complete.\n" + line + "\n"
    )
    start = only_start(log)
    assert start.failure is not None
    assert (start.failure.kind, start.failure.line_number) == (K.ENGINE_DIED, 3)
    assert "while it served" in start.failure.cause


def test_what_follows_from_a_death_is_not_its_cause() -> None:
    log = (
        "(EngineCore pid=2) INFO 11-21 08:00:07 [gpu_model_runner.py:1] Starting to load model m...\n"
        "(APIServer pid=1) ERROR 11-21 08:00:09 [core_client.py:8] [shutdown] MPClient: engine core exited unexpectedly; starting cleanup\n"
        "(APIServer pid=1) RuntimeError: cancelled\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.ENGINE_DIED, 2)


def test_an_engine_killed_in_the_start_has_died_where_no_line_says_more() -> None:
    log = (
        "(EngineCore pid=2) INFO 11-21 08:00:07 [gpu_model_runner.py:1] Starting to load model m...\n"
        "(APIServer pid=1) Traceback (most recent call last):\n"
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.ENGINE_DIED, 3)
    assert "load_weights" in failure.cause


@pytest.mark.timeout(30)
@pytest.mark.parametrize("rest", ["'" * 100_000, "cutlass " * 20_000, "a/" * 100_000])
def test_a_hostile_message_is_bounded(rest: str) -> None:
    failure = failure_of("", f"RuntimeError: Worker failed with error '{rest}")
    assert len(failure.line) <= 2000
