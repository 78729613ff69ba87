"""The shape of one rule of what a part of vLLM raises, and what several rules say of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from backends.domain.startup.failure_row import Row
from backends.domain.startup.parts import Part

LIKELY = "Most likely "
REFUSED = (
    "vLLM refused the configuration: {line}",
    ("{option_remedy}; VLLM_ variables of the environment and config.json of the model count too."),
)
PARALLELISM = (
    "The parallel sizes do not go with the model, the GPUs or another option: {line}",
    "Change {parallel_flag}{divisors_note}.",
)
DEFECT = (
    (
        "A check inside {inside} failed{in_frame}{during}: {line}; the options are most "
        "likely not at fault."
    ),
    "Search the issues of {searched} for {file} and this line; {otherwise}.",
)
UNCOMPILED = (
    "The compilation of the model failed inside PyTorch or Triton: {line_and_reasons}",
    (
        "Start with --enforce-eager, which leaves the compilation out; another release of vLLM "
        "with its own PyTorch may compile this model."
    ),
)
NO_KERNEL = (
    (
        "A kernel or backend does not take this GPU, quantization or configuration{in_frame}: "
        "{line_and_reasons}"
    ),
    "{advised_note} another backend with {layer_backend}.",
)
MISFIT = (
    "The checkpoint's weights do not fit the model class{in_frame}: {line}",
    (
        LIKELY + "this checkpoint belongs to another class, revision or quantization: check its "
        "config.json and the vLLM version its model card asks for."
    ),
)
PACKAGE = (
    "A package that this needs is missing or does not fit{in_frame}: {line}",
    (
        "Install what the line names into vLLM's environment, in the version that this vLLM pins, "
        "or leave out the option that needs it."
    ),
)
NO_CLASS = (
    "vLLM's class for this model cannot do what the model or an option wants{in_frame}: {line}",
    (
        "Leave out the option that asks for it, try a newer vLLM or --model-impl transformers, or "
        "serve another variant of the model."
    ),
)
MODEL_FILES = (
    "A value in the model's own files is not one that vLLM can read{in_frame}: {line}",
    (
        "Compare config.json and the processor's files with the model's page: take its latest "
        "revision, or set the field with --hf-overrides."
    ),
)
NO_TYPE = (
    "This data type does not go with the model or the GPU: {line}",
    "Set --dtype or --kv-cache-dtype to auto or to another type.",
)
"""Cause and remedy of what is meant wherever it is raised."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an exception is that one of these parts raises in these words."""

    parts: frozenset[Part]
    row: Row


def rules(parts: Iterable[Part], *rows: Row) -> tuple[Rule, ...]:
    """Return the rules of these parts, in the order in which they are tried."""
    return tuple(Rule(frozenset(parts), row) for row in rows)
