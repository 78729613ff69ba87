"""Failures of kernels: none for this GPU, or one that has to be built and cannot be."""

from backends.domain.start import FailureKind as Kind
from backends.domain.start import PhaseName
from backends.domain.startup.failure_row import row as _row

_AFTER_KERNELS_RAN = (
    PhaseName.PROFILE_MEMORY,
    PhaseName.ALLOCATE_KV_CACHE,
    PhaseName.WARM_UP_KERNELS,
    PhaseName.CAPTURE_GRAPHS,
    PhaseName.START_API,
)
_OTHER_LAYER_BACKEND = "Choose another backend for this layer: {linear_backend}, or {moe_backend}"

_CACHED_GRAPH = (
    (
        "A compiled graph that an earlier start left in vLLM's cache is damaged or does not fit "
        "this start{in_frame}: {line}"
    ),
    (
        "Delete torch_compile_cache and torch_aot_compile in VLLM_CACHE_ROOT (~/.cache/vllm), or "
        "start with VLLM_DISABLE_COMPILE_CACHE=1; give servers that start at the same time a "
        "VLLM_CACHE_ROOT each."
    ),
)

KERNELS = (
    _row(
        Kind.NO_KERNEL,
        r"No valid attention backend found for (?P<platform>\w+) with \w*\((?P<wanted>.*?)\)\. "
        r"Reasons: \{(?P<backends>.*)",
        "No attention backend takes {common_reason}; the backends' reasons: {backends}",
        "Change what all backends refuse ({common_flag}), or choose one with {attention_backend}.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"not supported by (?:Flash\w+|\w+ attention)|"
        r"No valid (?:\w+ )*attention backend|Selected backend \S+ is not valid|"
        r"(?:FlashMLA|FlashInfer|FlashAttention|FLASH_ATTN|CUTLASS_MLA|AITER)\S* .{0,60}?"
        r"(?:not supported|is not available|not valid|not compiled|not built)",
        "The attention backend does not serve this GPU and configuration: {line_and_reasons}",
        "Choose another with {attention_backend}, or leave the choice to vLLM.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"(?P<variable>VLLM_\w+=\S*\w)[\s\S]*Failed to find a kernel|"
        r"Failed to find a kernel that can implement the (?P<layer>[\w ]+?) layer"
        r"(?:[\s\S]*?(?P<advised>VLLM_\w+=\w+))?",
        "No kernel of this build serves the model's {layer} layers on this GPU.{reasons_note}",
        "{advised_note} {linear_backend}, or serve the model in another quantization.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"No (?:\w+ ){0,4}(?:MoE|fused_moe|experts?) (?:backend|kernel)|"
        r"(?:NvFp4|MXFP4|MXFP8|FP8|INT4|INT8|W4A16|WNA16)\w*[ _-]?MoE.{0,80}?"
        r"(?:not support|no .{0,20}backend|unavailable)",
        "No backend of this build serves the model's quantized MoE layers on this GPU."
        "{reasons_note}",
        "Choose one with {moe_backend}, or serve the model in another quantization.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"cutlass\w*.{0,200}?Error Internal|Error Internal[\s\S]{0,200}cutlass|"
        r"cutlass.{0,120}?(?:not support|no compatible|not implemented|"
        r"failed to (?:run|initialize))",
        "A CUTLASS kernel of this build fails on this GPU.",
        f"{_OTHER_LAYER_BACKEND}.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"Error Internal",
        "A CUTLASS kernel of this build fails on this GPU.",
        f"{_OTHER_LAYER_BACKEND}.",
        frames=r"cutlass",
    ),
    _row(
        Kind.NO_KERNEL,
        r"Could not run '_\w*::(?P<operation>\w+)' with arguments from the '(?:CUDA|HIP|XPU)'",
        "This build of vLLM has no kernel {operation} for this GPU{in_frame}.",
        f"{_OTHER_LAYER_BACKEND}; a vLLM build for this GPU may have it.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"(?:CU|HIP)BLAS_STATUS_(?:NOT_SUPPORTED|ARCH_MISMATCH)|No compiled \w+|"
        r"call aclnn\w+ failed|\"\w+\" not implemented for '\w+'",
        "This build has no kernel for this GPU and data type{in_frame}: {line}",
        "Choose another --dtype or quantization, or update vLLM and PyTorch.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"no kernel image is available|invalid device function",
        "Other kernels have run on this GPU, so the driver is not at fault: one backend has no "
        "kernel for it{in_frame}.",
        f"{_OTHER_LAYER_BACKEND}, or {{attention_backend}} for attention.",
        phases=_AFTER_KERNELS_RAN,
    ),
    _row(
        Kind.NO_KERNEL,
        r"hipErrorNoBinaryForGpu|Unable to find code object for",
        "This build has no kernels for this GPU.",
        "Compare `rocminfo | grep gfx` with what the build is for: install the vLLM build made for "
        "this GPU, and leave HSA_OVERRIDE_GFX_VERSION unset unless it names a GPU of its family.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"no kernel image is available|invalid device function",
        "A backend's package has no kernel for this GPU{in_frame}.",
        f"{_OTHER_LAYER_BACKEND}, or {{attention_backend}} for attention.",
        frames=r"flashinfer|flash_?attn|cutlass|marlin|deep_gemm|aiter|quantization|fused_moe",
    ),
    _row(
        Kind.NO_KERNEL,
        r"out of resource: shared memory, Required: (?P<needed>\d+), Hardware limit: (?P<has>\d+)",
        "A Triton kernel needs {needed} bytes of the GPU's shared memory, and it has {has}.",
        "Most likely vLLM has no tuned sizes for this GPU: choose another backend ("
        "{attention_backend}, {moe_backend}), or update vLLM.",
    ),
    _row(
        Kind.INTERNAL_ERROR,
        r"Buffer overflow when allocating memory for \w+ with size (?P<needed>\d+)",
        "A work buffer of FlashInfer is too small for this configuration: {line}",
        "Lower --max-num-seqs or --max-num-batched-tokens, set "
        "VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE to more than {needed}, or choose another backend "
        "with {attention_backend}.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"stream is capturing|StreamCapture\w*|previous error during capture",
        "An operation cannot be part of a CUDA graph{in_frame}: {line}",
        "Start with --enforce-eager, which leaves the graphs out, or choose another backend with "
        "{layer_backend}.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"requires? GPUs? with (?:sm|gfx|compute capability)",
        "A backend does not run on this GPU{in_frame}: {line}",
        "Choose another with {attention_backend}; for the sampler's kernels set "
        "VLLM_USE_FLASHINFER_SAMPLER=0.",
    ),
    _row(
        Kind.NO_KERNEL,
        r"(?P<type>\w+) not supported in this architecture|"
        r"expects? arch\w* to be one of|"
        r"^(?!.*(?:nvcc|ptxas|hipcc|clang))(?:.*\b(?:unknown|unsupported) (?:GPU )?arch\w*\b)",
        "A kernel does not know this GPU or has no such type for it{in_frame}: {line_and_reasons}",
        "Choose another backend with {layer_backend}, or serve the model in another "
        "quantization; on AMD leave out AITER with VLLM_ROCM_USE_AITER=0.",
        frames=r"triton|aiter|deep_gemm|flashinfer|cutlass|layers/|kernels/|ops/|v1/attention",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"(?:PTXASError|Internal Triton PTX codegen error|Cannot find ptxas|ptxas fatal|"
        r"`?ptxas`? .{0,60}(?:failed|not found|too old))(?:[\s\S]*?Value '(?P<arch>sm_\w+)')?",
        "The ptxas that Triton uses cannot build for this GPU{arch_note}.",
        "Set TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas, that of a CUDA toolkit which knows the "
        "GPU.",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"Could not find nvcc|nvcc(?:'|\")? ?(?:: )?(?:command )?not found|No such file .*\bnvcc|"
        r"CUDA_HOME (?:environment variable )?is not set|cuda_home=\S+ doesn't exist|"
        r"requires? (?:CUDA|nvcc) ?(?:>=|version|toolkit).{0,20}(?P<wanted_cuda>\d+\.\d+)",
        "A kernel has to be built at the start, and the CUDA toolkit (nvcc) for it is missing or "
        "too old{sampler_note}.",
        "{sampler_remedy} the CUDA toolkit and set CUDA_HOME, or install "
        "flashinfer-jit-cache with the kernels ready built.",
    ),
    _row(
        Kind.INTERNAL_ERROR,
        r"UnpicklingError|pickle data|Ran out of input|Expected tensors only",
        *_CACHED_GRAPH,
        frames=r"vllm/compilation/|torch/_inductor|_dynamo/aot_compile",
    ),
    _row(
        Kind.INTERNAL_ERROR,
        r"values to unpack",
        *_CACHED_GRAPH,
        frames=r"torch_compile_cache/",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"/jit/\w+\.[ch]pp:\d+",
        "DeepGEMM could not build a kernel at the start{in_frame}: {line}",
        "Set VLLM_USE_DEEP_GEMM=0, which leaves DeepGEMM out; else check `nvcc --version` and "
        "CUDA_HOME: most likely the toolkit is missing or older than PyTorch's CUDA.",
        frames=r"deep_gemm",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"Python\.h: No such file",
        "A kernel has to be built at the start, and Python's header files are missing.",
        "Install them, for example `apt install python3-dev` of the same Python version.",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"Failed to find C compiler|No such file or directory: '(?P<tool>(?:gcc|g\+\+|cc|c\+\+|"
        r"clang|cl|ninja|cmake|hipcc|ld|make)[\w.-]*)'|Ninja is required|"
        r"(?P<command>gcc|g\+\+|ninja|hipcc|clang\+*): (?:command )?not found|"
        r"unable to execute '(?P<run>[^']+)'",
        "A kernel has to be built at the start, and a build tool is missing: {tool_name}.",
        "Install {tool_name}, for example `apt install build-essential ninja-build`.",
    ),
    _row(
        Kind.BUILD_TOOLS,
        r"C(?:pp|\+\+ )compile ?error|fatal error: [\w./+-]{1,80}: No such file|"
        r"\bbuild\b[^\n]{1,300}\bfailed\b *!|"
        r"ninja: build stopped|Error building extension|Error compiling objects|"
        r"Ninja build failed|nvcc fatal|hipcc.* failed|"
        r"Command '\[?'?\S*(?:gcc|cc|nvcc|ninja|hipcc)",
        "A kernel had to be built at the start, and the build failed: {line_and_reasons}",
        "Read the compiler's own lines above it; most likely the toolkit is too old for this GPU "
        "or does not match PyTorch's CUDA or ROCm (`nvcc --version`, `hipcc --version`).",
    ),
)
