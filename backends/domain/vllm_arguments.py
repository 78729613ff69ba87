"""Reads the command line of a vLLM server."""

import re
from collections.abc import Iterable

SERVER_MODULE = re.compile(
    r"(?:.*\.)?vllm\w*\.entrypoints\.(?:openai\.api_server|api_server|grpc_server)"
)
"""vLLM's own servers, and those of packages that extend it under its names (``vllm_nvext``)."""
COMMAND_MODULE = "vllm.entrypoints.cli.main"
_WITH_A_VALUE = frozenset({"-X", "-W", "--check-hash-based-pycs"})
"""Flags of the interpreter that take the next word, too."""

PROGRAMS = frozenset({"vllm", "inferctl-simulated-vllm"})
"""What ``serve`` is a word of; a simulated server is found as a true one is."""

_ENTRY = re.compile(r"(?P<name>[A-Za-z][\w-]*) *: +(?P<value>[^#\[{\s][^#]*)")
"""A line of YAML that gives one plain value."""

_GLUED = re.compile(r"(?P<flag>-[A-Za-z]+)(?P<number>\d+)")


def value_of(flags: tuple[str, ...], arguments: tuple[str, ...]) -> str | None:
    """Return the value that vLLM takes for one of these flags, None where none is given.

    Read as vLLM's parser reads: the last one counts, underscores stand for dashes, the beginning of
    a long flag for all of it, and the value follows as the next word or after ``=``. A number may
    also be glued to a short flag (``-tp4``).
    """
    value: str | None = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        flag, equals, behind = argument.partition("=")
        if _stands_for(flag.replace("_", "-"), flags):
            value = behind if equals else next(iter(arguments[place + 1 :]), None)
        elif glued := _GLUED.fullmatch(argument):
            value = glued["number"] if glued["flag"] in flags else value
    return value


def is_given(switch: str, arguments: tuple[str, ...]) -> bool:
    """Tell whether a flag without a value is among the arguments, as vLLM's parser reads them."""
    return any(_stands_for(one.replace("_", "-"), (switch,)) for one in arguments)


def _stands_for(word: str, flags: tuple[str, ...]) -> bool:
    """Tell whether a word is one of the flags, or the beginning of a long one.

    A beginning that several of vLLM's flags share is refused by vLLM itself.
    """
    return word in flags or (
        word.startswith("--") and any(flag.startswith(word) for flag in flags if len(word) > 2)
    )


def model_argument(arguments: tuple[str, ...]) -> str | None:
    """Return the model to serve: an id, or a folder."""
    model = value_of(("--model",), arguments)
    if model is None and "serve" in arguments:
        after = arguments[arguments.index("serve") + 1 :]
        model = after[0] if after and not after[0].startswith("-") else None
    return model


def with_config(arguments: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the arguments with those of a file that ``--config`` names, which they outrank.

    Read as vLLM reads it (docs.vllm.ai, serve_args): long names with their values, one a line.
    What is a list or a table in YAML is left out: none of it says where a server listens.
    """
    own = model_argument(arguments) is not None
    found: list[str] = []
    for line in text.splitlines():
        name, value = _ENTRY.match(line), ""
        if name is None or (own and name["name"] == "model"):
            continue
        value = name["value"].strip().strip("\"'")
        if value not in {"false", "False"}:
            found += [f"--{name['name']}", *([] if value in {"true", "True"} else [value])]
    # Before all flags, since the last of two counts.
    first = next((at for at, one in enumerate(arguments) if one.startswith("--")), len(arguments))
    return (*arguments[:first], *found, *arguments[first:])


def is_server(arguments: tuple[str, ...]) -> bool:
    """Tell whether a command line is that of vLLM's API server, not of a wrapper around it."""
    program, *rest = [*arguments, ""]
    name = program.rpartition("/")[2]
    if name in PROGRAMS:
        return rest[0] == "serve"
    if not name.startswith("python"):
        return False
    runs, *its = _behind_flags(rest)
    module = its[0] if runs == "-m" and its else runs.removesuffix(".py").replace("/", ".")
    if SERVER_MODULE.fullmatch(module):
        return True
    if runs == "-c":
        return False
    behind = its[1:] if runs == "-m" else its
    is_command = module.endswith(COMMAND_MODULE) or runs.rpartition("/")[2] in PROGRAMS
    return is_command and behind[:1] == ["serve"]


def _behind_flags(words: list[str]) -> list[str]:
    """Return what a Python interpreter runs, a script, ``-m`` or ``-c``, and what follows it."""
    place = 0
    while words[place : place + 1] and words[place].startswith("-"):
        if words[place] in {"-m", "-c"}:
            break
        place += 2 if words[place] in _WITH_A_VALUE else 1
    return words[place:] or [""]


def is_on_ray(arguments: tuple[str, ...]) -> bool:
    """Tell whether Ray runs the workers of a server."""
    return value_of(("--distributed-executor-backend",), arguments) == "ray"


def options(arguments: Iterable[str]) -> list[str]:
    """Return each option with its values as one text, such as ``--max-model-len 4096``."""
    found: list[str] = []
    for word in arguments:
        if word.startswith("-") or not found:
            found.append(word)
        else:
            found[-1] += f" {word}"
    return found
