"""Which arguments a vLLM knows, read from its source without running it.

``vllm serve --help=all`` imports torch and takes ten seconds; the flags stand in two modules as
strings, and in the data classes of the front end as fields.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from backends.discovery.executables import packages_of

ENOUGH = 50
"""Every vLLM has over a hundred flags; fewer found means that they are written otherwise there."""

_WRITTEN = re.compile(r'"(--?[A-Za-z][\w-]*)"')
_FIELD = re.compile(r"^    ([a-z]\w*): ", re.MULTILINE)
_FLAG = re.compile(r"--?[A-Za-z]")


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
    a switch off, the beginning of a flag for all of it, and ``-O3`` for ``-O 3``, as in vLLM.
    """
    flags = (word.partition("=")[0] for word in arguments if _FLAG.match(word))
    return tuple(flag for flag in flags if not _is_known(flag, known))


def alike(flag: str, known: frozenset[str]) -> str:
    """Return the known flag that is most like this one, empty where none is."""
    return next(iter(difflib.get_close_matches(flag.replace("_", "-"), known, n=1)), "")


def _is_known(flag: str, known: frozenset[str]) -> bool:
    if not flag.startswith("--"):
        return flag in known or flag[:2] in known or flag[:2] == "-O"
    whole = flag.replace("_", "-").partition(".")[0]
    positive = "--" + whole.removeprefix("--no-") if whole.startswith("--no-") else whole
    return any(one.startswith((whole, positive)) for one in known)


def _sources(executable: Path) -> Iterator[Path]:
    for packages in packages_of(executable):
        package = packages / "vllm"
        if (package / "engine" / "arg_utils.py").exists():
            yield package / "engine" / "arg_utils.py"
            yield from (package / "entrypoints").rglob("cli_args.py")
            yield from (package / "entrypoints").glob("cli/serve.py")
            return
