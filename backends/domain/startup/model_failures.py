"""Failures of finding, fetching, reading and understanding a model."""

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.failure_row import row as _row

MODELS = (
    _row(
        Kind.MODEL_NOT_FOUND,
        r"RepositoryNotFoundError(?:[\s\S]*?/api/models/(?P<name>[\w.-]+/[\w-]+(?:\.[\w-]+)*))?",
        "There is no model {asked} on the hub, or it is private.",
        "Correct the model's name; for a private one set HF_TOKEN in the server's environment.",
    ),
    _row(
        Kind.CHECKPOINT_MISMATCH,
        r"Following weights were not initialized? from checkpoint: \{(?P<weights>[^}]*)\}?",
        "The checkpoint has no weights for {weight_groups}, which this model class wants.",
        "{mismatch_remedy}",
    ),
    _row(
        Kind.CHECKPOINT_MISMATCH,
        r"There is no module or parameter named '?(?P<weight>[\w.]+)|Attempted to load weight|"
        r"size mismatch for (?P<parameter>[\w.]+)|unexpected (?:weight|key)s? |"
        r"loaded_weight|shape mismatch.*weight|The size of tensor a \(\d+\) must match",
        "The checkpoint's weights do not fit the model class{weight_note}: {line}",
        "Most likely this checkpoint belongs to another class, revision or quantization: check "
        "`architectures` in its config.json and the vLLM version its model card asks for.",
        frames=r"model_loader|load_weights|weight_loader|/models/|safetensors|parameter\.py",
    ),
    _row(
        Kind.CHECKPOINT_MISMATCH,
        r"There is no module or parameter named '?(?P<weight>[\w.]+)|"
        r"size mismatch for (?P<parameter>[\w.]+)",
        "The checkpoint's weights do not fit the model class{weight_note}.",
        "Most likely this checkpoint belongs to another class, revision or quantization: check "
        "`architectures` in its config.json and the vLLM version its model card asks for.",
    ),
    _row(
        Kind.CHECKPOINT_MISMATCH,
        r"^KeyError: '(?P<weight>[\w.]+\.(?:\w*weight\w*|\w*bias|qzeros|\w*scales?|g_idx))'|"
        r"^ValueError: Missing keys \(",
        "The checkpoint's weights do not fit the model class{weight_note}: {line}",
        "Most likely this checkpoint belongs to another class, revision or quantization: check "
        "`architectures` in its config.json and the vLLM version its model card asks for.",
    ),
    _row(
        Kind.CHECKPOINT_MISMATCH,
        r"expected target modules in .* but received|is unsupported LoRA weight",
        "The LoRA adapter does not fit the model: {line}",
        "Compare the adapter's adapter_config.json (its base model and target modules) with "
        "the model that is served, or start without it.",
    ),
    _row(
        Kind.GATED_MODEL,
        r"gated repo|GatedRepoError|Access to model (?P<model>\S+) is restricted|"
        r"(?:401|403) Client Error|Invalid (?:user token|credentials)",
        "The Hugging Face hub did not let this account read the model{named}.",
        "Accept the licence on the model's page, then set HF_TOKEN in the server's environment.",
    ),
    _row(
        Kind.NO_NETWORK,
        r"(?:host='(?P<pool>[^']+)'.*)?(?:CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError)",
        "{hub} was reached, and its certificate was not trusted: most likely a proxy has put its "
        "own there.",
        "Set REQUESTS_CA_BUNDLE and SSL_CERT_FILE in the server's environment to a file with the "
        "proxy's certificate, or download the model beforehand with `hf download {model}`.",
    ),
    _row(
        Kind.MODEL_NOT_FOUND,
        r"RevisionNotFoundError|Invalid rev id: (?P<revision>\S+)",
        "The hub has the model, and not the revision that was asked for: {line_and_reasons}",
        "Correct --revision (or --tokenizer-revision, --code-revision), or leave it out.",
    ),
    _row(
        Kind.DOWNLOAD_FAILED,
        r"NoCredentialsError|Unable to locate credentials|An error occurred \((?:403|Forbidden|"
        r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken)\w*\)|"
        r"DefaultCredentialsError|AuthenticationFailed",
        "The object store did not let this account read the model's files: {line}",
        "Give the server the store's credentials in its environment (AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or a role; AWS_ENDPOINT_URL for a store of one's own), with the "
        "right to list and read the bucket.",
    ),
    _row(
        Kind.NO_NETWORK,
        r"(?:LocalEntryNotFoundError|Cannot find an appropriate cached snapshot folder|outgoing "
        r"traffic has been disabled|OfflineModeIsEnabled|Cannot reach .* offline mode)",
        "The model is not in the local cache, and the hub may not or could not be asked.",
        "Download it first with `hf download {model}`, or unset HF_HUB_OFFLINE and check `curl -I "
        "https://huggingface.co` (DNS, proxy, firewall).",
    ),
    _row(
        Kind.NO_NETWORK,
        r"couldn't connect to 'https?://(?P<host>[^/']+)[^']*'|"
        r"host='(?P<pool>[^']+)'.*Max retries|Temporary failure in name resolution|Name or "
        r"service not known|Failed to establish a new connection|EndpointConnectionError|"
        r"Network is unreachable|"
        r"Max retries exceeded",
        "{hub} could not be reached.",
        "Check DNS, proxy and firewall with `curl -I https://{host}`, or download the "
        "model beforehand with `hf download {model}`.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"No adapter found for (?P<path>[^\s\"'\]]+)",
        "There is no LoRA adapter in {path}.",
        "Correct the path in --lora-modules (`ls {path}` must show adapter_config.json).",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"(?:Can't|Couldn't|Could not|Unable to) (?:load|find)\b[^']{0,60}\b"
        r"(?:of|for|at|from|in) '(?P<path>[^']+)'",
        "{path} has no files that can be read so: {line}",
        "Look whether it is the model's folder (`ls {path}`) and holds config.json and the "
        "tokenizer's files; a name on the hub needs its owner before it.",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"Unrecognized model in (?P<path>\S+?)\. ",
        "The config.json of {path} has no model_type, or one that Transformers does not know.",
        "Look whether {path} is the whole model and no adapter, checkpoint of an optimizer or "
        "GGUF folder; for a new model upgrade vLLM and Transformers together.",
    ),
    _row(
        Kind.MODEL_NOT_FOUND,
        r"(?P<name>\S+) is not a local folder and is not a valid model identifier|"
        r"RepositoryNotFoundError|404 Client Error|Repo id must be in the form .*?: "
        r"'(?P<path>[^']+)'|Repo id must",
        "There is no model {asked}: neither a folder here nor a name on the hub.",
        "Correct the model's path or name, for example `ls {asked}`; a private one needs HF_TOKEN.",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"No model architectures are specified",
        "The config.json of {model} names no `architectures`: most likely it is not a language "
        "model's folder, but that of a part, an adapter or a diffusion model.",
        "Look into its config.json; for a model that only lacks the name give it with "
        '--hf-overrides \'{{"architectures": ["CLASS"]}}\'.',
    ),
    _row(
        Kind.UNSUPPORTED_ARCHITECTURE,
        r"Model architectures \[(?P<names>[^\]]*)\] (?:are not supported|failed to be inspected)",
        "This vLLM does not know the architecture {names}.",
        "Upgrade vLLM, or try --model-impl transformers or --trust-remote-code.",
    ),
    _row(
        Kind.UNSUPPORTED_ARCHITECTURE,
        r"'?(?P<names>\w+)'? is not a registered model|(?P<name>\w+) has no vLLM implementation|"
        r"Unknown gguf model_type: (?P<other>\w+)|"
        r"GGUF model with architecture (?P<gguf>\w+) is not",
        "This vLLM has no class for the model's architecture: {line}",
        "Upgrade vLLM, or try --model-impl transformers or --trust-remote-code; of a GGUF file, "
        "serve the unquantized model.",
    ),
    _row(
        Kind.UNSUPPORTED_ARCHITECTURE,
        r"has model type `(?P<name>[^`]+)` but Transformers does not recognize this architecture",
        "The installed Transformers does not know the model type {name}.",
        "Upgrade vLLM and Transformers together, or try --trust-remote-code.",
    ),
    _row(
        Kind.UNSUPPORTED_DTYPE,
        r"Bfloat16 is only supported on GPUs with compute capability of at least (?P<needed>[\d.]+)"
        r"(?:.*?has compute capability (?P<has>[\d.]+))?",
        "This GPU cannot compute in bfloat16, which needs compute capability {needed}.",
        "Set --dtype half.",
    ),
    _row(
        Kind.UNSUPPORTED_DTYPE,
        r"quantization method (?P<method>\S+) is not supported for the current GPU\. Minimum "
        r"capability: (?P<needed>\d+)\. Current capability: (?P<has>\d+)",
        "Quantization {method} needs compute capability {needed}, and this GPU has {has}.",
        "Serve the model in another quantization, or on a newer GPU.",
    ),
    _row(
        Kind.UNSUPPORTED_DTYPE,
        r"(?P<class>\w+) does not support (?P<method>\w+) quantization|No 'packed_modules_mapping'",
        "The model's class {class} cannot be served in the quantization {method}.",
        "Serve the model unquantized or in another quantization; no package is missing.",
    ),
    _row(
        Kind.UNSUPPORTED_DTYPE,
        r"Quantization scheme is not supported for\W+the current GPU\. Min capability: "
        r"(?P<least>\d+)\W+Current capability: (?P<has>\d+)",
        "The model's quantization needs a GPU of compute capability {least} (8.0 is written 80), "
        "and this one has {has}.",
        "Serve the model in another quantization, or on a newer GPU.",
    ),
    _row(
        Kind.UNSUPPORTED_DTYPE,
        r"Unknown quantization method|Quantization scheme is not supported for|"
        r"(?P<method>\S+) quantization is (?:currently )?not supported (?:in|on|for the) |"
        r"torch\.\w+ is not supported for quantization method (?P<other>\S+?)\.?",
        "This vLLM cannot serve the model's quantization or data type.",
        "Set --dtype or --quantization to one that `vllm serve --help=quantization` lists.",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"Cannot find any model weights with `(?P<path>[^`]+)`",
        "There are no weight files in {path}.",
        "Check the folder for *.safetensors, or download the model again with `hf download`.",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"(?P<path>/\S+?)'? is not a valid JSON file|JSONDecodeError|is not valid JSON|"
        r"Expecting (?:value|property name|',' delimiter).{0,40}: line \d+ column \d+",
        "A JSON file of the model cannot be read{in_frame}: {line}",
        "Compare config.json and the tokenizer's files with the model's page; one of size 0 or "
        "with the text of a Git LFS pointer has to be fetched again with `hf download`.",
        frames=r"transformers|tokenizer|huggingface_hub|model_loader|pydantic|vllm/config/model",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"SafetensorError|Error while deserializing header|incomplete metadata|"
        r"PytorchStreamReader failed",
        "A weight file is incomplete or does not belong to this model.",
        "Compare the files' sizes with the model's page, and fetch only the wrong one again: `hf "
        "download --force-download {model} FILE`; one of some hundred bytes is a Git LFS pointer.",
    ),
    _row(
        Kind.BAD_CHECKPOINT,
        r"(?P<path>\S+) does not appear to have (?:a file|files) named (?P<missing>[^\s,]+)",
        "{path} has no {missing}.",
        "Correct the path, or fetch what is missing with `hf download {model}`, which leaves what "
        "is there; a GGUF or Mistral checkpoint needs --load-format or --config-format.",
    ),
    _row(
        Kind.DOWNLOAD_FAILED,
        r"error downloading or loading vocab file",
        "The tokenizer of gpt-oss could not be fetched, which comes from outside the model's hub.",
        "Fetch o200k_base.tiktoken and cl100k_base.tiktoken beforehand and set "
        "TIKTOKEN_ENCODINGS_BASE to their folder, or let the server reach "
        "openaipublic.blob.core.windows.net.",
    ),
    _row(
        Kind.DOWNLOAD_FAILED,
        r"Failed to get cubin",
        "Ready-made kernels of FlashInfer could not be fetched: {line}",
        "Install flashinfer-cubin, which holds them, or let the server reach the host in the line.",
    ),
    _row(
        Kind.DOWNLOAD_FAILED,
        r"429 Client Error|429 Too Many Requests|Too Many Requests for url",
        "The hub refused further requests for a while: too many came from this address or account.",
        "Set HF_TOKEN, which raises the limit, and start again after some minutes; where the model "
        "is in the cache already, HF_HUB_OFFLINE=1 asks nothing.",
    ),
    _row(
        Kind.DOWNLOAD_FAILED,
        r"IncompleteRead|Connection broken|Consistency check failed|ChunkedEncodingError|"
        r"ReadTimeout|(?:429|5\d\d) (?:Client|Server) Error|hf_transfer|File reconstruction error",
        "The download of the model broke off.",
        "Start again: the download resumes; or download first with `hf download {model}`.",
    ),
)
