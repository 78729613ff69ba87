"""The parts of a study's page: sections with text, tables and one picture."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `picture` is the name of its picture, None without one."""

    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: str | None = None
