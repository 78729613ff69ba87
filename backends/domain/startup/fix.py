"""The arguments that a failure's remedy asks for, where it names one flag and one value."""

import re

from backends.domain.start import Failure
from backends.domain.vllm_arguments import options

_DEFINITE = re.compile(
    r"Set (?P<flag>--[a-z][a-z-]+) (?P<value>\d[\d.]*)(?: or (?:more|less))?[,;.]"
)
"""``Set --max-model-len 61312, or raise ...``; a remedy of words, or of a range, is a person's."""


def fixed_arguments(failure: Failure, arguments: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the arguments with the flag that the remedy sets.

    None where the remedy names no single flag with a value, or they have it already.
    """
    found = _DEFINITE.match(failure.remedy)
    if found is None:
        return None
    flag, value = found["flag"], found["value"].rstrip(".")
    kept: list[str] = []
    skips_value = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_flag = name.startswith("--") and name.replace("_", "-") == flag
        if not (is_flag or skips_value):
            kept.append(argument)
        skips_value = is_flag and not equals
    fixed = (*kept, flag, value)
    return None if fixed == arguments else fixed


def difference(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Return what changes, a flag with its value a line: ``- --max-model-len 131072``."""
    old, new = options(before), options(after)
    gone = (f"- {each}" for each in old if each not in new)
    return (*gone, *(f"+ {each}" for each in new if each not in old))
