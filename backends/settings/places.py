"""Finds the line of a TOML text on which a key stands, which TOML readers do not tell."""

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str, ...]

_HEADER = re.compile(r"\s*(\[\[?.*?\]\]?)\s*(#.*)?$")


def line_of(toml: str, path: Path) -> int | None:
    """Return the 1-based line that first sets `path`, or the nearest table above it, else None.

    A line inside a multi-line string that looks like a key can be mistaken for one.
    """
    seen: dict[Path, int] = {}
    for number, key in _keys(toml):
        for length in range(1, len(key) + 1):
            seen.setdefault(key[:length], number)
    for length in range(len(path), 0, -1):
        if path[:length] in seen:
            return seen[path[:length]]
    return None


def _keys(toml: str) -> Iterator[tuple[int, Path]]:
    table: Path = ()
    for number, line in enumerate(toml.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _path_of(header.group(1).replace("[[", "[").replace("]]", "]"))
            yield number, table
        elif "=" in line:
            key = _path_of(f"{line.partition('=')[0]} = 0")
            if key:
                yield number, table + key


def _path_of(line: str) -> Path:
    try:
        level = tomllib.loads(line)
    except (ValueError, RecursionError):
        return ()
    path: list[str] = []
    while isinstance(level, dict) and level:
        key, level = next(iter(level.items()))
        path.append(key)
    return tuple(path)
