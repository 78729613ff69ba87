# ruff: noqa: E501  (lines of vLLM and of the libraries under it are quoted whole)
"""Failures whose words no row was made for: who raised them, what they ask for, what came before."""

import pytest

from backends.domain.start import FailureKind
from tests.backends.domain.startup.logs import only_start, starts_in
from tests.backends.domain.startup.test_families import failure_of

K = FailureKind
BOILERPLATE = (
    "\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect."
    "\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1"
    "\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."
)

# kind, frames ("path function"), message, what cause or line must say, what the remedy must say
CASES: list[tuple[FailureKind, str, str, str, str]] = [
    (K.DRIVER_MISMATCH, "x/vllm/v1/worker/gpu_worker.py init_device", "RuntimeError: CUDA error: no kernel image is available for execution on the device" + BOILERPLATE, "does not fit", "vLLM build made"),
    (K.HOST_OUT_OF_MEMORY, "x/vllm/v1/kv_offload/worker/cpu_gpu.py __init__", "torch.AcceleratorError: CUDA error: out of memory", "pinned", "--kv-offloading-size"),
    (K.NO_DEVICE, "x/vllm/platforms/cuda.py device_id_to_physical_device_id", "ValueError: invalid literal for int() with base 10: 'MIG-1234-aa'", "MIG-1234-aa", "nvidia-smi -L"),
    (K.DEPENDENCY_ERROR, "x/torch/cuda/__init__.py _lazy_init", "AssertionError: Torch not compiled with CUDA enabled", "built without", "torch.__version__"),
    (K.NO_KERNEL, "x/triton/compiler/compiler.py make_ir", "triton.compiler.errors.CompilationError: at 9:16:\n  tl.dot(a, b)\nValueError(\"type fp8x not supported in this architecture.\")", "fp8x", "another backend"),
    (K.NO_KERNEL, "x/aiter/jit/utils/chip_info.py get_gfx", "RuntimeError: rocminfo says \"Unknown GPU architecture: gfx1299\"", "gfx1299", "VLLM_ROCM_USE_AITER=0"),
    (K.BUILD_TOOLS, "x/tvm/runtime/module.py compile", "tvm.error.InternalError: Compilation error:\nnvcc fatal   : Unsupported gpu architecture 'compute_199a'", "compute_199a", "nvcc --version"),
    (K.BUILD_TOOLS, "x/torch/_inductor/cpp_builder.py build", "torch._inductor.exc.InductorError: CppCompileError: C++ compile error\nx.cpp:1:10: fatal error: omp.h: No such file or directory", "omp.h", "compiler's own lines"),
    (K.BUILD_TOOLS, "x/aiter/jit/core.py build_module", "RuntimeError: [aiter] build [module_x] under /root/.aiter failed !!!!!!", "module_x", "hipcc --version"),
    (K.COMMUNICATION_FAILED, "x/torch/distributed/rendezvous.py _create", "torch.distributed.DistNetworkError: The client socket has failed to connect to any network address of (head-0, 29501): (gai error: -2 - Name or service not known).", "head-0", "--master-addr"),
    (K.RANK_MISSING, "x/vllm/executor/ray_distributed_executor.py _init", "RuntimeError: Every node should have a unique IP address. Got 2 nodes and 1 unique IP addresses.", "one address", "VLLM_HOST_IP"),
    (K.PORT_IN_USE, "x/zmq/sugar/socket.py bind", "zmq.error.ZMQError: Address already in use (addr='tcp://*:5557')", "Port 5557", "sport = :5557"),
    (K.PORT_IN_USE, "x/zmq/sugar/socket.py bind", "zmq.error.ZMQError: Address already in use", "among one another", "VLLM_PORT"),
    (K.PERMISSION_DENIED, "x/vllm/entrypoints/openai/api_server.py create_server_socket", "PermissionError: [Errno 13] Permission denied", "listen on port 8000", "above 1023"),
    (K.PERMISSION_DENIED, "x/vllm/v1/spec_decode/ngram.py <module>|x/numba/core/caching.py __init__", "RuntimeError: cannot cache function 'f': no locator available for file '/x/ngram.py'", "Numba", "NUMBA_CACHE_DIR"),
    (K.CHECKPOINT_MISMATCH, "x/vllm/model_executor/layers/quantization/utils/quant_utils.py is_layer_skipped", "ValueError: Detected some but not all shards of in_proj are quantized.", "in_proj", "config.json"),
    (K.BAD_CHECKPOINT, "x/transformers/utils/hub.py cached_file", "OSError: Can't load the configuration of '/models/x'. If you were trying to load it", "/models/x", "ls /models/x"),
    (K.BAD_CHECKPOINT, "x/transformers/models/auto/configuration_auto.py from_pretrained", "ValueError: Unrecognized model in /models/y. Should have a `model_type` key in its config.json", "/models/y", "adapter"),
    (K.BAD_CHECKPOINT, "x/vllm/config/model.py _verify_len", "KeyError: 'original_positions'", "original_positions", "--hf-overrides"),
    (K.MODEL_NOT_FOUND, "x/huggingface_hub/utils/_http.py raise", "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error. (Request ID: 1)\nInvalid rev id: v9", "v9", "--revision"),
    (K.NO_NETWORK, "x/requests/adapters.py send", "requests.exceptions.SSLError: HTTPSConnectionPool(host='hub.example', port=443): Max retries exceeded (Caused by SSLError(SSLCertVerificationError(1, 'self-signed')))", "host hub.example was reached", "REQUESTS_CA_BUNDLE"),
    (K.DOWNLOAD_FAILED, "x/botocore/auth.py add_auth", "botocore.exceptions.NoCredentialsError: Unable to locate credentials", "object store", "AWS_ACCESS_KEY_ID"),
    (K.DOWNLOAD_FAILED, "x/botocore/client.py _make_api_call", "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the ListObjectsV2 operation", "AccessDenied", "read the bucket"),
    (K.DOWNLOAD_FAILED, "x/huggingface_hub/file_download.py xet_get", "RuntimeError: Data processing error: CAS service error : Request failed after 5 retries", "CAS service", "hf download"),
    (K.DEPENDENCY_ERROR, "x/transformers/tokenization_utils_fast.py __init__", "Exception: data did not match any variant of untagged enum ModelWrapper at line 7 column 3", "newer form", "tokenizers"),
    (K.DEPENDENCY_ERROR, "x/transformers/tokenization_utils.py __init__", "ValueError: Couldn't make the tokenizer from one of: \n(1) a file\nYou need to have sentencepiece installed.", "sentencepiece", "Install"),
    (K.DEPENDENCY_ERROR, "x/vllm/transformers_utils/tokenizer.py get_cached", "AttributeError: FancyTokenizer has no attribute all_special. Did you mean: 'special'?", "all_special", "pins"),
    (K.DEPENDENCY_ERROR, "x/vllm/transformers_utils/configs/x.py <module>|x/transformers/models/auto/configuration_auto.py register", "ValueError: 'fancy' is already used by a Transformers config, pick another name.", "fancy", "uv pip install vllm"),
    (K.DEPENDENCY_ERROR, "x/vllm/v1/fancy.py <module>|x/fancy/core.py make", "RuntimeError: this cannot be put together", "cannot be put together", "pins"),
    (K.DEPENDENCY_ERROR, "x/vllm/entrypoints/api_server.py build_app|x/fastapi/routing.py __init__", "TypeError: Router.__init__() got an unexpected keyword argument 'on_startup'", "on_startup", "pins"),
    (K.NO_KERNEL, "", "RuntimeError: hipErrorNoBinaryForGpu: Unable to find code object for all current devices!", "no kernels for this GPU", "rocminfo"),
    (K.STARTUP_TIMEOUT, "", "RuntimeError: Container vllm failed startup probe", "Kubernetes", "failureThreshold"),
    (K.DEPENDENCY_ERROR, "", "RuntimeError: libfancy_graph.so.9: cannot open shared object file: No such file or directory", "libfancy_graph.so.9", "LD_LIBRARY_PATH"),
    (K.COMMUNICATION_FAILED, "x/zmq/sugar/socket.py connect", "OSError: [Errno 113] No route to host", "No route to host", "VLLM_HOST_IP"),
    (K.NO_KERNEL, "x/flashinfer/jit/core.py check", "RuntimeError: Fancy requires GPUs with sm75 or higher", "sm75", "VLLM_USE_FLASHINFER_SAMPLER=0"),
    (K.BAD_ARGUMENT, "x/vllm/entrypoints/tool_parsers/abstract.py get", "KeyError: \"Tool parser 'hermez' not found. Available parsers: hermes, mistral\"", "called hermez", "--tool-call-parser to one of: hermes, mistral"),
    (K.BAD_ARGUMENT, "x/vllm/entrypoints/openai/serving_models.py init", "ValueError: Loading lora sql failed: No adapter found for /adapters/sql", "/adapters/sql", "--lora-modules"),
    (K.BAD_ARGUMENT, "", "RuntimeError: exec: \"vllm\": executable file not found in $PATH", "called vllm", "container's command"),
    (K.BAD_ARGUMENT, "x/uvicorn/config.py create_ssl_context", "FileNotFoundError: [Errno 2] No such file or directory", "No such file", "--ssl-certfile"),
    (K.BAD_CHECKPOINT, "x/gguf/gguf_reader.py __init__", "ValueError: GGUF magic invalid", "magic", "--load-format"),
    (K.INTERNAL_ERROR, "x/torch/_inductor/ir.py __init__", "AssertionError: out variant should have an argument", "inside PyTorch", "--enforce-eager"),
    (K.BUILD_TOOLS, "x/vllm/utils/deep_gemm.py gemm_nt", "RuntimeError: Assertion error (csrc/apis/../x/../../jit/runtime_x.hpp:45): code == 0", "could not build", "VLLM_USE_DEEP_GEMM=0"),
    (K.BUILD_TOOLS, "x/vllm/utils/fancy.py gemm_nt", "RuntimeError: Assertion error (/w/Fancy/csrc/apis/../jit/compiler_x.hpp:11): made != nullptr", "made != nullptr", "nvcc --version"),
    (K.NO_KERNEL, "x/vllm/_custom_ops.py prepack", "NotImplementedError: Could not run '_C::fancy_prepack' with arguments from the 'CUDA' backend. This could be because", "no kernel fancy_prepack", "--linear-backend marlin"),
    (K.BAD_CHECKPOINT, "x/pydantic/_internal/_dataclasses.py __init__", "ValueError: Expecting value: line 1 column 1 (char 0)", "JSON file", "Git LFS pointer"),
    (K.HOST_LIMIT, "x/vllm/v1/worker/gpu/buffer_utils.py __init__", "RuntimeError: UVA is not available", "pinned", "VLLM_WSL2_ENABLE_PIN_MEMORY=1"),
    (K.BAD_ARGUMENT, "x/vllm/reasoning/basic.py __init__", "RuntimeError: FancyReasoningParser reasoning parser could not locate the tokens!", "FancyReasoningParser", "names (--reasoning-parser)"),
    (K.BAD_ARGUMENT, "x/vllm/config/model.py __post_init__", "ValueError: The quantization method in the config (a) does not match the one of the `quantization` argument (b).", "does not match", "names (--quantization)"),
    (K.INVALID_PARALLELISM, "x/vllm/v1/worker/gpu_worker.py init_device", "AssertionError: adjusted local rank 3 is out of bounds for 2 devices.", "rank 3", "parallel"),
    (K.COMMUNICATION_FAILED, "x/torch/distributed/distributed_c10d.py all_reduce", "RuntimeError: oneCCL: fd_x.cpp:21 fill: EXCEPTION: open failed: fd: -1", "fd_x.cpp", "CCL_ZE_IPC_EXCHANGE"),
    (K.COMMUNICATION_FAILED, "x/torch/distributed/distributed_c10d.py all_reduce", "RuntimeError: fancyccl fd_x.cpp:21 fill: not supported", "fd_x.cpp", "NCCL_SOCKET_IFNAME"),
    (K.DEPENDENCY_ERROR, "x/vllm/transformers_utils/processor.py get", "TypeError: Invalid type of processor. Expected type: <class 'transformers.x.Mixin'>, but found type: <class 'transformers.y.Fast'>", "something else", "preprocessor_config.json"),
    (K.CHECKPOINT_MISMATCH, "C:\\envs\\v\\Lib\\site-packages\\vllm_gguf_plugin\\weights_adapter\\default.py build_name_map", "RuntimeError: Failed to map GGUF parameters (3):\n['blk.0.a']", "vllm_gguf_plugin/weights_adapter/default.py", "config.json"),
    (K.INTERNAL_ERROR, "x/vllm/device_allocator/cumem.py create", "RuntimeError: CUDA Error: invalid argument at /w/csrc/cumem_allocator.cpp:11", "sleep mode", "--enable-sleep-mode"),
    (K.GPU_OUT_OF_MEMORY, "x/vllm/device_allocator/cumem.py create", "RuntimeError: CUDA Error: out of memory at /w/csrc/cumem_allocator.cpp:11", "out of memory", "--gpu-memory-utilization"),
    (K.INTERNAL_ERROR, "x/vllm/compilation/compiler_interface.py load|x/torch/_inductor/standalone_compile.py load", "_pickle.UnpicklingError: pickle data was truncated", "damaged", "VLLM_DISABLE_COMPILE_CACHE=1"),
    (K.NO_DEVICE, "x/vllm_fancy/platform.py set_device|x/torch_npu/npu/utils.py set_device", "RuntimeError: Mode:build/x.ts:156 NPU function error: aclrtSetFancy, error code is 507", "could not be opened", "npu-smi"),
    (K.INVALID_PARALLELISM, "x/tpu_inference/runner/tpu_runner.py _init_mesh", "ValueError: Insufficient devices for the mesh: found 1, expected 8", "Insufficient devices", "parallel"),
    (K.DEPENDENCY_ERROR, "x/vllm/distributed/utils.py init_group", "TypeError: __init__(): incompatible constructor arguments. The following are supported:\n    1. torch._C._distributed_c10d.Fancy(arg0: int)", "does not fit", "pins"),
    (K.BAD_CHECKPOINT, "x/vllm/config/model.py __post_init__", "ValueError: No model architectures are specified", "names no `architectures`", '--hf-overrides \'{"architectures": ["CLASS"]}\''),
    (K.BAD_CHECKPOINT, "x/transformers/convert_slow_tokenizer.py convert", "ValueError: Converting from Fancy failed, provide a path with a tokenizer.model file", "cannot read the model's tokenizer", "--tokenizer"),
    (K.DEPENDENCY_ERROR, "x/cv2/__init__.py <module>", "ImportError: libGL.so.1: cannot open shared object file: No such file or directory", "library of the system", "apt install"),
    (K.DEPENDENCY_ERROR, "x/vllm/distributed/kv_transfer/fancy.py __init__", "ModuleNotFoundError: No module named 'fancycache'", "fancycache is not installed", "`uv pip install fancycache`"),
    (K.DEPENDENCY_ERROR, "x/triton_kernels/fancy.py <module>", "ModuleNotFoundError: No module named 'fancy.language.more'", "it has no fancy.language.more", "Install the fancy"),
    (K.UNSUPPORTED_DTYPE, "x/vllm/model_executor/layers/quantization/fancy.py check", "RuntimeError: ('Quantization scheme is not supported for ', 'the current GPU. Min capability: 80. ', 'Current capability: 75.')", "this one has 75", "newer GPU"),
    (K.DOWNLOAD_FAILED, "x/huggingface_hub/utils/_http.py raise", "huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://hub.example/api", "too many", "HF_TOKEN"),
    (K.RANK_MISSING, "x/vllm/v1/engine/core.py handshake", "RuntimeError: Did not receive response from front-end process within 5 minutes", "front end", "--data-parallel-address"),
    (K.BAD_ARGUMENT, "x/vllm/lora/worker_manager.py load", "ValueError: Loading lora [\"x failed: No adapter found for /adapters/x\"]", "adapter in /adapters/x.", "`ls /adapters/x`"),
    (K.NO_KERNEL, "x/vllm_fancy/attention/attention_v1.py __init__", "NotImplementedError: sliding windows are not supported", "sliding windows", "--attention-backend"),
    (K.NO_KERNEL, "x/vllm/compilation/cuda_graph.py call", "torch.AcceleratorError: CUDA error: operation not permitted when stream is capturing", "CUDA graph", "--enforce-eager"),
    (K.GPU_FAULT, "x/torch/nn/functional.py linear", "RuntimeError: CUDA error: HIPBLAS_STATUS_INTERNAL_ERROR when calling hipblasLtMatmul", "HIPBLAS", "dmesg"),
    (K.NO_DEVICE, "", "RuntimeError: could not select device driver \"\" with capabilities: [[gpu]].", "Docker", "nvidia-container-toolkit"),
    (K.DRIVER_MISMATCH, "", "RuntimeError: unsatisfied condition: cuda>=12.9, please update your driver", "cuda>=12.9", "Update the NVIDIA driver"),
    (K.INVALID_PARALLELISM, "x/vllm/model_executor/layers/fused_moe/layer.py __init__", "AssertionError: EPLB currently only supports even distribution of experts across ranks.", "EPLB", "parallel"),
    (K.BAD_ARGUMENT, "x/vllm/v1/core/kv_cache_utils.py unify", "ValueError: The fancy manager is disabled but one type was not found.", "disabled", "option"),
    (K.BAD_ARGUMENT, "x/vllm/v1/spec_decode/draft_model.py _raise_if_mismatch", "ValueError: Target and draft model should have the same vocabulary size.", "draft model", "--speculative-config"),
    (K.DEPENDENCY_ERROR, "x/vllm/multimodal/context.py call|x/transformers/models/f/processing.py __call__", "ValueError: Failed to apply FancyProcessor on data={}", "FancyProcessor", "pins"),
    (K.BAD_CHECKPOINT, "x/mistral_common/tokens/utils.py get", "ValueError: No tokenizer file found in the directory: /models/z", "/models/z", "--hf-overrides"),
    (K.DOWNLOAD_FAILED, "x/runai_model_streamer/libstreamer/libstreamer.py response", "Exception: Could not receive runai_response from libstreamer due to: b'File access error'", "libstreamer", "--load-format auto"),
    (K.NO_KERNEL, "x/cutlass/base_dsl/compiler.py compile", "cutlass.base_dsl.common.DSLRuntimeError: expects arch to be one of [Arch.sm_100a], but got Arch.sm_121a", "sm_121a", "another backend"),
    (K.NO_DEVICE, "x/triton/runtime/driver.py create", "RuntimeError: 0 active drivers ([]). There should only be one.", "finds 0", "nvidia-smi"),
    (K.DEPENDENCY_ERROR, "x/vllm/distributed/kv_transfer/kv_connector/factory.py create_connector", "TypeError: FancyConnector.__init__() takes 3 positional arguments but 4 were given", "FancyConnector", "pins"),
    (K.ENGINE_DIED, "x/ray/_private/worker.py get", "ray.exceptions.ActorDiedError: The actor died.\nWorker exit type: SYSTEM_ERROR", "SYSTEM_ERROR", "/tmp/ray/"),
    (K.DEPENDENCY_ERROR, "x/numba/__init__.py _ensure", "ImportError: Numba needs NumPy 2.2 or less. Got NumPy 2.3.", "NumPy 2.3", "uv pip install"),
    (K.INTERNAL_ERROR, "", "ZeroDivisionError: integer division or modulo by zero", "modulo by zero", "another release"),
    (K.INTERNAL_ERROR, "x/vllm/v1/worker/fancy.py run", "ValueError: too many values to unpack (expected 2)", "fancy.py", "--enforce-eager"),
    (K.INTERNAL_ERROR, "", "msgspec.ValidationError: Expected `object`, got `array`", "array", "another release"),
    (K.INTERNAL_ERROR, "", "RuntimeError: ('Worker failed with error %s, please check the stack trace above for the root cause', 'linear(): unsupported operand type(s) for *: int and None')", "operand", "another release"),
    (K.INTERNAL_ERROR, "", "torch._inductor.exc.InductorError: AssertionError: -1", "inside PyTorch", "--enforce-eager"),
    (K.INTERNAL_ERROR, "/root/.cache/vllm/torch_compile_cache/ab/rank_0_0/inductor_cache/xy/c1.py call", "ValueError: not enough values to unpack (expected 7, got 6)", "compiled graph", "torch_compile_cache"),
    (K.DEPENDENCY_ERROR, "x/vllm/v1/attention/backends/fancy.py forward", "RuntimeError: fancy::scaled() expected at most 3 argument(s) but received 4 argument(s). Declaration: fancy::scaled(Tensor q) -> Tensor", "another release", "environment of its own"),
    (K.CHECKPOINT_MISMATCH, "", "KeyError: 'layers.0.mlp.fancy_proj.weight_scale'", "fancy_proj", "config.json"),
    (K.CHECKPOINT_MISMATCH, "", "ValueError: While loading /a, expected target modules in {'q'} but received ['z'].", "adapter does not fit", "adapter_config.json"),
    (K.BAD_CHECKPOINT, "x/torch/_weights_only_unpickler.py load", "KeyError: 231", "PyTorch can read", "--force-download"),
    (K.BAD_ARGUMENT, "x/vllm/v1/core/kv_cache_utils.py unify", "ValueError: Hybrid KV cache manager is disabled but failed to convert the KV cache specs to one unified type.", "kinds of attention", "--no-disable-hybrid-kv-cache-manager"),
    (K.NO_KERNEL, "x/vllm/v1/executor/fancy.py get_response", "RuntimeError: Worker failed with error 'Error occurred when running GEMM! (numBatches: 3)', please check the stack trace above for the root cause", "GEMM", "another backend"),
    (K.NO_KERNEL, "", "AssertionError: MoEActivation.SWOOSH is not supported.", "SWOOSH", "another backend"),
    (K.COMMUNICATION_FAILED, "", "RuntimeError: Remote NIXL agent engine ID mismatch. Expected a, received b.", "NIXL agent", "peer"),
    (K.INTERNAL_ERROR, "/v/site-packages/vllm/v1/worker/w.py run|/v/site-packages/lmcache/v1/config.py read", "IndexError: list index out of range", "inside lmcache failed", "the issues of lmcache for lmcache/v1/config.py"),
    (K.DEPENDENCY_ERROR, "/v/site-packages/lmcache/integration/vllm/adapter.py start", "TypeError: Fancy.start() got an unexpected keyword argument 'mode'", "lmcache/integration", "in the version that this vLLM pins"),
    (K.BAD_ARGUMENT, "/v/site-packages/lmcache/v1/memory.py __init__", "AssertionError: Buffer size 537 must be a multiple of align bytes 17", "multiple of", "--kv-transfer-config"),
    (K.COMMUNICATION_FAILED, "/v/site-packages/lmcache/v1/remote.py open", "OSError: the store at lm://x:65432 refused the connection", "could not be reached", "--kv-transfer-config"),
    (K.COMMUNICATION_FAILED, "/opt/dynamo/v/site-packages/dynamo/vllm/main.py worker", "Exception: Failed to connect to etcd: transport error", "dynamo/vllm/main.py", "etcd"),
    (K.INTERNAL_ERROR, "/opt/dynamo/v/site-packages/vllm/v1/worker/w.py run", "ZeroDivisionError: division by zero", "inside vLLM", "vllm/v1/worker/w.py"),
    (K.INTERNAL_ERROR, "/opt/vllm/v/site-packages/vllm/v1/worker/w.py run|/opt/vllm/v/site-packages/torch/functional.py split", "IndexError: index out of range", "inside vLLM", "vllm/v1/worker/w.py"),
    (K.INTERNAL_ERROR, "/v/site-packages/vllm/v1/worker/w.py run|/v/site-packages/flashinfer/comm/fancy.py plan", "IndexError: list index out of range", "inside flashinfer failed", "the release of flashinfer that this vLLM asks for"),
    (K.INTERNAL_ERROR, "", "AttributeError: 'FancyRunner' object has no attribute 'runner'", "FancyRunner", "another release"),
    (K.DEPENDENCY_ERROR, "", "AttributeError: 'FancyTokenizer' object has no attribute 'convert'", "FancyTokenizer", "pins"),
    (K.INTERNAL_ERROR, "", "AssertionError: FancyCoordinator requires two groups.", "FancyCoordinator", "another release"),
    (K.INTERNAL_ERROR, "x/vllm/v1/attention/backends/fancy.py build", "AssertionError: num_decodes: 1, num_spec_decodes: 1", "num_decodes", "--enforce-eager"),
    (K.INTERNAL_ERROR, "", "ValueError: Duplicated timeseries in CollectorRegistry: {'vllm:x'}", "timeseries", "another release"),
    (K.INTERNAL_ERROR, "x/vllm/ops/fancy.py run|x/triton/language/semantic.py arange", "ValueError: arange's range must be a power of 2", "power of 2", "another release"),
    (K.INVALID_PARALLELISM, "", "AssertionError: 20 experts must be divisible by expert parallel size 3", "20 experts", "--enable-expert-parallel"),
    (K.UNKNOWN, "x/vllm/engine/arg_utils.py create_model_config|x/pydantic/_internal/_dataclasses.py __init__", "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig", "not known", "traceback above"),
    (K.NO_KERNEL, "x/vllm/model_executor/models/fancy.py load_weights", "NotImplementedError: \"index_cpu\" not implemented for 'Float8_e4m3fn'", "index_cpu", "--dtype"),
    (K.DRIVER_MISMATCH, "", "torch.AcceleratorError: CUDA error: the provided PTX was compiled with an unsupported toolchain." + BOILERPLATE.replace("\n", " "), "does not fit", "driver"),
    (K.PORT_IN_USE, "x/torch/distributed/rendezvous.py _create", "torch.distributed.DistNetworkError: The server socket has failed to listen on any local network address.", "most likely", "--master-port"),
    (K.GPU_OUT_OF_MEMORY, "", "RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", "most likely", "--gpu-memory-utilization"),
    (K.INTERNAL_ERROR, "", "AttributeError: 'SpeculativeConfig' object has no attribute 'get'", "SpeculativeConfig", "another release"),
    (K.DEPENDENCY_ERROR, "", "TypeError: unsupported operand type(s) for |: 'type' and 'NoneType'", "'type'", "a Python it supports"),
    (K.DEPENDENCY_ERROR, "", "ValueError: Unknown version: v99 in /hub/models--org--m/tekken.json. Make sure to use a valid version.", "tekken.json", "mistral_common"),
    (K.DEPENDENCY_ERROR, "", "TypeError: flash_attn_varlen_func() got an unexpected keyword argument 'splits'", "splits", "environment of its own"),
    (K.NO_KERNEL, "", "RuntimeError: Int8 not supported for this architecture", "Int8", "another backend"),
    (K.NO_KERNEL, "", "RuntimeError: Worker failed with error 'FlashMLA is not available on this device\nmore of it\n', please check the stack trace above for the root cause", "FlashMLA", "--attention-backend"),
    (K.INTERNAL_ERROR, "x/include/flashinfer/allocator.h aligned_alloc", "RuntimeError: Error in function 'aligned_alloc' at /w/include/flashinfer/allocator.h:49: Buffer overflow when allocating memory for batch_tmp_v with size 536346624 and alignment 16", "536346624", "VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE"),
    (K.ENGINE_HUNG, "", "ray.exceptions.RayChannelTimeoutError: System error: Timed out waiting for object available to read.", "did not answer", "py-spy"),
    (K.INTERNAL_ERROR, "", "TypeError: to() received an invalid combination of arguments - got (torch.device, non_blocking=NoneType)", "invalid combination", "another release"),
    (K.INTERNAL_ERROR, "x/vllm/v1/core/sched/scheduler.py _update_after_schedule", "KeyError: 'chatcmpl-8a6f'", "chatcmpl", "another release"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "frames", "message", "cause", "remedy"), CASES)
def test_a_mechanism(kind: FailureKind, frames: str, message: str, cause: str, remedy: str) -> None:
    failure = failure_of(frames, message)
    assert failure.kind is kind
    assert cause in failure.cause + failure.line
    assert remedy in failure.remedy


STARTED = (
    "(EngineCore pid=2) INFO 11-21 08:00:02 [core.py:77] Initializing a V1 LLM engine (v0.20.0) with config: model='m', tensor_parallel_size=2\n"
    "(EngineCore pid=2) INFO 11-21 08:00:07 [gpu_model_runner.py:1] Starting to load model m...\n"
)
DIED = "(EngineCore pid=2) ERROR 11-21 08:00:19 [multiproc_executor.py:230] Worker proc VllmWorker-1 died unexpectedly, shutting down executor.\n"


def test_a_crash_is_what_the_exception_behind_it_says() -> None:
    log = (
        STARTED
        + "terminate called after throwing an instance of 'c10::DistBackendError'\n"
        + "  what():  [Rank 1] Process group watchdog thread terminated with exception: CUDA error: an illegal memory access was encountered\n"
        + DIED
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.GPU_FAULT, 4)
    assert "illegal memory access" in failure.line


def test_what_a_watchdog_of_the_ranks_writes_is_read() -> None:
    log = (
        STARTED
        + "[rank1]:[E1121 08:10:00.123 ProcessGroupNCCL.cpp:685] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=4, OpType=ALLREDUCE) ran for 600029 milliseconds before timing out.\n"
        + DIED
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.COMMUNICATION_FAILED, 3)


def test_a_death_is_what_native_code_said_before_it() -> None:
    log = (
        STARTED
        + "/build/main_nvshmem/src/host/init/init.cu:check_state:1062: nvshmem initialization failed, exiting\n"
        + DIED
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.COMMUNICATION_FAILED, 3)


def test_what_native_code_said_is_no_cause_of_a_start_that_went_on() -> None:
    log = (
        STARTED
        + "/build/main_nvshmem/src/host/init/init.cu:check_state:1062: nvshmem initialization failed, exiting\n"
        + "(EngineCore pid=2) INFO 11-21 08:00:15 [gpu_worker.py:1] Available KV cache memory: 55.79 GiB\n"
        + DIED
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.kind is K.ENGINE_DIED


def test_a_runtime_without_code_for_the_gpu_is_no_crash_of_its_own() -> None:
    log = (
        STARTED
        + "hipErrorNoBinaryForGpu: Unable to find code object for all current devices!\n"
        + "Aborted (core dumped)\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.NO_KERNEL, 3)


def test_a_traceback_in_a_log_without_times_is_read_to_its_end() -> None:
    log = (
        "Traceback (most recent call last):\n"
        '  File "/x/vllm/platforms/__init__.py", line 60, in cuda_platform_plugin\n'
        '  File "/x/vllm/third_party/pynvml.py", line 1042, in _nvmlCheckReturn\n'
        "vllm.third_party.pynvml.NVMLError_LibRmVersionMismatch: Driver/library version mismatch\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.DRIVER_MISMATCH, 4)


def test_a_stop_that_a_kubelet_explains() -> None:
    line = "  Normal  Killing  2m  kubelet  Container vllm failed startup probe, will be restarted"
    failure = only_start(f"{STARTED}{line}\n").failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.STARTUP_TIMEOUT, 3)
    assert "startupProbe" in failure.remedy


@pytest.mark.parametrize(
    "prefix",
    [
        "[vllm-server] | ",
        "[vllm/0] ",
        "(task, pid=4711) ",
        "(head, rank=0, pid=4711) ",
        "[default0]:",
        "E1105 09:12:00.000000 4711 runner.go:33] ",
    ],
)
def test_a_prefix_that_begins_as_lines_of_vllm_do(prefix: str) -> None:
    log = (
        STARTED
        + "Traceback (most recent call last):\nValueError: LoRA rank 128 is greater than max_lora_rank 32.\n"
    )
    (start,) = starts_in("".join(f"{prefix}{line}\n" for line in log.splitlines()))
    assert start.vllm_version == "0.20.0"
    assert start.failure is not None
    assert start.failure.line == "ValueError: LoRA rank 128 is greater than max_lora_rank 32."


@pytest.mark.parametrize(
    "head",
    [
        "(VllmWorker rank=1 pid=302) ERROR 11-21 08:00:12 multiproc_executor.py:597] ",
        "(VllmWorker TP1 pid=302) ERROR 11-21 08:00:12 [multiproc_executor.py:597] ",
        "^[[36m(Worker_TP1 pid=302, ip=)^[[0m ERROR 11-21 08:00:12 [multiproc_executor.py:597] ",
    ],
)
def test_records_of_early_versions_and_of_ray_are_those_of_a_worker(head: str) -> None:
    frames = [
        "Traceback (most recent call last):",
        '  File "/x/vllm/model_executor/models/llama.py", line 487, in load_weights',
        "KeyError: 'layers.0.mlp.gate_up_proj.activation_scale'",
    ]
    worker = "".join(f"{head}{line}\n" for line in frames)
    engine = "(EngineCore pid=2) ERROR 11-21 08:00:13 [core.py:1] RuntimeError: something else\n"
    failure = only_start(STARTED + worker + engine).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.CHECKPOINT_MISMATCH, 5)


def test_a_crash_is_named_by_the_library_that_was_missed_before_it() -> None:
    log = (
        STARTED
        + "Could not load library libcudnn_graph.so.9. Error: libcudnn_graph.so.9: cannot open shared object file\n"
        + "Invalid handle.\n"
        + "Aborted (core dumped)\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.DEPENDENCY_ERROR, 3)


def test_a_crash_that_nothing_explains_quotes_what_was_said_before_it() -> None:
    log = STARTED + "fancy runtime: could not map the ring\nSegmentation fault (core dumped)\n"
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.NATIVE_CRASH, 4)
    assert "could not map the ring" in failure.cause


@pytest.mark.parametrize("ready", [False, True])
def test_a_traceback_without_its_last_line_is_no_silent_death(ready: bool) -> None:
    head = "(Worker_TP1 pid=302) ERROR 11-21 08:00:12 [multiproc_executor.py:597] "
    log = (
        STARTED
        + ("INFO:     Application startup complete.\n" if ready else "")
        + f"{head}Traceback (most recent call last):\n"
        + f'{head}  File "/x/vllm/v1/worker/gpu_worker.py", line 9, in load_model\n'
        + DIED
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.kind is (K.ENGINE_DIED if ready else K.UNKNOWN)
    assert failure.line_number == (5 if ready else 4)
    assert "gpu_worker.py:9 in load_model); the line that says which is missing" in failure.cause


def test_a_rank_that_crashes_while_it_serves_ends_the_server() -> None:
    log = (
        STARTED
        + "INFO:     Application startup complete.\n"
        + "[rank1]:[E1121 08:10:00.123 ProcessGroupNCCL.cpp:685] [Rank 1] Watchdog caught collective operation timeout: ran for 600029 milliseconds before timing out.\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.COMMUNICATION_FAILED, 4)


def test_a_crash_does_not_quote_what_a_logger_said_before_it() -> None:
    log = (
        STARTED
        + "(EngineCore pid=2) ERROR 11-21 08:00:12 [core.py:1] EngineCore failed to start.\n"
        + "Segmentation fault (core dumped)\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert "Before that" not in failure.cause


def test_a_failed_engine_is_what_an_unlogged_line_said_before_it() -> None:
    log = (
        STARTED
        + "[ 9123.4] Memory cgroup out of memory: Killed process 4711 (VLLM::EngineCor)\n"
        + "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.HOST_OUT_OF_MEMORY, 3)


def test_what_docker_says_of_a_gpu_is_a_failed_start() -> None:
    log = 'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].\n'
    failure = only_start(log).failure
    assert failure is not None
    assert failure.kind is K.NO_DEVICE


def test_a_dead_worker_of_ray_is_not_the_guess_in_rays_own_words() -> None:
    head = "(EngineCore pid=2) ERROR 11-21 08:00:12 [core.py:708] "
    said = (
        "EngineCore failed to start.",
        "Traceback (most recent call last):",
        '  File "/x/ray/_private/worker.py", line 2960, in get_objects',
        "ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.",
        "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: (1) the process was killed by the OOM killer",
    )
    end = (
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
    )
    failure = only_start(STARTED + "".join(f"{head}{line}\n" for line in said) + end).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.ENGINE_DIED, 6)
    assert "SYSTEM_ERROR" in failure.cause
    assert "/tmp/ray/session_latest/logs" in failure.remedy


def test_a_traceback_without_its_last_line_says_where_it_was_raised() -> None:
    log = (
        "INFO 11-21 08:00:00 [__init__.py:244] Automatically detected platform cuda.\n"
        "Traceback (most recent call last):\n"
        '  File "/x/vllm/transformers_utils/configs/x.py", line 75, in <module>\n'
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.line_number == 3
    assert "does not say why" not in failure.cause
    assert "configs/x.py:75" in failure.cause
