"""Which arguments a vLLM knows, read from its source without running it.

``vllm serve --help=all`` imports torch and takes ten seconds; the flags stand in two modules as
strings, and in the data classes of the front end as fields.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from pathlib import Path

from backends.discovery.executables import packages_of

ENOUGH = 50
"""Every vLLM has over a hundred flags; fewer found means that they are written otherwise there."""

_WRITTEN = re.compile(r"""["'](--?[A-Za-z][\w-]*)["']""")
_FIELD = re.compile(r"^    ([a-z]\w*): ", re.MULTILINE)
_FLAG = re.compile(r"--?[A-Za-z]")
_EXTENDS = re.compile(
    r"^\[vllm\.(?:general|platform)_plugins\]\n(?:[^\[\n]*\n)*?[^=\n]+= *(?!vllm[.:\s])\w",
    re.MULTILINE,
)
"""A section of ``entry_points.txt`` that names a module outside vLLM's own package."""


def known_flags(executable: Path) -> frozenset[str]:
    """Return the flags of an installed vLLM; none where its source is not there or unlike ours."""
    found: set[str] = set()
    for source in _sources(executable):
        text = source.read_text(encoding="utf-8", errors="replace")
        found |= set(_WRITTEN.findall(text))
        if source.name == "cli_args.py":
            found |= {f"--{name.replace('_', '-')}" for name in _FIELD.findall(text)}
    return frozenset(found) if len(found) >= ENOUGH else frozenset()


def unknown_flags(arguments: Iterable[str], known: frozenset[str]) -> tuple[str, ...]:
    """Return the flags among the arguments of ``vllm serve`` that are not among the known.

    Underscores stand for dashes, ``--flag=value`` and ``--flag.key`` for the flag, ``--no-`` turns
    a switch off, the beginning of a flag for all of it, and ``-O3`` for ``-O 3``, as in vLLM. What
    a file given by ``--config`` holds is not looked at.
    """
    words = takewhile(lambda word: word != "--", arguments)
    flags = (word.partition("=")[0] for word in words if _FLAG.match(word))
    return tuple(flag for flag in flags if " " not in flag and not _is_known(flag, known))


def never_mentioned(flags: Iterable[str], executable: Path) -> tuple[str, ...]:
    """Return those of these flags that stand nowhere in the source of this vLLM.

    One that does may be declared where we do not look for it, and is given the benefit of doubt.
    Reads all of the package, which takes about a second: for flags that were found nowhere else.
    """
    left = tuple(dict.fromkeys(flags))
    for package in _packages(executable):
        for source in package.rglob("*.py") if left else ():
            text = source.read_bytes()
            left = tuple(flag for flag in left if not _is_mentioned(flag, text))
    return left


def has_plugins(executable: Path) -> bool:
    """Tell whether packages of others extend this vLLM, as they may add arguments."""
    return any(
        _EXTENDS.search(entries.read_text(encoding="utf-8", errors="replace"))
        for packages in packages_of(executable)
        for entries in packages.glob("*-info/entry_points.txt")
    )


def alike(flag: str, known: frozenset[str]) -> str:
    """Return the known flag that is most like this one, empty where none is."""
    return next(iter(difflib.get_close_matches(flag.replace("_", "-"), known, n=1)), "")


def _is_known(flag: str, known: frozenset[str]) -> bool:
    if not flag.startswith("--"):
        return flag.startswith(("-O", *(one for one in known if not one.startswith("--"))))
    whole = flag.replace("_", "-").partition(".")[0]
    positive = "--" + whole.removeprefix("--no-") if whole.startswith("--no-") else whole
    return any(one.startswith((whole, positive)) for one in known)


def _is_mentioned(flag: str, source: bytes) -> bool:
    """Tell whether a flag stands there as a string, or as the field of a class that becomes one."""
    whole = flag.replace("_", "-").partition(".")[0]
    for word in {whole, whole.replace("--no-", "--", 1)}:
        field = word.lstrip("-").replace("-", "_").encode()
        strings = (f'"{word}"'.encode(), f"'{word}'".encode())
        if any(one in source for one in strings) or b"    " + field + b": " in source:
            return True
    return False


def _sources(executable: Path) -> Iterator[Path]:
    for package in _packages(executable):
        yield package / "engine" / "arg_utils.py"
        yield from (package / "entrypoints").rglob("cli_args.py")
        yield from (package / "entrypoints").glob("cli/serve.py")


def _packages(executable: Path) -> Iterator[Path]:
    """Yield the one vLLM that an executable imports."""
    found = (packages / "vllm" for packages in packages_of(executable))
    yield from islice((one for one in found if (one / "engine/arg_utils.py").exists()), 1)
