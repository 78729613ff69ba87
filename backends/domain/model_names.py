"""Whether two names mean the same model: publishers, dates and signs differ between providers."""

import re

PUBLISHERS = (
    "openai", "meta-llama", "meta", "mistralai", "mistral", "qwen", "deepseek-ai", "google",
    "microsoft", "nvidia", "anthropic", "accounts-fireworks-models", "zai-org", "moonshotai",
    "ibm-granite",
)  # fmt: skip

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|20\d{6}|\d{4})$")
_VARIANT = re.compile(r":[a-z]+$")
_QUANTISATION = re.compile(
    r"(?<![a-z0-9])(nvfp4|mxfp4|fp4|fp8|int4|int8|awq|gptq|bf16|fp16|gguf|w4a16|w8a8|w8a16"
    r"|\d-?bit)(?![a-z0-9])"
)
_TELLS = re.compile(
    r"(?<![a-z])(gpt|llama|qwen|mistral|mixtral|gemma|gemini|claude|deepseek|phi|kimi|glm|grok|nova"
    r"|command|granite|minimax|nemotron|olmo|falcon|o\d)(?![a-z])"
    r"|(?<![a-z0-9.])\d+(\.\d+)?[bm](?![a-z0-9])"
)
"""A family of models, or a number of parameters."""


def plain_model(name: str) -> str:
    """Return a name without its publisher and signs, so that openai/x and openai-x are one."""
    name = re.sub(r"[\s_:]+", "-", name.strip().lower().rpartition("/")[2])
    for publisher in PUBLISHERS:
        rest = name.removeprefix(f"{publisher}-")
        # Of qwen-2.5 the publisher is the model's own name.
        if rest != name and not rest[:1].isdigit():
            return rest
    return name


def quantisation_in(name: str) -> str | None:
    """Return the quantisation that a model's name gives away, None where it does not."""
    found = _QUANTISATION.search(name.lower())
    return found[1].replace("-", "") if found else None


def same_model(one: str, other: str) -> bool | None:
    """Return whether two names mean the same model; None where one is only a name of its own.

    A path before the model, a date or variant behind it and its quantisation tell nothing of which
    model it is. A name without a family and a size, as ``default``, is one that its server made up.
    """
    a, b = _bare(one), _bare(other)
    if re.sub(r"[^a-z0-9.]", "", a) == re.sub(r"[^a-z0-9.]", "", b):
        return True
    return False if _TELLS.search(a) and _TELLS.search(b) else None


def _bare(name: str) -> str:
    name = _VARIANT.sub("", name.rstrip("/").rpartition("/")[2].lower())
    name = _DATE.sub("", plain_model(name))
    return re.sub(r"[-_.]+$", "", re.sub(r"[-_.]{2,}", "-", _QUANTISATION.sub("", name)))
