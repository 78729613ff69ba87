"""Which part of vLLM, or of a library under it, a frame of a traceback belongs to."""

import re
from collections.abc import Sequence
from enum import Enum, auto


class Part(Enum):
    """A part of vLLM or of a library, named by what it works on."""

    BESIDE = auto()
    """Packages beside vLLM that run it, or keep its KV cache."""
    BUILD = auto()
    RAY = auto()
    COMMUNICATION = auto()
    ADAPTER = auto()
    COMPILATION = auto()
    NATIVE = auto()
    """A source file of native code, which raises without frames."""
    OPERATIONS = auto()
    """Kernels, called with tensors by other code."""
    ATTENTION = auto()
    LAYERS = auto()
    """Quantized, expert and recurrent layers, and the choice of their kernels."""
    PLATFORM = auto()
    LOADER = auto()
    MODEL = auto()
    """A model's class."""
    MODEL_FILES = auto()
    """The reading of a model's configuration and the classes of its processor."""
    PROCESSING = auto()
    """Multimodal items on their way through a processor."""
    PLUGIN_OPTIONS = auto()
    """Parsers, caches and processors that options name."""
    ARGUMENTS = auto()
    HUB = auto()
    PACKAGES = auto()
    DEVICE = auto()
    ENGINE = auto()
    """All else of vLLM."""


_PATHS = (
    (Part.BESIDE, r"(?:^|/)(?:lmcache\w*|kvbm|flexkv|ucm|infinistore|dynamo)/"),
    (Part.COMPILATION, r"torch_compile_cache/|inductor_cache/"),
    (
        Part.BUILD,
        (
            r"triton/(?:backends/\w+/)?(?:compiler|driver)|triton/runtime/build|torch/_inductor|"
            r"csrc/.*/jit/\w+\.(?:cpp|hpp)$|"
            r"cpp_ext|flashinfer/jit/(?:cpp_ext|env|build)|tilelang|aiter/jit|deep_gemm/jit|/tvm/|setuptools|distutils"
        ),
    ),
    (Part.RAY, r"/ray/|vllm/(?:\w+/)*(?:executor/ray\w*|ray_(?:utils|executor\w*))(?:\.py|/)"),
    (
        Part.COMMUNICATION,
        (
            r"^(?!.*/layers/).*(?:torch/distributed|vllm/distributed|all_?reduce\.cuh?|pynccl|nixl|"
            r"nvshmem|deep_ep|libfabric|ucx|mooncake|gloo|rccl|hccl)"
        ),
    ),
    (Part.ADAPTER, r"vllm/lora/|/peft/"),
    (Part.COMPILATION, r"vllm/compilation/|model_executor/warmup/|vllm/ir/|kernels/helion/"),
    (Part.NATIVE, r"csrc/|\.(?:cuh?|[ch]pp|hip|h)$"),
    (
        Part.OPERATIONS,
        (
            r"vllm/(?:\w+/)*ops/|triton/language/|vllm/third_party/|model_executor/determinism|layers/fla/|"
            r"vllm/kernels/|vllm/_\w*ops|"
            r"cute_?dsl|vllm_flash_attn"
        ),
    ),
    (
        Part.ATTENTION,
        (
            r"layers/(?:\w*attention|\w*attn\w*)|v1/attention|vllm/attention/|attention/(?:backends|selector)|"
            r"flash_?attn|flash_?mla|flashinfer(?!/jit/(?:cpp_ext|env|build))"
        ),
    ),
    (
        Part.LAYERS,
        (
            r"layers/(?:quantization|fused_moe|mamba)|vllm/quantization/|model_executor/(?:layers|kernels)/|cutlass|"
            r"aiter|marlin|deep_gemm|compressed_tensors"
        ),
    ),
    (Part.PLATFORM, r"vllm/platforms/"),
    (
        Part.LOADER,
        r"model_loader|weights_adapter|safetensors|torch/(?:serialization|_weights_only_unpickler)|(?:^|/)gguf/|parameter\.py|runai_model_streamer",
    ),
    (Part.MODEL, r"vllm/(?:model_executor/)?models/|transformers_modules"),
    (Part.MODEL_FILES, r"vllm/transformers_utils/"),
    (Part.PROCESSING, r"vllm/multimodal/|utils/tensor_schema"),
    (
        Part.PLUGIN_OPTIONS,
        (
            r"vllm/(?:tool_parsers|reasoning|parser|renderers|tokenizers|v1/kv_offload)/|"
            r"logits_processor|vllm_net_devices|argparse_utils|numa_utils|v1/watermarking"
        ),
    ),
    (
        Part.HUB,
        (
            r"botocore|boto3|s3fs|gcsfs|fsspec|google/cloud|azure/|streamer_s3|s3_utils|"
            r"huggingface_hub|modelscope|hf_(?:xet|transfer)|httpx|httpcore|requests/|urllib3|"
            r"aiohttp"
        ),
    ),
    (
        Part.PACKAGES,
        (
            r"/transformers/|/tokenizers/|mistral_common|sentencepiece|numpy/|/numba/|torchvision|"
            r"importlib|torch/__init__|/(?:fastapi|starlette|uvicorn|openai|zmq|msgspec|outlines\w*|"
            r"xgrammar|prometheus\w*|opentelemetry|numpy|scipy|PIL|cv2|librosa|pandas)/"
        ),
    ),
    (
        Part.ARGUMENTS,
        (
            r"vllm/(?:config|entrypoints|usage)/|vllm/envs\.py|engine/arg_utils|argparse|pydantic|"
            r"cli_args"
        ),
    ),
    (
        Part.DEVICE,
        r"torch/(?:cuda|hip|xpu|accelerator|npu)|torch_npu|habana|pynvml|amdsmi|torch_xla",
    ),
    (Part.ENGINE, r"vllm/"),
)
_PLUG_IN = re.compile(r"(?:^|/)(?:vllm_(?!flash_attn|router)[a-z_]+|tpu_inference)/")
"""Packages that bring vLLM to other devices are laid out as vLLM is: vllm_ascend, vllm_gaudi."""
_PARTS = tuple((part, re.compile(paths, re.IGNORECASE)) for part, paths in _PATHS)


def part_of(places: Sequence[str]) -> tuple[Part, str] | None:
    """Return the part of the innermost place that belongs to one, and that place.

    Args:
        places: paths, each with its function behind a blank where that is known, the innermost
            first.
    """
    for place in places:
        # What stands before the package may be called like another, as /opt/dynamo/venv is.
        before, installed, path = place.partition(" ")[0].rpartition("-packages/")
        path = _PLUG_IN.sub("/vllm/", f"/{path}" if installed else before + path)
        for part, pattern in _PARTS:
            if pattern.search(path):
                return part, place
    return None


_SUBJECTS = tuple(
    (part, re.compile(words, re.IGNORECASE))
    for part, words in (
        (Part.COMMUNICATION, r"\b(?:NIXL|NCCL|RCCL|UCX|handshake)\b"),
        (
            Part.LAYERS,
            r"MoE|\bGEMM\b|\b(?:Int8|Int4|FP8|FP4)\b|\bkernels?\b|\bmarlin|\bcutlass|\bflashinfer",
        ),
    )
)


def part_named_in(text: str) -> Part | None:
    """Return the part that a message without any frame is about, None where no word tells."""
    return next((part for part, words in _SUBJECTS if words.search(text)), None)
