"""Reads what ``vllm serve --help`` prints, and completes arguments by it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ENTRY = re.compile(r" {2}(-\S.*?)(?: {2,}(\S.*))?$")
_BEHIND = re.compile(r" {6,}(\S.*)")
_OTHER_NAME = re.compile(r", (?=-)")
_CHOICES = re.compile(r"\{([^{}]+)\}|\[('[^\[\]]+')\]")


@dataclass(frozen=True, slots=True)
class VllmArgument:
    """One argument of ``vllm serve``.

    Attributes:
        flag: its first name.
        value: what follows it, as the help writes it: ``MAX_MODEL_LEN``; empty for a switch.
        about: what it does; empty where nothing says it.
    """

    flag: str
    value: str = ""
    about: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that it takes, none where they are not few."""
        found = _CHOICES.search(self.value)
        words = (found[1] or found[2]).split(",") if found else ()
        return tuple(word.strip(" '") for word in words)


def read_help(text: str) -> tuple[VllmArgument, ...]:
    """Return the arguments that a help text of Python's argparse names, in its order."""
    found: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if entry := _ENTRY.fullmatch(line):
            found.append((_OTHER_NAME.split(entry[1]), [entry[2]] if entry[2] else []))
        elif found and (behind := _BEHIND.fullmatch(line)):
            found[-1][1].append(behind[1])
        elif line.strip():
            found.append(([], []))  # the heading of a group ends the argument above it
    first = (
        (next((one for one in names if one.startswith("--")), ""), about) for names, about in found
    )
    return tuple(
        VllmArgument(*(named.partition(" ")[::2]), " ".join(about))
        for named, about in first
        if named
    )


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on.

    Attributes:
        word: the whole word.
        rest: what is missing of it.
    """

    word: str
    rest: str
    argument: VllmArgument


def completions(before: str, arguments: Iterable[VllmArgument]) -> Iterator[Completion]:
    """Yield how what is before the cursor may go on: flags, or values of the flag before it."""
    words = before.split()
    word = words.pop() if words and not before[-1].isspace() else ""
    for argument in arguments:
        if word.startswith("-"):
            choices: tuple[str, ...] = (argument.flag,)
        else:
            choices = argument.choices if words[-1:] == [argument.flag] else ()
        for choice in choices:
            if choice.startswith(word):
                yield Completion(choice, choice[len(word) :], argument)
