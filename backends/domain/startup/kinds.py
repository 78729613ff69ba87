"""What a failure is by where it was raised, for messages that no row of the table knows.

The part of vLLM or of a library whose frame stands innermost, the role of the function there, the
exception's class and the grammar of its message give the kind: what a function that builds or
checks refuses is the operator's to change, what one that runs meets in its tensors is not. Where
two kinds could fit there is none: a wrong remedy costs more than an open question.
"""

import re
from collections.abc import Sequence

from backends.domain.start import FailureKind as Kind
from backends.domain.startup.compute_rules import COMPUTE
from backends.domain.startup.failure_row import Row
from backends.domain.startup.failure_row import row as _row
from backends.domain.startup.grammar import (
    BUILDS,
    DIVIDES,
    PARALLEL,
    PYTHON,
    RANGE,
    REFUSES,
    RUNNING,
    SIGNATURE,
    STATE,
    UNSUPPORTED,
)
from backends.domain.startup.part_rule import (
    DEFECT,
    MISFIT,
    PACKAGE,
    PARALLELISM,
    REFUSED,
    UNCOMPILED,
    Rule,
    rules,
)
from backends.domain.startup.parts import Part, part_named_in, part_of
from backends.domain.startup.setup_rules import SETUP

_SOURCES = re.compile(r"[\w./-]{1,300}\.(?:cuh?|[ch]pp|hip|h)(?=:\w)")
"""Files of native code, which raises without frames and names them in its message."""

_ONLY_COUNTED = re.compile(r"[\w.]*ValidationError: \d+ validation errors? for \w+$")
"""What pydantic says first; which value it refused, and so what is wrong, stands on other lines."""
_LONGEST = 1000
"""Characters of a message that rules look at."""

_OURS = frozenset(Part) - {Part.BUILD, Part.HUB, Part.PACKAGES, Part.DEVICE, Part.NATIVE}
"""The parts that are vLLM's own, or whose errors vLLM's words tell."""
_KERNELS = frozenset({Part.OPERATIONS, Part.ATTENTION, Part.LAYERS, Part.NATIVE})

_BESIDE = rules(
    [Part.BESIDE],
    _row(
        Kind.DEPENDENCY_ERROR,
        rf"^AttributeError\b|^TypeError\b.*{SIGNATURE}",
        *PACKAGE,
    ),
    _row(
        Kind.COMMUNICATION_FAILED,
        r"connect|refused|time(?:d )?out|unreachable|socket|address",
        "What a package beside vLLM connects to could not be reached{in_frame}: {line}",
        "Look whether the store, peer or registry (etcd, NATS, Redis) that its configuration names "
        "is up and can be reached from here; without --kv-transfer-config none is asked.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        rf"^(?:ValueError|NotImplementedError|AssertionError)\b.*?(?:{REFUSES})",
        "A package beside vLLM refused its configuration{in_frame}: {line}",
        "Correct what the line names in its configuration file or environment variables, or in "
        "--kv-transfer-config; or start without it.",
    ),
    _row(Kind.INTERNAL_ERROR, r"^\w*(?:Error|Exception)\b", *DEFECT),
)

_GENERAL: tuple[Rule, ...] = (
    *rules(
        [Part.ARGUMENTS, Part.PLUGIN_OPTIONS],
        _row(
            Kind.BAD_ARGUMENT,
            r"(?<![\w-])--[a-z][\w-]+ (?:requires?|needs?|must|cannot|only)\b",
            *REFUSED,
        ),
    ),
    *rules(
        Part,
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^(?:AttributeError|TypeError|NameError|SyntaxError)\b",
            *PACKAGE,
            frames=r" <module>$",
        ),
    ),
    *rules(
        _OURS,
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^AttributeError: '?(?!(?:Vllm|Model|Cache|Parallel|Scheduler|Load|LoRA|Speculative|"
            r"Compilation|KVTransfer|MultiModal|Pooler)Config\b)\w*(?:Tokenizer\w*|Processor|"
            r"FeatureExtractor|Config)'?"
            r"(?: object)? has no attribute",
            *PACKAGE,
        ),
        _row(
            Kind.DEPENDENCY_ERROR,
            r"module '(?!vllm)\w[\w.]*' has no attribute '\w+'$",
            *PACKAGE,
        ),
        _row(
            Kind.CHECKPOINT_MISMATCH,
            r"^(?:AssertionError|ValueError|RuntimeError)\b.*?(?:$|shape|size|weight|shard)",
            *MISFIT,
            frames=r" \w*(?:weight_loader\w*|load_\w*weights?)$",
        ),
        _row(
            Kind.INVALID_PARALLELISM,
            r"is not divisible by \d",
            *PARALLELISM,
            frames=r"distributed/utils\.py ",
        ),
        _row(
            Kind.PERMISSION_DENIED,
            r"(?:group|world)[ /](?:\w+ )?accessible|symlink\w*|not owned by the current user|"
            r"wrong owner",
            "The rights of a file or folder are not those that are demanded: {line}",
            "Correct its owner and mode, for example `chmod 700`, or name another folder.",
        ),
        _row(
            Kind.COMMUNICATION_FAILED,
            r"handshake failed|peer memory|peer .*(?:unreachable|lost|refused)",
            "The ranks, or a peer, did not agree on how to reach one another: {line}",
            "Look into the other ranks' logs for the first error; start once with NCCL_DEBUG=INFO, "
            "or leave out the feature that the line names.",
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"(?:module path|subclass of \w+|instantiate custom|"
            r"has no attribute '\w+' \(\w+_config)",
            *REFUSED,
            frames=BUILDS,
        ),
        _row(Kind.BAD_ARGUMENT, r"\b(?:is|are) disabled (?:but|and|while)\b", *REFUSED),
        _row(Kind.INTERNAL_ERROR, STATE, *DEFECT),
        _row(
            Kind.DEPENDENCY_ERROR,
            r"pip install|need to have \S+(?: or \S+)? installed|(?:is|are)(?: not|n't) "
            r"installed|install(?:ation)? (?:of )?\S+ "
            r"(?:with|package|via|to)|(?:please|either) install|packages? (?:is|are) "
            r"(?:required|not)|requires? (?:the )?\S{2,40} (?:package|library)|"
            r"usable \S+ installation|install it from|requires installation|"
            r"extension is not available|"
            r"(?:mooncake|nixl|triton|ray|\w*flash\w*|opentelemetry) is not available|"
            r"version \S+ is required|only supported with \w+ ?[>=]=|needs? \w+ ?[>=]=|"
            r": [a-z][\w-]{2,30} is required (?:for|to)\b|could not be imported|"
            r"failed to import\b.*installed|"
            r"requires? (?:nixl|triton|numba|ray|torch\w*|transformers|flashinfer|cupy)\b",
            *PACKAGE,
        ),
        _row(
            Kind.INVALID_BATCH_LIMITS,
            r"^(?=.*(?:max_num_batched_tokens|max_num_seqs))"
            r".*?(?:greater|larger|smaller|less than|exceed|at least)",
            "The limits of a batch do not go together: {line}",
            "Change --max-num-batched-tokens, --max-num-seqs or --max-model-len so that they do.",
        ),
        _row(
            Kind.INVALID_PARALLELISM,
            rf"^[\w .]+[:,] (?!.*{RUNNING})(?=.*(?:{PARALLEL})).*?(?:{DIVIDES})|"
            r"local range: \[",
            *PARALLELISM,
        ),
        _row(
            Kind.INVALID_PARALLELISM,
            rf"^[\w .]+[:,] (?!.*{RUNNING})"
            r"(?=.*(?:context[- ]parallel|across (?:all )?ranks|(?:tensor|pipeline)[- ]parallel|"
            r"\b(?:[DP]CP|TP|PP)\b))"
            rf".*?(?:{UNSUPPORTED}|requires?)",
            *PARALLELISM,
        ),
        _row(
            Kind.INTERNAL_ERROR,
            r"^(?:UnboundLocalError|NameError|RecursionError|IndentationError|IndexError)\b|"
            rf"^AssertionError:?$|{PYTHON}",
            *DEFECT,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"^(?=.*(?:environment variable|\b(?-i:VLLM_[A-Z_]+) ?(?:[:=]|must|does|is |has )))"
            rf".*?(?:{RANGE}|not set|must|detected)",
            *REFUSED,
        ),
        _row(
            Kind.BAD_ARGUMENT,
            r"command[- ]line arg|configuration mismatch|identical configuration",
            *REFUSED,
        ),
    ),
    *rules(
        _OURS,
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^TypeError\b.*incompatible (?:constructor|function) arguments.*torch\._C\.",
            *PACKAGE,
        ),
    ),
    *rules(
        [Part.MODEL_FILES],
        _row(
            Kind.DEPENDENCY_ERROR,
            r"^TypeError\b.*<class '(?:transformers|tokenizers)\.",
            "The installed Transformers gave vLLM something else than it wants{in_frame}: {line}",
            "Install the Transformers that this vLLM pins (`pip show vllm`) or that the model's "
            "page asks for, and look whether the model's folder has its preprocessor_config.json.",
        ),
    ),
    *rules(
        _OURS - {Part.ARGUMENTS, Part.PLUGIN_OPTIONS},
        _row(
            Kind.INTERNAL_ERROR,
            r"got <class|got type=|unexpected type|type: <class",
            *DEFECT,
        ),
    ),
    *rules(
        _OURS - _KERNELS - {Part.COMPILATION},
        _row(
            Kind.BAD_ARGUMENT,
            r"(?:\bset|pass(?:ing)?|use|us(?:e|ing) the default|enable(?: it)?(?: with)?|with|add|"
            r"specify|"
            r"remove|disable|please \w+|must \w+|requires?|without) `?--[a-z]|"
            r"\bset `?(?:VLLM_\w+|[a-z]+_\w+) ?=|(?:please (?:set|pass|specify|enable)|\bpass|"
            r"\bdisable) "
            r"`?[a-z]+_\w+|logging config",
            *REFUSED,
        ),
    ),
)
_WHEREVER = _row(
    Kind.INTERNAL_ERROR,
    r"^torch\._inductor\.exc\.InductorError:(?!.*(?:CalledProcess|Subproc|compile|build|nvcc|"
    r"ptxas|gcc|No such file))|^torch\._inductor\.exc\.\w+: LoweringException: \w+|"
    r"^torch\._dynamo\.exc\.\w+: (?:attempted to|unsupported|graph break|failed running|"
    r"[\s\S]{1,300}raised:\s*(?:$|\w+(?:Error|Exception): ))",
    *UNCOMPILED,
)
"""What PyTorch's compiler says, whose own frames tell nothing."""
_AT_IMPORT = _row(
    Kind.DEPENDENCY_ERROR,
    r"^(?:AttributeError|TypeError|NameError|SyntaxError|ValueError|RuntimeError|KeyError|"
    r"AssertionError)\b",
    *PACKAGE,
)
"""What is raised while vLLM's own modules are imported: two packages do not fit."""
_UNFORESEEN = _row(
    Kind.INTERNAL_ERROR,
    rf"^(?:\w+Error: )?.{{0,200}}?(?:{PYTHON})|^msgspec\.\w*Error: |^AssertionError\b|"
    r"^AttributeError: '\w+' object has no|must implement the '\w+' method|"
    r"must match the size of tensor|mat1 and mat2 |is invalid for input of size",
    *DEFECT,
)
"""What Python and PyTorch themselves say, or an assertion, of code that no frame tells."""
_NAMED = {
    Part.COMMUNICATION: {Kind.COMMUNICATION_FAILED, Kind.RANK_MISSING},
    Part.LAYERS: {Kind.NO_KERNEL},
}
"""The kinds for which it is enough that a message without any frame names the part."""
_ASSERTED = rules(
    [Part.OPERATIONS, Part.ATTENTION, Part.LAYERS, Part.MODEL, Part.ENGINE],
    _row(Kind.INTERNAL_ERROR, r"^AssertionError\b", *DEFECT, frames=rf"^(?!.*{BUILDS})."),
)
"""What code that runs has asserted of itself, whatever its words."""
_RULES = (*_BESIDE, *_GENERAL, *SETUP, *COMPUTE, *_ASSERTED)


def by_mechanism(places: Sequence[str], text: str) -> tuple[Row, re.Match[str]] | None:
    """Return what an exception is by the part of vLLM that raised it, None where that is open.

    Args:
        places: of the traceback, the innermost first, as `part_of` takes them.
        text: the exception's line, and what continues it.
    """
    if _ONLY_COUNTED.match(text):
        return None
    for row in (_WHEREVER, *((_AT_IMPORT,) if _imports(places) else ())):
        if found := row.pattern.search(text):
            return row, found
    first = sentence(text)
    sources = sorted(_SOURCES.findall(first), key=lambda source: "/" not in source)
    located = sum("/" in source for source in sources)
    # A bare name tells less of what raised it than the frame that called it.
    raised = part_of([*sources[:located], *places, *sources[located:]])
    if raised is not None:
        return _by_rule(raised[0], [raised[1]], first)
    if not places and (found := _without_frames(first)):
        return found
    unforeseen = _UNFORESEEN.pattern.search(first)
    return unforeseen and (_UNFORESEEN, unforeseen)


def _without_frames(text: str) -> tuple[Row, re.Match[str]] | None:
    named = part_named_in(text)
    found = _by_rule(named, [], text) if named else None
    if named and found and found[0].kind in _NAMED[named]:
        return found
    return _by_rule(Part.ENGINE, [], text)


def _by_rule(part: Part, places: Sequence[str], text: str) -> tuple[Row, re.Match[str]] | None:
    for rule in _RULES:
        if part in rule.parts and (found := rule.row.find(text, "", places)):
            return rule.row, found
    return None


def _imports(places: Sequence[str]) -> bool:
    """Tell whether the innermost of vLLM's own frames is a module that is being imported."""
    ours = next((place for place in places if "vllm/" in place.partition(" ")[0]), "")
    return ours.endswith(" <module>")


def sentence(text: str) -> str:
    """Return a message's first line, with what follows where it ends in a colon."""
    first, _, more = text.partition("\n")
    if first.rstrip().endswith(":"):
        first = f"{first.rstrip()} {' '.join(more.split())}"[:_LONGEST]
    return first.partition(" [type=")[0]
