"""Reads the command line of a vLLM server."""

import re
from pathlib import Path

SERVER_MODULE = "vllm.entrypoints.openai.api_server"
COMMAND_MODULE = "vllm.entrypoints.cli.main"

PROGRAMS = frozenset({"vllm", "inferctl-simulated-vllm"})
"""What ``serve`` is a word of; a simulated server is found as a true one is."""

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


def is_server(arguments: tuple[str, ...]) -> bool:
    """Tell whether a command line is that of vLLM's API server, not of a wrapper around it."""
    program, *rest = [*arguments, ""]
    name = Path(program).name
    if name in PROGRAMS:
        return rest[0] == "serve"
    if not name.startswith("python"):
        return False
    if "-m" in rest:
        module, *its = rest[rest.index("-m") + 1 :]
        return module == SERVER_MODULE or (module == COMMAND_MODULE and its[:1] == ["serve"])
    return Path(rest[0]).name in PROGRAMS and rest[1:2] == ["serve"]


def is_on_ray(arguments: tuple[str, ...]) -> bool:
    """Tell whether Ray runs the workers of a server."""
    return value_of(("--distributed-executor-backend",), arguments) == "ray"
