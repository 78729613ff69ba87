"""What the parts raise that compute: compilers, kernels, layers, models and the engine."""

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.failure_row import row as _row
from backends.domain.startup.grammar import (
    BUILDS,
    CONSTRUCTS,
    RANGE,
    REFUSES,
    TENSOR,
    UNSUPPORTED,
    WANTED,
)
from backends.domain.startup.part_rule import (
    DEFECT,
    LIKELY,
    MISFIT,
    MODEL_FILES,
    NO_CLASS,
    NO_KERNEL,
    NO_TYPE,
    PARALLELISM,
    REFUSED,
    UNCOMPILED,
    Rule,
    rules,
)
from backends.domain.startup.parts import Part

COMPUTE: tuple[Rule, ...] = (
    *rules(
        [Part.COMPILATION],
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:ValueError|TypeError)\b|^(?:RuntimeError|AssertionError|KeyError)\b.*?"
            rf"(?:{REFUSES}|{TENSOR}|should)",
            *DEFECT,
        ),
    ),
    *rules(
        [Part.BUILD],
        _row(
            Kind.BUILD_TOOLS,
            r"CalledProcessError|returned non-zero exit|FileNotFoundError|No such file|"
            r"not found|\bcompiler\b(?!\.)|SubprocException|\bbuild\b.*\bfail|"
            r"fail\w* to (?:build|compile)|compil\w+ (?:failed|error\b)|nvcc|hipcc|"
            r"assertion (?:error|failed)\b.*\.[ch]pp:",
            "A kernel had to be built while the server started, and the build failed: {line}",
            LIKELY + "a compiler or the CUDA or ROCm toolkit is missing or too old: check `nvcc "
            "--version` or `hipcc --version`, gcc, ninja and CUDA_HOME.",
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"(?:InductorError|BackendCompilerFailed|TorchRuntimeError)\b.*\b\w+(?:Error|"
            r"Exception): |"
            r"LoweringException|^AssertionError: .*\b(?:should|must|expected|type)\b|"
            r"CompilationError: at \d|^(?:IndexError|KeyError)\b|"
            r"^AssertionError:?$",
            *UNCOMPILED,
        ),
    ),
    *rules(
        [Part.NATIVE],
        _row(
            Kind.NO_KERNEL,
            rf"{REFUSES}|Error Internal|assertion failed|error occurred when running",
            *NO_KERNEL,
        ),
    ),
    *rules(
        [Part.LAYERS, Part.ATTENTION],
        _row(
            Kind.BAD_ARGUMENT,
            r"(?:configured|set|given|chosen) (?:via|by|with) `?--[a-z]",
            *REFUSED,
        ),
    ),
    *rules(
        [Part.LAYERS],
        _row(
            Kind.BAD_CHECKPOINT,
            REFUSES,
            *MODEL_FILES,
            frames=rf"rotary_embedding/.*{CONSTRUCTS}| get_rope$",
        ),
    ),
    *rules(
        [Part.ATTENTION, Part.LAYERS, Part.OPERATIONS],
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:ValueError|TypeError|RuntimeError|AssertionError)\b.*?(?:contiguous|"
            r"(?:shapes?|counts?|lengths?)\b.*(?:match|incompatible)|"
            r"incompatible (?:\w+ )?(?:shape|dim|dtype)|"
            r"must have (?:the )?(?:same )?(?:d?types?|shapes?)|unsupported input shape|"
            r"_config must be (?:set|provided|defined))",
            *DEFECT,
        ),
        _row(
            Kind.NO_KERNEL,
            r"requires? .{0,60}(?:sm_?\d|capability|gpus?\b|hopper|blackwell|gfx|cdna|rdna|nvlink|"
            r"multicast|cuda|rocm|xpu|"
            r"page size|block size|head (?:size|dim))|(?:no|not a|any) (?:\w+ ){0,3}"
            r"(?:kernel|backend)|page size|block[ _]size .*support|not (?:built|compiled)|"
            rf"{UNSUPPORTED}|disabled for|capture is not|error occurred when running",
            *NO_KERNEL,
        ),
    ),
    *rules(
        [Part.OPERATIONS],
        _row(
            Kind.INTERNAL_ERROR,
            rf"^(?:ValueError|TypeError|AssertionError|RuntimeError)\b.*?(?:{REFUSES}|{TENSOR})",
            *DEFECT,
        ),
    ),
    *rules(
        [Part.ATTENTION, Part.LAYERS],
        _row(
            Kind.INTERNAL_ERROR,
            rf"^(?:ValueError|TypeError|AssertionError)\b.*?(?:{RANGE}|{TENSOR})",
            *DEFECT,
            frames=r" (?:prepare|build)(?:_metadata)?$",
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"^(?:\w*Error)\b.*?(?:parameter|checkpoint|shard|weight)",
            *MISFIT,
            frames=r" \w*(?:load_weights?|weight_loader)\w*$",
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"\b(?:shards?|fused layers?)\b.*(?:quantized|precision|scheme)",
            *MISFIT,
        ),
        _row(
            Kind.NO_KERNEL,
            rf"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b.*?(?:{REFUSES})|^NotImplementedError\b",
            *NO_KERNEL,
            frames=rf"(?:oracle|schema|quantization/utils)|page_size$|{BUILDS}",
        ),
        _row(
            Kind.INTERNAL_ERROR,
            rf"^(?:ValueError|TypeError|AssertionError)\b.*?(?:{REFUSES}|{TENSOR})",
            *DEFECT,
        ),
        _row(
            Kind.NO_KERNEL,
            rf"^(?:NotImplementedError|RuntimeError|\w*Exception)\b.*?(?:{REFUSES})",
            *NO_KERNEL,
        ),
    ),
    *rules(
        [Part.MODEL],
        _row(
            Kind.INTERNAL_ERROR,
            r"(?:unsupported|invalid) .*(?:dimension|\bshape|ndim|compute_type|\bdtype)",
            *DEFECT,
            frames=r" (?:forward|\w*_impl|\w*forward|_process\w*)$",
        ),
        _row(
            Kind.NO_KERNEL,
            r"requires? (?:flash|\w+ \w* ?attention)\w*|attention backend|(?:kv[ -]cache|page size|"
            r"backend)\b.*(?:requires?|support|stores)|"
            r"requires? .*(?:cutlass|"
            r"triton|\bcuda|\bgpu|\bsm_?\d|\buva)|mega attention",
            *NO_KERNEL,
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"KeyError|AssertionError|^\w*Error\b.*?(?:parameter|checkpoint|shard|weight|shape)",
            *MISFIT,
            frames=r" \w*(?:load_weights?|weight_loader)\w*$",
        ),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            rf"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b.*?(?:{UNSUPPORTED}|only \S+ "
            r"(?:\S+ ){0,4}(?:is|are) (?:currently )?supported|currently supports)",
            *NO_CLASS,
        ),
        _row(Kind.BAD_CHECKPOINT, r": invalid \w+_(?:size|type|layers|ratio)\b", *MODEL_FILES),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^(?:ValueError|TypeError|NotImplementedError|AssertionError)\b.*?"
            rf"(?:config|must be an? (?:dict|list|int)|rope|layer_types?|hidden|head|{RANGE}|"
            rf"{WANTED})",
            *MODEL_FILES,
            frames=CONSTRUCTS,
        ),
        _row(
            Kind.INTERNAL_ERROR,
            rf"^(?:ValueError|TypeError|AssertionError|RuntimeError)\b.*?(?:{REFUSES}|{TENSOR}|"
            r"mismatch)",
            *DEFECT,
        ),
    ),
    *rules(
        [Part.PROCESSING],
        _row(Kind.BAD_ARGUMENT, r"--\w|limit[-_]mm", *REFUSED),
        _row(
            Kind.INTERNAL_ERROR,
            rf"^(?:ValueError|TypeError|AssertionError|RuntimeError)\b.*?(?:{REFUSES}|{TENSOR}|"
            r"mismatch)",
            *DEFECT,
        ),
    ),
    *rules(
        [Part.ENGINE],
        _row(
            Kind.BAD_ARGUMENT,
            r"\bdraft\b.*(?:same|match|equal|differ)",
            "The draft model does not go with the model that it drafts for: {line}",
            "Serve the draft model that was made for this model (--speculative-config), or start "
            "without it.",
            frames=r"spec_decode/",
        ),
        _row(
            Kind.INVALID_PARALLELISM,
            r"\branks?\b.*(?:out of (?:bounds|range)|exceed).*\b(?:device|gpu)s?\b|"
            r"(?:insufficient|not enough|too few) (?:\w+ )?(?:device|gpu|chip)s?\b",
            *PARALLELISM,
        ),
        _row(
            Kind.STARTUP_TIMEOUT,
            r"within (?:the )?(?:timeout|\d)|(?:start|ready).*timed out|timed out.*start",
            "A process of the server was not up within the time that vLLM waits for it: {line}",
            "Raise VLLM_ENGINE_READY_TIMEOUT_S in the server's environment; see in the log what "
            "that process does.",
        ),
        _row(
            Kind.NO_DEVICE,
            r"unsupported device|only supports (?:cuda|rocm|xpu)|not supported in: |"
            r"no (?:such )?device|device type",
            "This vLLM's worker does not run on this device: {line}",
            "Install the vLLM build made for this host's GPUs, or set the device that it is "
            "made for.",
        ),
        _row(
            Kind.NO_KERNEL,
            rf"attention .*(?:{UNSUPPORTED})|(?:{UNSUPPORTED}) .*attention",
            *NO_KERNEL,
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"(?:model|hf)[ _]config must (?:specify|define|have|contain)",
            *MODEL_FILES,
        ),
        _row(
            Kind.UNSUPPORTED_DTYPE,
            rf"(?:{UNSUPPORTED}|invalid) .*(?:(?:key|kv) cache|dtype)",
            *NO_TYPE,
        ),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            r"\b(?:models?|\w+For\w+|\w+Model)\b .*(?:not support|n't support|not implement)",
            *NO_CLASS,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b.*?(?:(?:unknown|invalid|unsupported) "
            r"(?:\w+ ){0,3}(?:policy|method|mode|algorithm|value|backend|format|function)|"
            r"(?<![\w-])--[a-z])",
            *REFUSED,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            rf"{UNSUPPORTED}|speculative\b.*must|num_speculative\w*",
            *REFUSED,
            frames=BUILDS,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            rf"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b(?!.*length).*?(?:{UNSUPPORTED}|"
            rf"(?:max|num|budget|backend|policy|mode|config)_\w+.*(?:{RANGE})|"
            rf"all2all|draft model config|(?:invalid|unknown) \S+ (?:\S+ ){{0,2}}range)",
            *REFUSED,
            frames=CONSTRUCTS,
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:ValueError|TypeError|AssertionError|RuntimeError|KeyError|NotImplementedError)\b"
            rf".*?(?:{TENSOR})",
            *DEFECT,
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:ValueError|TypeError|AssertionError|RuntimeError|KeyError|NotImplementedError)\b"
            rf".*?(?:{RANGE}|{WANTED}|mismatch|unsupported)",
            *DEFECT,
            frames=rf"^(?!.*{BUILDS})",
        ),
    ),
)
