"""The figures that fill the sentences of a failure: from its line, its frames and the start."""

import re
from collections import defaultdict
from collections.abc import Sequence

from backends.domain.startup.kinds import sentence
from backends.domain.startup.root import Frame, Suspect

_OPTION = re.compile(r"(?<![\w-])(?:--[a-z][\w-]+|[a-z]+(?:_[a-z]+)+)\b")
_ADVISED = re.compile(r"\bset (?:the environment variable )?(VLLM_\w+=\w+)")
_COMMON_FLAGS = {
    "block_size": "--block-size",
    "kv_cache_dtype": "--kv-cache-dtype",
    "dtype": "--dtype",
    "head_size": "the model",
}
_PARALLEL_FLAGS = tuple(
    (re.compile(words, re.IGNORECASE), flag)
    for words, flag in (
        (r"tensor[-_ ]?parallel|\btp(?:[-_ ]?size)?\b", "--tensor-parallel-size"),
        (r"pipeline[-_ ]?parallel|\bpp(?:[-_ ]?size)?\b", "--pipeline-parallel-size"),
        (r"data[-_ ]?parallel|\bdp(?:[-_ ]?size)?\b", "--data-parallel-size"),
        (r"decode[- ]context|\bdcp\b|decode/prefill context", "--decode-context-parallel-size"),
        (r"prefill[- ]context|\bpcp\b", "--prefill-context-parallel-size"),
        (
            r"expert[-_ ]?parallel|\bep(?:_size)?\b",
            "--enable-expert-parallel or the sizes it divides by",
        ),
    )
)
_OPTION_WORDS = tuple(
    (re.compile(words, re.IGNORECASE), flag)
    for words, flag in (
        (r"reasoning ?parser", "--reasoning-parser"),
        (r"tool(?: call)? ?parser", "--tool-call-parser"),
        (r"chat template", "--chat-template"),
        (r"`?quantization`? (?:argument|method)", "--quantization"),
        (r"logits ?processors?", "--logits-processors"),
        (r"speculative|spec(?:ulative)? decod|draft model", "--speculative-config"),
        (r"chunked prefill", "--enable-chunked-prefill"),
        (r"prefix caching", "--enable-prefix-caching"),
        (r"kv ?cache dtype|fp8 kv", "--kv-cache-dtype"),
        (r"load format", "--load-format"),
        (r"structured outputs?|guided decoding", "--structured-outputs-config"),
        (r"kv (?:transfer|connector)", "--kv-transfer-config"),
        (r"\blora\b", "--enable-lora"),
        (r"async(?:hronous)? scheduling", "--async-scheduling"),
        (r"attention backend", "--attention-backend"),
    )
)
"""Options that a message names in plain words."""
_INSTALLED = re.compile(
    r"(?:(?:site|dist)-packages/(?!vllm|torch/)|/(?=(?:lmcache|kvbm|flexkv|dynamo)\w*/(?!.*-packages/)))(\w+)/"
)
"""A package that is neither vLLM's nor PyTorch's, in the path of its file."""
_DIVIDED = re.compile(
    r"(?P<whole>\d{1,6})\)? (?:must be|is not|isn't) (?:evenly )?divisible by [^.]{0,30}parallel",
    re.IGNORECASE,
)
_ONLY_VISION = re.compile(
    r"(?:\w+\.)*(?:visual|vision\w*|audio\w*|mm_projector|multi_modal\w*|image\w*)\."
)


def figures_of(
    suspect: Suspect,
    frames: Sequence[Frame],
    found: re.Match[str] | None,
    settings: dict[str, str],
) -> dict[str, str]:
    """Return every figure that a sentence may name; empty where nothing tells it."""
    groups = found.groupdict() if found is not None else {}
    told = {name: value.rstrip(".") for name, value in groups.items() if value}
    figures: dict[str, str] = defaultdict(str, told)
    figures["line"] = sentence(suspect.text)[:200].rstrip(".")
    _of_start(figures, told, settings, suspect.phase or settings.get("phase", ""))
    _of_version(figures, settings)
    _of_place(figures, suspect, frames)
    _of_line(figures, told, suspect)
    _of_backend(figures, suspect.said, frames)
    _of_ranks(figures, told, settings)
    return figures


def _of_start(
    figures: dict[str, str], told: dict[str, str], settings: dict[str, str], phase: str
) -> None:
    model = settings.get("model", "")
    figures["port"] = told.get("port") or told.get("other") or settings.get("port", "8000")
    figures.setdefault("choice", "see `vllm serve --help=all`")
    figures["model"] = told.get("model") or model or "MODEL"
    figures["named"] = f" {told['model']}" if "model" in told else ""
    figures["asked"] = told.get("asked") or told.get("name") or told.get("path") or model
    utilization = settings.get("gpu_memory_utilization")
    figures["utilization_note"] = f" (it was {utilization})" if utilization else ""
    tool = told.get("which", "").lower().startswith("tool")
    figures["parser_flag"] = f"--{'tool-call' if tool else 'reasoning'}-parser"
    if "kv_cache_gib" in settings:
        figures["kv_note"] = f" ({settings['kv_cache_gib']} GiB)"
    if phase and phase != "unlogged":
        figures["during"] = f" during {phase}"
    host = told.get("host") or told.get("pool")
    figures["hub"] = f"The host {host}" if host else "The Hugging Face hub"
    figures["host"] = host or "huggingface.co"


def _of_place(figures: dict[str, str], suspect: Suspect, frames: Sequence[Frame]) -> None:
    figures["process"] = suspect.process or "vLLM"
    package = _package(frames)
    figures["inside"] = package or "vLLM{version_note}".format_map(figures)
    figures["searched"] = package or "vLLM"
    figures["otherwise"] = (
        f"install the release of {package} that this vLLM asks for, or start without the option "
        "that brings it"
        if package
        else "try another release, or start with --enforce-eager and without the newest options"
    )
    if frames:
        figures["in_frame"] = f" (raised in {frames[0]})"
        ours = next((frame for frame in frames if str(frame).startswith("vllm")), frames[0])
        figures["file"] = str(frames[0] if package else ours).partition(":")[0]
        figures["crash_frame"] = (
            f": it crashed in {frames[0].function} ({str(frames[0]).partition(' in ')[0]})"
        )
    else:
        figures["file"] = "the file in its header"


def _package(frames: Sequence[Frame]) -> str:
    """Return the package beside vLLM in which an error was raised, empty where it is vLLM's own."""
    installed = _INSTALLED.search(frames[0].path) if frames else None
    return installed[1] if installed else ""


def _of_line(figures: dict[str, str], told: dict[str, str], suspect: Suspect) -> None:
    if "free" in told and "total" in told:
        figures["of_total"] = f": {told['free']} of {told['total']} were free"
    if "share" in told and float(told["total"]) > 0:
        figures["free_share"] = f"{int(float(told['free']) / float(told['total']) * 100) / 100:.2f}"
    if "wanted" in told:
        figures["wanted_note"] = f": it asked for {told['wanted']} at once"
    if "heads" in told:
        heads = int(told["heads"])
        figures["divisors"] = ", ".join(str(n) for n in range(1, heads + 1) if heads % n == 0)
    if "found" in told:
        figures["found_cuda"] = f"{int(told['found']) // 1000}.{int(told['found']) % 1000 // 10}"
    reasons = " ".join(line.strip() for line in suspect.more if line.strip())[:400]
    figures["reasons_note"] = f" It says: {reasons}" if reasons else ""
    first = suspect.said.partition(" [type=")[0][:200].rstrip(".: ")
    figures["line_and_reasons"] = f"{first}.{figures['reasons_note']}" if reasons else first
    advised = _ADVISED.search(suspect.text)
    figures["advised_note"] = (
        f"Set {advised[1]}, as the log itself says, or" if advised else "Choose"
    )
    figures["layer"] = told.get("layer", "quantized")
    figures["arch_note"] = f" ({told['arch']})" if "arch" in told else ""
    _of_build(figures, told, suspect)
    figures["gpu_note"] = (
        f" ({told.get('gpu') or told['hw']})" if told.keys() & {"gpu", "hw"} else ""
    )
    figures["exit_note"] = f" ({told['exit_type']})" if "exit_type" in told else ""
    figures["call_note"] = f" ({told['call']})" if "call" in told else ""
    weight = told.get("weight") or told.get("parameter")
    figures["weight_note"] = f" ({weight})" if weight else ""
    refused = suspect.said.partition(" [type=")[0]
    options = [one for one in _OPTION.findall(refused) if len(one) > 5][:3]
    options = options or [flag for words, flag in _OPTION_WORDS if words.search(refused)]
    figures["option_note"] = f" ({', '.join(dict.fromkeys(options))})" if options else ""
    figures["option_remedy"] = (
        f"Correct the option that the line names{figures['option_note']}"
        if options
        else "Correct the option that the line is about"
    )
    _of_parallel(figures, suspect.said)
    if "backends" in told:
        _of_backends(figures, told)
    if "weights" in told:
        _of_weights(figures, told["weights"])


def _of_build(figures: dict[str, str], told: dict[str, str], suspect: Suspect) -> None:
    sampler = any("topk_topp_sampler" in frame.path for frame in suspect.frames)
    figures["sampler_note"] = "; the sampler wants it" if sampler else ""
    figures["sampler_remedy"] = (
        "Set VLLM_USE_FLASHINFER_SAMPLER=0, or install" if sampler else "Install"
    )
    tool = told.get("tool") or told.get("command") or told.get("run") or "a C compiler (gcc)"
    figures["tool_name"] = tool


def _of_parallel(figures: dict[str, str], line: str) -> None:
    flags = [flag for words, flag in _PARALLEL_FLAGS if words.search(line)]
    figures["parallel_flag"] = " or ".join(flags[:2]) or (
        "--tensor-parallel-size, or the other parallel sizes"
    )
    divided = _DIVIDED.search(line)
    if divided is not None:
        figures["divisors_note"] = f" to a divisor of {divided['whole']}"


def _of_backends(figures: dict[str, str], told: dict[str, str]) -> None:
    refusals = re.findall(r"\w+: \[([^\]]*)\]", told["backends"])
    common = set.intersection(*({r.strip() for r in one.split(",")} for one in refusals)) if (
        refusals
    ) else set()  # fmt: skip
    names = sorted({reason.split()[0] for reason in common if reason.split()})
    values = dict(re.findall(r"(\w+)=([^,]+)", told.get("wanted", "")))
    figures["common_reason"] = (
        ", ".join(f"{name}={values[name]}" if name in values else name for name in names)
        or "this configuration"
    )
    figures["common_flag"] = (
        ", ".join(_COMMON_FLAGS.get(name, name) for name in names) or "see the reasons"
    )
    figures["backends"] = told["backends"].rstrip("}. ")[:400]


def _of_weights(figures: dict[str, str], weights: str) -> None:
    names = re.findall(r"[\w.]+\.[\w.]+", weights)
    groups = sorted({name.removeprefix("model.").partition(".")[0] + ".*" for name in names})
    figures["weight_groups"] = ", ".join(groups[:5]) or weights[:200]
    if names and all(_ONLY_VISION.match(name) for name in names):
        figures["mismatch_remedy"] = (
            "It is the text part of a multimodal model: start with --language-model-only, or "
            "serve the whole checkpoint."
        )
    elif names and all(re.match(r"(?:model\.)?mtp\.", name) for name in names):
        figures["mismatch_remedy"] = (
            "It lacks the layers for speculative decoding: start without --speculative-config."
        )
    else:
        figures["mismatch_remedy"] = (
            "Most likely it belongs to another class, revision or quantization: check "
            "`architectures` in its config.json; only where files are missing or of size 0, run "
            "`hf download` again, which fetches just those."
        )


# Each flag's first release of vLLM 0.x: its pull requests 26315, 39538, 33807 and 23691.
_FLAGS = (
    ("attention_backend", 13, "--attention-backend", "VLLM_ATTENTION_BACKEND in the environment"),
    ("linear_backend", 20, "--linear-backend marlin", "VLLM_TEST_FORCE_FP8_MARLIN=1"),
    ("moe_backend", 17, "--moe-backend marlin", "VLLM_USE_FLASHINFER_MOE_FP8=0"),
    ("meeting_flag", 12, "--master-port over several nodes, or VLLM_PORT on one", "VLLM_PORT"),
)
"""The figure, the release that has the flag, the flag, and what does the same before it."""


def _of_version(figures: dict[str, str], settings: dict[str, str]) -> None:
    version = settings.get("version", "")
    parts = re.match(r"(\d+)\.(\d+)", version)
    minor = int(parts[2]) if parts and parts[1] == "0" else 99
    figures["version_note"] = f" of version {version}" if version else ""
    for name, since, flag, before in _FLAGS:
        figures[name] = flag if minor >= since else before
        if not parts:
            figures[name] = f"{flag} ({before} before vLLM 0.{since})"


def _of_backend(figures: dict[str, str], line: str, frames: Sequence[Frame]) -> None:
    raised = f"{frames[0].path if frames else ''} {line}"
    if re.search(r"attention|attn|mla\b", raised, re.IGNORECASE):
        figures["layer_backend"] = figures["attention_backend"]
    elif re.search(r"moe|expert", raised, re.IGNORECASE):
        figures["layer_backend"] = figures["moe_backend"]
    elif re.search(r"linear|gemm|scaled_mm|quant", raised, re.IGNORECASE):
        figures["layer_backend"] = f"{figures['linear_backend']}, or {figures['moe_backend']}"
    else:
        figures["layer_backend"] = (
            f"{figures['attention_backend']} for attention, {figures['linear_backend']} or "
            f"{figures['moe_backend']} for quantized layers"
        )


def _of_ranks(figures: dict[str, str], told: dict[str, str], settings: dict[str, str]) -> None:
    waited_ms = told.get("waited_ms") or told.get("waited_too_ms")
    waited_s = f"{int(waited_ms) / 1000:.0f}" if waited_ms else told.get("waited")
    figures["within_note"] = f" within {waited_s} s" if waited_s else ""
    world = settings.get("world_size")
    local = settings.get("local_world_size")
    if world:
        figures["world_note"] = f" (world size {world}{f', {local} local' if local else ''})"
    if "joined" in told:
        figures["world_note"] = f" ({told['joined']} of {told['awaited']} joined)"
