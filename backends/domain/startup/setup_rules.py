"""What the parts raise that put a server together: options, files, adapters, ranks, packages."""

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
    PACKAGE,
    REFUSED,
    Rule,
    rules,
)
from backends.domain.startup.parts import Part

SETUP: tuple[Rule, ...] = (
    *rules(
        [Part.PLUGIN_OPTIONS, Part.MODEL_FILES],
        _row(
            Kind.BAD_CHECKPOINT,
            r"^FileNotFoundError\b|\.(?:model|json)\b.* not found",
            *MODEL_FILES,
            frames=r"tokenizers/|transformers_utils/",
        ),
        _row(Kind.BAD_ARGUMENT, r"config[ _]format `?\w+`?\.?$", *REFUSED),
    ),
    *rules(
        [Part.ARGUMENTS],
        _row(Kind.INTERNAL_ERROR, r"^TypeError\b.*\btype\b", *DEFECT, frames=r"config/utils\.py "),
    ),
    *rules(
        [Part.ARGUMENTS, Part.PLUGIN_OPTIONS, Part.MODEL_FILES],
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^TypeError: (?!\w*(?:Config|Args)\b)[\w.<>]+\(\) (?:got an unexpected keyword|"
            r"missing \d+ required|takes (?:from )?\d+)",
            *PACKAGE,
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^KeyError: '[a-z]+(?:_[a-z]+)+'$",
            *MODEL_FILES,
            frames=r"config/model\.py |transformers_utils/",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^ValueError: .*\bmodel must have\b",
            *MODEL_FILES,
            frames=r"config/model_arch\.py ",
        ),
    ),
    *rules(
        [Part.ARGUMENTS, Part.PLUGIN_OPTIONS],
        _row(
            Kind.BAD_ARGUMENT,
            rf"^(?!(?:OSError|TimeoutError|ConnectionError)\b)[\w .]+[:,] .*(?:{REFUSES}|"
            r"validation errors? for \w)",
            *REFUSED,
            frames=r"vllm/(?:config|entrypoints|engine|usage|envs)|pydantic|argparse|cli_args|"
            rf"{BUILDS}",
        ),
    ),
    *rules(
        [Part.PLATFORM],
        _row(Kind.NO_KERNEL, r"(?:attention|prefill) backend|\w*attn\w* .*not valid", *NO_KERNEL),
        _row(
            Kind.INTERNAL_ERROR,
            r"device (?:index|string|must)|invalid device\b",
            *DEFECT,
            frames=r"_wrapper$",
        ),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            r"architecture.*(?:not supported|unsupported)",
            "This vLLM does not run the model's class on this platform: {line}",
            "Try another release of vLLM, or another kind of GPU.",
        ),
        _row(
            Kind.UNSUPPORTED_DTYPE,
            r"bfloat16|float16|\bdtype .*support|data type|quantization .*not supported",
            *NO_TYPE,
        ),
        _row(Kind.BAD_ARGUMENT, REFUSES, *REFUSED, frames=BUILDS),
    ),
    *rules(
        [Part.COMMUNICATION],
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^TypeError: [\w.]+\(\) (?:got an unexpected keyword|missing \d+|takes (?:from )?\d+)",
            *PACKAGE,
            frames=r"factory\.py ",
        ),
        _row(
            Kind.RANK_MISSING,
            r"TimeoutError|timed? ?out\b",
            "Another rank or node did not answer in time{world_note}: {line}",
            "Look into the other ranks' and nodes' logs for why; they must reach the first one's "
            "address and port (VLLM_HOST_IP, firewall).",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"^(?:[\w.]*\.)?(?:ValueError|NotImplementedError|RuntimeError|\w*Error)\b"
            r"(?=.*(?:config\b|_config|\w+_(?:s|bytes|size|port|url)\b|connector\b|communicator '|"
            r"backend|policy|--\w|speculat|LoRA|supports? ))"
            rf".*?(?:{UNSUPPORTED}|{WANTED}|must|unknown|one of|without)",
            *REFUSED,
            frames=rf"eplb|config\.py|factory|{CONSTRUCTS}",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            rf"^(?:ValueError|TypeError)\b.*(?:{REFUSES})",
            *REFUSED,
            frames=r"(?:_transfer|_connector)/.*(?:config|factory)\.py ",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            UNSUPPORTED,
            *REFUSED,
            frames=r"(?:_transfer|eplb|aux_output\w*)/.* (?:__init__|_?(?:validate|verify)\w*)$",
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:ValueError|TypeError|NotImplementedError|AssertionError)\b.*?"
            rf"(?!.*\b(?:peers?|remote|repl(?:y|ies)|response)\b)(?:{REFUSES}|{TENSOR})|"
            r"^RuntimeError\b.*(?:contiguous|\bshapes?\b|tensor)",
            *DEFECT,
        ),
        _row(
            Kind.COMMUNICATION_FAILED,
            r"^(?:[\w.]*\.)?(?:RuntimeError|ValueError: .*\b(?:peers?|remote|response)|"
            r"\w*(?:Store|Handshake|Transfer|Channel|MoRIIO)\w*Error|"
            r"Dist\w*Error|ConnectionError|OSError|\w*Connect\w*)\b|nixl|ibverbs|nvshmem|libfabric",
            "The communication between the ranks, or with a store or peer, failed: {line}",
            "Start once with NCCL_DEBUG=INFO, which names the cause; --disable-custom-all-reduce "
            "leaves out vLLM's own kernels; over several nodes set NCCL_SOCKET_IFNAME; for "
            "transfers of the KV cache look whether the peer or store is up.",
        ),
    ),
    *rules(
        [Part.RAY],
        _row(
            Kind.RANK_MISSING,
            r"\bGPUs?\b|resource|\bnodes?\b|placement|timed? ?out|connect",
            "Ray could not give or reach the workers{world_note}: {line}",
            "See with `ray status` which nodes and GPUs the cluster has; VLLM_HOST_IP must be on "
            "each node the address under which Ray knows it.",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            rf"^(?:ValueError|NotImplementedError)\b.*?(?:{UNSUPPORTED}|{RANGE})",
            *REFUSED,
        ),
    ),
    *rules(
        [Part.ADAPTER],
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:AttributeError|TypeError|RuntimeError|ValueError|NotImplementedError)\b"
            rf".*?(?:{REFUSES}|{TENSOR})",
            *DEFECT,
            frames=r"lora/(?:layers|ops|punica\w*)/",
        ),
        _row(Kind.INTERNAL_ERROR, r"_config must be (?:set|provided|defined)", *DEFECT),
        _row(
            Kind.BAD_ARGUMENT,
            r"slots|max[-_ ]lora|--\w|start the (?:engine|server)|resolver|"
            r"rank .*(?:greater|exceed|larger)",
            "The LoRA options do not take this adapter: {line}",
            "Correct the option that the line names{option_note}: mostly --max-loras, "
            "--max-lora-rank or --lora-modules.",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"configuration|adapter_config|required .*fields?|`?\br`? must|contain tensors|"
            r"lora_alpha|positive integer|json",
            "The LoRA adapter's own files are not complete or not valid: {line}",
            "Compare the adapter's adapter_config.json with its page, and fetch it again.",
        ),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            r"\b(?:model|\w+For\w+|\w+Model) .*(?:not support|n't support)",
            "This model's class takes no LoRA adapters, or none of this kind: {line}",
            "Start without the adapter, or merge it into the model's weights beforehand.",
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b.*?(?:modules?\b|weights?\b|adapter|ranks?\b|"
            r"base model|vocab|"
            rf"tensors?\b|{TENSOR})",
            "The LoRA adapter does not fit the model: {line}",
            "Compare the adapter's adapter_config.json (its base model and target modules) with "
            "the model that is served, or start without it.",
        ),
    ),
    *rules(
        [Part.LOADER],
        _row(
            Kind.DOWNLOAD_FAILED,
            r"could not receive|(?:file|object|read) (?:access )?error\b.*stream|libstreamer",
            "The streamer could not read the model's files: {line}",
            "Look whether the store or file system answers and lets this user read (`ls`, the "
            "store's own command), or load with --load-format auto.",
        ),
        _row(Kind.BAD_ARGUMENT, r"ConfigMismatchError", *REFUSED),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^\w*(?:Error|Exception)\b",
            "A weight file is not one that PyTorch can read{in_frame}: {line}",
            "Compare the files' sizes with the model's page; take the checkpoint's *.safetensors, "
            "and fetch only the wrong file again with `hf download --force-download {model} FILE`.",
            frames=r"_weights_only_unpickler",
        ),
        _row(
            Kind.COMMUNICATION_FAILED,
            r"daemon|connect to|socket .*unavailable",
            "The process that keeps the weights could not be asked: {line}",
            "Look whether it runs and its own log; or load from disk with another --load-format.",
        ),
        _row(
            Kind.INTERNAL_ERROR,
            rf"{REFUSES}|{TENSOR}|contain",
            *DEFECT,
            frames=r"weight_patch",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"(?:can ?not|could not|can't|not) find|no (?:\S+ ){0,4}(?:files?|checkpoint)s?\b|"
            r"not contain|\bmagic\b|\binvalid header|"
            r"not a valid .*(?:uri|file)|files? .*\bmissing|missing .*files?\b|"
            r"only .*checkpoints? are|"
            r"meta device|in the config",
            "The model's files are not where or not what the loader expects: {line}",
            "Look whether the files are complete and of the format that --load-format names; "
            "`hf download {model}` fetches only what is missing.",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"extra[ _]config|load[ _-]format|must be an? (?:\w+ )?(?:bool|int|str)\w*|--\w|"
            r"parallelism|tensorizer\w*|mismatch on fields|cannot be combined|must be >|\bmode\b|"
            r"\bthreads?\b|block size|placeholder|argument|expected one of|expected '",
            *REFUSED,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            rf"{UNSUPPORTED}|requires?",
            *REFUSED,
            frames=rf"weight_cache|_arg$|{BUILDS}",
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"KeyError|AssertionError|shape|\bsizes?\b|dtype|parameter|weights? |missing keys",
            *MISFIT,
        ),
    ),
    *rules(
        [Part.MODEL_FILES],
        _row(Kind.DEPENDENCY_ERROR, r"got an unexpected keyword argument", *PACKAGE),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            r"unsupported model architecture|could not determine|architecture.*not supported",
            *NO_CLASS,
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"numpy array|torch tensor|\bPIL\b|instance of|<class|got type|please provide a|"
            r"string, or|(?:data|input|image|video|audio)s?\b (?:type|must|tokens?)|number of "
            r"(?:\S+ )?(?:tokens|placeholders)|must contain at least one frame|decode|aspect ratio|"
            r"video area|sampling rate|sentinel|in (?:the )?(?:provided )?(?:text|prompt)|"
            r"exceeds max|unsupported (?:\w+ )?type|too short|\binputs?\b|need to specify|"
            r"got shape|"
            r"(?:image|video|audio|frame)s? (?:arrays?|data|tensors?)|"
            r"text` is required",
            *DEFECT,
            frames=r"processors?/",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            rf"^(?:[\w.]*\.)?\w*(?:Error|Exception)\b.*?(?:{REFUSES}|not understood|parse)",
            *MODEL_FILES,
            frames=rf"transformers_utils/(?!processors/)|{BUILDS}",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"must be (?:positive|greater|finite|at least|an integer)|config|parameter",
            *MODEL_FILES,
        ),
    ),
    *rules(
        [Part.HUB],
        _row(
            Kind.DOWNLOAD_FAILED,
            r"Timeout|timed out|Incomplete|broken|reset|SSL|status|HTTP|Server Error|xet|"
            r"request failed|service error|retries|connect|denied|forbidden|credential|\bdns\b",
            "Fetching the model's files failed: {line}",
            "Start again: the download resumes; or download first with `hf download {model}`.",
        ),
    ),
    *rules(
        [Part.PACKAGES],
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^\w+: Failed to apply \w+ on data",
            "The model's processor, which is Transformers', failed on a trial input: {line}",
            LIKELY + "Transformers is not the release that this vLLM pins (`pip show vllm`) or "
            "that the model's page asks for; without images, --language-model-only leaves it out.",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^(?:OSError|FileNotFoundError)\b.*?(?:file|folder|director|config|path|load|found)|"
            r"^ValueError: No (?:\w+ ){0,3}files? (?:was |were )?found",
            *MODEL_FILES,
            frames=r"transformers/|tokenizers/|mistral_common|sentencepiece",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"^(?:FileNotFoundError|IsADirectoryError)\b.*(?:file|directory)|^ssl\.SSLError\b.*SSL",
            "A file that the API server was to use is not there or not readable: {line}",
            "Check the paths of --ssl-keyfile, --ssl-certfile, --ssl-ca-certs and --uds.",
            frames=r"/uvicorn/",
        ),
        _row(
            Kind.BAD_CHECKPOINT,
            r"^ValueError\b(?!.*\binstall).*\btokenizer",
            "The installed Transformers cannot read the model's tokenizer{in_frame}: {line}",
            "Look whether the model's folder has its tokenizer.json or tokenizer.model and "
            "tokenizer_config.json; else install tiktoken and sentencepiece, or name another "
            "folder with --tokenizer.",
            frames=r"convert_slow_tokenizer|tokenization_utils|tokenizers/",
        ),
        _row(
            Kind.DEPENDENCY_ERROR,
            r"need to have|install|not have .* installed|requires|already (?:used|registered)|"
            r"version",
            *PACKAGE,
        ),
        _row(
            Kind.UNSUPPORTED_ARCHITECTURE,
            r"^ValueError\b.*(?:model_type|model type|config(?:uration)? class|architecture)",
            *NO_CLASS,
        ),
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^(?:[\w.]*\.)?(?:AttributeError|TypeError)\b",
            "A Python package does not fit this vLLM{in_frame}: {line}",
            "Install the versions that this vLLM pins, in an environment of its own: `uv pip "
            "install vllm` installs them together.",
        ),
    ),
    *rules(
        [Part.DEVICE],
        _row(
            Kind.NO_DEVICE,
            r"^RuntimeError\b|^(?:[\w.]*\.)?AcceleratorError\b",
            "The GPU could not be opened{in_frame}: {line}",
            "Check on the host and in the container that it answers and that nobody else holds it "
            "(`nvidia-smi`, `rocm-smi`, or `npu-smi info` on Ascend).",
            frames=r" _?(?:\w*_)?(?:set_device|lazy_init|init_device)$",
        ),
        _row(
            Kind.NO_DEVICE,
            r"initializ|driver|device (?:count|type)|no .{0,20}(?:GPU|device)|NVML|amdsmi",
            "The GPUs could not be opened: {line}",
            "Check `nvidia-smi` or `rocm-smi` on the host and in the container.",
        ),
    ),
)
