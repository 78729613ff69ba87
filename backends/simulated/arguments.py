"""The arguments of ``vllm serve``, any of them, as far as a simulation follows them."""

from dataclasses import dataclass, field

_DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
_SHORT = {"-tp": "--tensor-parallel-size", "-O": "--optimization-level"}
_WHOLE_NUMBERS = (
    "--port",
    "--tensor-parallel-size",
    "--max-model-len",
    "--max-num-seqs",
    "--num-gpu-blocks-override",
)
_SWITCHES = {
    "--enable-sleep-mode",
    "--enforce-eager",
    "--disable-uvicorn-access-log",
    "--trust-remote-code",
}


class BadArgument(ValueError):
    """An argument does not fit; the message is argparse's."""


@dataclass(frozen=True, slots=True)
class ServeArguments:
    """What was asked for on the command line; None where the model or the device decides."""

    model: str = _DEFAULT_MODEL
    host: str | None = None
    port: int = 8000
    served_model_name: str = ""
    tensor_parallel_size: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int = 256
    num_gpu_blocks: int | None = None
    gpu_memory_utilization: float | None = None
    enforce_eager: bool = False
    access_log: bool = True
    unlogged_paths: tuple[str, ...] = ()
    given: dict[str, str | bool] = field(default_factory=dict)

    @property
    def served(self) -> str:
        """Return the name under which requests find the model."""
        return self.served_model_name or self.model

    def last_given(self) -> str:
        """Return the last option as it was given, for the message that nobody knows it."""
        if not self.given:
            return "--no-such-flag"
        option, value = list(self.given.items())[-1]
        return option if value is True else f"{option} {value}"

    def not_default(self) -> str:
        """Return the arguments as the banner prints them, the key withheld."""
        shown: dict[str, object] = {"model_tag": self.model}
        for option, value in self.given.items():
            name = option.lstrip("-").replace("-", "_")
            shown[name] = "***" if name == "api_key" else _as_value(value)
        return repr({**shown, "model": self.model})


def parse_arguments(words: list[str]) -> ServeArguments:
    """Return the arguments after ``vllm``; options that a simulation need not know are kept.

    Raises:
        BadArgument: the command is not ``serve``, or a number is none.
    """
    if not words or words[0] != "serve":
        raise BadArgument(f"argument subparser: invalid choice: {(words or [''])[0]!r}")
    positional, given = _split(words[1:])
    model = positional[0] if positional else str(given.get("--model", _DEFAULT_MODEL))
    numbers = {name: _whole(name, given[name]) for name in _WHOLE_NUMBERS if name in given}
    share = given.get("--gpu-memory-utilization")
    return ServeArguments(
        model=model,
        host=_text(given.get("--host")),
        port=numbers.get("--port", 8000),
        served_model_name=_text(given.get("--served-model-name")) or "",
        tensor_parallel_size=numbers.get("--tensor-parallel-size"),
        max_model_len=numbers.get("--max-model-len"),
        max_num_seqs=numbers.get("--max-num-seqs", 256),
        num_gpu_blocks=numbers.get("--num-gpu-blocks-override"),
        gpu_memory_utilization=float(share) if share is not None else None,
        enforce_eager=bool(given.get("--enforce-eager", False)),
        access_log=not given.get("--disable-uvicorn-access-log", False),
        unlogged_paths=_paths(given.get("--disable-access-log-for-endpoints")),
        given=given,
    )


def _split(words: list[str]) -> tuple[list[str], dict[str, str | bool]]:
    positional: list[str] = []
    given: dict[str, str | bool] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        option, equals, value = word.partition("=")
        option = _SHORT.get(option, option).replace("_", "-")
        if equals:
            given[option] = value
        elif option not in _SWITCHES and rest and not rest[0].startswith("--"):
            given[option] = rest.pop(0)
        else:
            given[option] = True
    return positional, given


def _paths(value: str | bool | None) -> tuple[str, ...]:
    return tuple(value.split(",")) if isinstance(value, str) else ()


def _whole(option: str, value: str | bool) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise BadArgument(f"argument {option}: invalid int value: {value!r}") from error


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None


def _as_value(value: str | bool) -> object:
    if isinstance(value, bool):
        return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
