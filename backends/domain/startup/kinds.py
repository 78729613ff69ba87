"""What a failure is by where it was raised, for messages that no row of the table knows.

A family is the part of vLLM or of a library whose frame stands innermost in the traceback; with
the exception's class and what the message is about it gives the kind. Where two kinds could fit
there is none: a wrong remedy costs more than an open question.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.failure_row import Row
from backends.domain.startup.failure_row import row as _row


class Family(Enum):
    """The part of vLLM or of a library in which an exception was raised."""

    BUILD = auto()
    COMMUNICATION = auto()
    RANKS = auto()
    KERNELS = auto()
    CHECKPOINT = auto()
    ARGUMENTS = auto()
    HUB = auto()
    PACKAGES = auto()
    DEVICE = auto()
    ADAPTER = auto()
    ENGINE = auto()


_PATHS = (
    (
        Family.BUILD,
        (
            r"triton/(?:backends/\w+/)?(?:compiler|driver)|triton/runtime/build|torch/_inductor|"
            r"cpp_ext|flashinfer/jit|tilelang|aiter/jit|deep_gemm/jit|/tvm/|setuptools|distutils"
        ),
    ),
    (Family.RANKS, r"/ray/|ray_\w+\.py|executor/ray"),
    (
        Family.COMMUNICATION,
        r"torch/distributed|vllm/distributed|pynccl|nixl|mooncake|gloo|rccl|hccl",
    ),
    (Family.ADAPTER, r"vllm/lora/|/peft/"),
    (
        Family.KERNELS,
        (
            r"layers/(?:quantization|fused_moe|attention|mamba|fla)|attention/backends|attention/ops|"
            r"attention/selector|flash_?infer|flash_?attn|flash_?mla|cutlass|aiter|marlin|deep_gemm|"
            r"vllm/_\w*ops|vllm/kernels|csrc/|\.cuh?$|compressed_tensors|platforms/\w+\.py"
        ),
    ),
    (
        Family.CHECKPOINT,
        r"model_loader|safetensors|torch/serialization|/gguf/|parameter\.py|runai_model_streamer",
    ),
    (
        Family.HUB,
        r"huggingface_hub|modelscope|hf_(?:xet|transfer)|httpx|httpcore|requests/|urllib3|aiohttp",
    ),
    (
        Family.PACKAGES,
        (
            r"/transformers/|/tokenizers/|mistral_common|sentencepiece|numpy/|/numba/|torchvision|"
            r"importlib|torch/__init__"
        ),
    ),
    (
        Family.ARGUMENTS,
        (
            r"vllm/config|engine/arg_utils|argparse|pydantic|cli_args|openai/api_server\.py|"
            r"transformers_utils/config"
        ),
    ),
    (
        Family.DEVICE,
        r"torch/(?:cuda|hip|xpu|accelerator|npu)|torch_npu|habana|pynvml|amdsmi|torch_xla",
    ),
    (Family.ENGINE, r"vllm/"),
)
_FAMILIES = tuple((family, re.compile(paths, re.IGNORECASE)) for family, paths in _PATHS)

_SOURCES = re.compile(r"[\w./-]{1,300}\.(?:cuh?|cpp|hip|h)(?=:\d)")
"""Files of native code, which raises without frames and names them in its message."""

_LIKELY = "Most likely "
_BY_FAMILY: dict[Family, tuple[Row, ...]] = {
    Family.BUILD: (
        _row(
            Kind.BUILD_TOOLS,
            r"CalledProcessError|returned non-zero exit|FileNotFoundError|No such file|"
            r"not found|compiler|SubprocException",
            "A kernel had to be built while the server started, and the build failed: {line}",
            _LIKELY + "a compiler or the CUDA or ROCm toolkit is missing or too old: check `nvcc "
            "--version` or `hipcc --version`, gcc, ninja and CUDA_HOME.",
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"InductorError|BackendCompilerFailed|CompilationError|LoweringException|"
            r"AssertionError|IndexError|KeyError",
            "The compilation of the model failed inside PyTorch or Triton: {line}",
            "Start with --enforce-eager, which leaves the compilation out; another release of vLLM "
            "with its own PyTorch may compile this model.",
        ),
    ),
    Family.COMMUNICATION: (
        _row(
            Kind.RANK_MISSING,
            r"TimeoutError|timed? ?out",
            "Another rank or node did not answer in time{world_note}: {line}",
            "Look into the other ranks' and nodes' logs for why; they must reach the first one's "
            "address and port (VLLM_HOST_IP, firewall).",
        ),
        _row(
            Kind.COMMUNICATION_FAILED,
            r"^(?:[\w.]*\.)?(?:RuntimeError|Dist\w*Error|ConnectionError|OSError|\w*Connect\w*)\b|"
            r"nixl|ibverbs",
            "The communication between the ranks failed: {line}",
            "Start once with NCCL_DEBUG=INFO, which names the cause; --disable-custom-all-reduce "
            "leaves out vLLM's own kernels; over several nodes set NCCL_SOCKET_IFNAME.",
        ),
    ),
    Family.RANKS: (
        _row(
            Kind.RANK_MISSING,
            r"GPU|resource|node|placement|worker|timed? ?out|connect",
            "Ray could not give or reach the workers{world_note}: {line}",
            "See with `ray status` which nodes and GPUs the cluster has; VLLM_HOST_IP must be on "
            "each node the address under which Ray knows it.",
        ),
    ),
    Family.KERNELS: (
        _row(
            Kind.NO_KERNEL,
            r"NotImplementedError|not (?:support|implement|compiled|built|available)|unsupported|"
            r"only support|requires? .{0,40}(?:sm_?\d|capability|gpu|hopper|blackwell|gfx|cuda)|"
            r"no (?:\w+ ){0,3}(?:kernel|backend)|must be|not divisible|Error Internal|Invalid",
            "A kernel or backend does not take this GPU, quantization or configuration"
            "{in_frame}: {line}{reasons_note}",
            "{advised_note}Choose another backend: {attention_backend} for attention, "
            "{linear_backend} or {moe_backend} for quantized layers.",
        ),
    ),
    Family.CHECKPOINT: (
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"KeyError|AssertionError|shape|size|dtype|parameter|weight",
            "The checkpoint's weights do not fit the model class{in_frame}: {line}",
            _LIKELY + "this checkpoint belongs to another class, revision or quantization: check "
            "its config.json and the vLLM version its model card asks for.",
        ),
    ),
    Family.HUB: (
        _row(
            Kind.DOWNLOAD_FAILED,
            r"Timeout|timed out|Incomplete|broken|reset|SSL|status|HTTP|Server Error|xet",
            "Fetching the model's files failed: {line}",
            "Start again: the download resumes; or download first with `hf download {model}`.",
        ),
    ),
    Family.PACKAGES: (
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^(?:[\w.]*\.)?(?:AttributeError|TypeError|ImportError|ModuleNotFoundError)",
            "A Python package does not fit this vLLM{in_frame}: {line}",
            "Install the versions that this vLLM pins, in an environment of its own: `uv pip "
            "install vllm` installs them together.",
        ),
    ),
    Family.ARGUMENTS: (
        _row(
            Kind.BAD_ARGUMENT,
            r"^(?:[\w.]*\.)?(?:ValueError|NotImplementedError|ValidationError|TypeError)|"
            r"^AssertionError: .|^  Value error",
            "vLLM refused the configuration: {line}",
            "Correct the option that the line names{option_note}; VLLM_ variables of the "
            "environment and config.json of the model count too.",
        ),
    ),
    Family.ADAPTER: (
        _row(
            Kind.BAD_ARGUMENT,
            r"ValueError|rank|module|not support",
            "The LoRA adapter does not fit the model or the options: {line}",
            "Compare the adapter's adapter_config.json with --max-lora-rank and the base model, or "
            "start without it.",
        ),
    ),
    Family.DEVICE: (
        _row(
            Kind.NO_DEVICE,
            r"initializ|driver|device (?:count|type)|no .{0,20}(?:GPU|device)|NVML|amdsmi",
            "The GPUs could not be opened: {line}",
            "Check `nvidia-smi` or `rocm-smi` on the host and in the container.",
        ),
    ),
    Family.ENGINE: (
        _row(
            Kind.INTERNAL_ERROR,
            r"^AssertionError|^UnboundLocalError|^NameError|^RecursionError|^IndentationError",
            "A check inside vLLM failed{in_frame}{version_note}{during}; the options are most "
            "likely not at fault.",
            "Search vLLM's issues for {file} and this line; try another release, or start with "
            "--enforce-eager and without the newest options.",
        ),
    ),
}


def family_of(paths: Sequence[str]) -> Family | None:
    """Return the family of a traceback's paths, the innermost first; None where none is known."""
    for path in paths:
        for family, pattern in _FAMILIES:
            if pattern.search(path):
                return family
    return None


def by_mechanism(paths: Sequence[str], text: str) -> tuple[Row, re.Match[str]] | None:
    """Return what an exception is by the family that raised it, None where that is open."""
    first = text.partition("\n")[0]
    family = family_of([*_SOURCES.findall(first), *paths])
    for row in _BY_FAMILY.get(family, ()) if family else ():
        if found := row.pattern.search(first):
            return row, found
    return None
