"""Reads the command line of a vLLM server."""

from pathlib import Path

SERVER_MODULE = "vllm.entrypoints.openai.api_server"
COMMAND_MODULE = "vllm.entrypoints.cli.main"

PROGRAMS = frozenset({"vllm", "inferctl-simulated-vllm"})
"""What ``serve`` is a word of; a simulated server is found as a true one is."""


def value_of(flags: tuple[str, ...], arguments: tuple[str, ...]) -> str | None:
    """Return the value that follows one of these flags, or stands behind it after ``=``.

    vLLM takes underscores for dashes in its flags.
    """
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag.replace("_", "-") in flags:
            return value if equals else next(iter(arguments[place + 1 :]), None)
    return None


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
