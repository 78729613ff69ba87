"""Which column of a file is what, by its name and by what the first rows hold."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from backends.domain.values import whole
from backends.problem import UsageProblem
from backends.traffic import instants
from backends.traffic.column_roles import Columns
from backends.traffic.names import LENGTH, MAPPED, MEASURE, Role, may_be_relative, ranked, words

EMPTY = frozenset(("", "-", "none", "null", "n/a", "na"))
"""How files write that a cell holds nothing."""

_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MULTIPLE = re.compile(r"(\d+(?:[.,]\d+)?) ?([kKmMB])")
_MULTIPLES = {"k": 1e3, "m": 1e6, "b": 1e9}
_DECIMAL_COMMA = re.compile(r"(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")

BUCKETS_S = (60.0, 3600.0, 86_400.0)
"""Lengths of the intervals that usage reports count in."""

FEW = 20
"""More columns than this are no help in a sentence."""


class UnreadableTraffic(UsageProblem):
    """A file is no traffic; the message names the row and the remedy."""


def understood(
    place: str, samples: Sequence[Mapping[str, Any]], mapping: Mapping[str, str]
) -> Columns:
    """Return what the columns of a file are, from its first rows.

    Args:
        place: how the file is named in a sentence.
        samples: its first rows by column; a column may be missing in some of them.
        mapping: column by role, for those that the user names; an instant's may end in ``:ms``.

    Raises:
        UnreadableTraffic: a role that is needed has no column.
    """
    names = list(dict.fromkeys(name for row in samples for name in row))
    chosen, unit = _mapped(place, mapping, names)
    values = {name: _values(samples, name) for name in names}
    found = _instant(Columns((chosen["at"],)), values, unit) if "at" in chosen else None
    found = found or _found_instant(names, values)
    if found is None:
        raise _missing(place, "at", names, "no column holds the instant of a request")
    counts = _counts(names, values)
    found = replace(
        found,
        requests=chosen.get("requests") or next(iter(counts("requests")), None),
        status=chosen.get("status") or next(iter(ranked("status", names)), None),
        model=chosen.get("model") or next(iter(ranked("model", names)), None),
    )
    found = _tokens(place, found, names, chosen, counts)
    if found.requests is None and "end" not in chosen:
        _refuse_uncounted(place, found, names, values)
        return found
    return replace(found, end=chosen.get("end") or _end(found, names, values))


def mapping_from(written: str) -> dict[str, str]:
    """Return the columns that a user names, by their role.

    Raises:
        UnreadableTraffic: it is not written as ``at=when,input=prompt``.
    """
    pairs = [each.partition("=") for each in written.split(",") if each.strip()]
    if bad := [role for role, sign, column in pairs if not (sign and column.strip())]:
        raise UnreadableTraffic(f"--map {bad[0]}: write ROLE=COLUMN, such as at=when,input=prompt")
    return {role.strip(): column.strip() for role, _, column in pairs}


def number(value: object) -> float | None:
    """Return a cell as a number, None where it holds nothing.

    Raises:
        ValueError: it holds something else than a number from 0 on.
    """
    try:
        found = float(value)  # type: ignore[arg-type]
    except OverflowError as error:
        raise ValueError(value) from error
    except (TypeError, ValueError):
        text = "" if value is None else str(value).strip()
        if text.lower() in EMPTY:
            return None
        found = _grouped(text)
    if not isfinite(found) or found < 0 or isinstance(value, bool):
        raise ValueError(value)
    return found


def _grouped(text: str) -> float:
    """Return a number in groups of three digits, with a decimal comma, or such as ``1.2M``."""
    if _GROUPS.fullmatch(text):
        return float(text.replace(",", ""))
    if _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    if multiple := _MULTIPLE.fullmatch(text):
        return float(multiple[1].replace(",", ".")) * _MULTIPLES[multiple[2].lower()]
    raise ValueError(text)


def instant_of(columns: Columns, row: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """Return the instant that one or two columns hold, in seconds since 1970.

    Raises:
        ValueError: it is none; the message is the rest of a sentence.
    """
    cells = [row.get(name) for name in names]
    if any(cell is None or str(cell).strip().lower() in EMPTY for cell in cells):
        return None
    if columns.unit is not None:
        return _numbered(columns, cells[0])
    text = " ".join(str(cell).strip().zfill(2) for cell in cells)
    if len(text) == 8 and text.isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = instants.seconds_of(text, day_first=columns.day_first)
    return _possible(found)


def _numbered(columns: Columns, cell: object) -> float:
    try:
        value = instants.number_of(str(cell))
    except ValueError as error:
        raise ValueError("write an instant such as 2026-11-21T08:00:00Z") from error
    if not isfinite(value) or value < 0:
        raise ValueError("write an instant such as 2026-11-21T08:00:00Z")
    found = value * instants.UNITS[columns.unit or "s"]
    return found if columns.relative else _possible(found)


def _possible(found: float) -> float:
    if instants.EARLIEST_S <= found <= instants.LATEST_S:
        return found
    year = 1970 + found / 31_556_952
    raise ValueError(f"that is in the year {year:.0f}; correct it, or say its unit: at=COLUMN:ms")


def _mapped(
    place: str, mapping: Mapping[str, str], names: Sequence[str]
) -> tuple[dict[str, str], str | None]:
    chosen, unit = dict(mapping), None
    if unknown := [role for role in chosen if role not in MAPPED]:
        raise UnreadableTraffic(f"--map {unknown[0]}=: roles are {', '.join(MAPPED)}")
    if "at" in chosen and chosen["at"] not in names:
        column, _, unit = chosen["at"].rpartition(":")
        if unit in instants.UNITS:
            chosen["at"] = column
    for role, column in chosen.items():
        if column not in names:
            known = ", ".join(names[:FEW])
            raise UnreadableTraffic(
                f"{place}: no column is {column!r} (--map {role}=); they are {known}"
            )
    return chosen, unit or None


def _found_instant(names: Sequence[str], values: Mapping[str, list[Any]]) -> Columns | None:
    for name in ranked("at", names):
        found = _instant(Columns((name,)), values, None)
        if found is None or (found.relative and not may_be_relative(name)):
            continue
        if found.unit is None and all(_dates(values[name])):
            clock = (other for other in names if values[other] and _is_clock(other, values[other]))
            return replace(found, at=(name, *clock)[:2])
        return found
    named = [name for name in ranked("at", names) if values[name]]
    return Columns((named[0],)) if named else None  # its first bad row is then named


def _is_clock(name: str, cells: Iterable[Any]) -> bool:
    """Return whether a column holds the time of day of a date beside it, or its hour."""
    said, texts = words(name.rsplit(".", maxsplit=1)[-1]), [str(cell).strip() for cell in cells]
    if said[:1] == ("hour",):
        return all((hour := whole(text)) is not None and hour < 24 for text in texts)
    return said == ("time",) and all(":" in text[:3] and len(text) < 16 for text in texts)


def _dates(cells: Iterable[Any]) -> Iterable[bool]:
    return (instants.is_date(str(cell).strip()) for cell in cells)


def _instant(columns: Columns, values: Mapping[str, list[Any]], unit: str | None) -> Columns | None:
    """Return how a column writes its instants, None where it holds none."""
    cells = values[columns.at[0]]
    if not cells or any(isinstance(cell, bool | list) for cell in cells):
        return None
    texts = [str(cell).strip() for cell in cells]
    if all(len(t) == 8 and t.isdigit() and "1980" <= t[:4] <= "2100" for t in texts):
        return columns
    if all(map(instants.is_number, texts)):
        return _number_form(columns, [instants.number_of(text) for text in texts], values, unit)
    first = texts[0]
    day_first = instants.day_first_of(texts)
    if instants.is_slashed(first) and day_first is None:
        return None
    try:
        instants.seconds_of(first, day_first=bool(day_first))
    except ValueError:
        return columns if unit is None and any(map(instants.is_number, texts)) else None
    zone = any(map(instants.has_zone, texts))
    return replace(columns, day_first=bool(day_first), zone_assumed=not zone)


def _number_form(
    columns: Columns, numbers: list[float], values: Mapping[str, list[Any]], unit: str | None
) -> Columns:
    since_1970 = instants.unit_of(max(numbers))
    relative = since_1970 is None
    if unit is None:
        unit = since_1970 or _relative_unit(columns.at[0], numbers, values)
    else:
        relative = max(numbers) * instants.UNITS[unit] < instants.EARLIEST_S
    return replace(columns, unit=unit, relative=relative)


def _relative_unit(name: str, numbers: list[float], names: Iterable[str]) -> str:
    """Return the unit of numbers that count from a beginning of their own.

    Its name may say it. Whole numbers are milliseconds where all of them are whole thousands, and
    beside the hashes of cached blocks, whose traces are kept in milliseconds.
    """
    said = set(words(name.rsplit(".", maxsplit=1)[-1]))
    for unit, named in (("ms", "ms millis msec"), ("us", "us micros"), ("ns", "ns nano nanos")):
        if said & set(named.split()):
            return unit
    whole = all(value == int(value) for value in numbers)
    thousands = max(numbers) >= 1000 and all(value % 1000 == 0 for value in numbers)
    blocks = any(words(each)[:1] in {("hash",), ("block",)} for each in names)
    return "ms" if whole and (blocks or thousands) else "s"


def _end(found: Columns, names: Sequence[str], values: Mapping[str, list[Any]]) -> str | None:
    for name in ranked("end", names):
        ended = _instant(Columns((name,)), values, found.unit)
        if ended is not None and ended.unit == found.unit:
            return name
    return None


def _counts(names: Sequence[str], values: Mapping[str, list[Any]]) -> Any:
    """Return the columns that may have a role and hold numbers, by that role."""

    def numeric(name: str) -> bool:
        return bool(values[name]) and all(map(_is_count, values[name]))

    def fitting(role: Role) -> list[str]:
        found = ranked(role, names)
        measured = [n for n in found if values[n] and MEASURE & set(words(n.split(".")[-1]))]
        return [name for name in found if numeric(name)] or measured[:1]

    return fitting


def _is_count(cell: object) -> bool:
    try:
        number(cell)
    except ValueError:
        return isinstance(cell, str) and instants.is_number(cell)
    return not isinstance(cell, list)


def _tokens(
    place: str, found: Columns, names: Sequence[str], chosen: Mapping[str, str], counts: Any
) -> Columns:
    taken = {*found.at, found.requests}

    def of(role: Role) -> tuple[str, ...]:
        if role in chosen:
            return (chosen[role],)
        return tuple(name for name in counts(role) if name not in taken)[:1]

    into, out, cached, total = of("input"), of("output"), of("cached"), of("total")
    parts = cached + tuple(_deepest(counts("written")))
    if "input" not in chosen:
        if not into and (rest := of("uncached")):
            into = rest + parts
        elif (
            into
            and len(parts) > 1
            and "read" in words(cached[0])
            and "prompt" not in words(into[0])
        ):
            # The API that counts what its cache read and wrote counts neither as its input.
            into += parts
    if not out and not total:
        out = _rest(into, [name for name in names if name not in taken])
    if not into and not (out and total):
        raise _missing(place, "input", names, "no column counts input tokens")
    if not out and not (into and total):
        raise _missing(place, "output", names, "no column counts output tokens")
    return replace(
        found,
        input=into,
        output=out,
        cached=cached,
        total=None if into and out else total[0],
    )


def _rest(into: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    """Return the one other count in the measure of the input, such as ``token_size``."""
    measures = {word for name in into for word in words(name) if word in LENGTH}
    found = [n for n in names if set(words(n)) <= MEASURE | measures and set(words(n)) & measures]
    return tuple(found) if len(found) == 1 else ()


def _deepest(names: Sequence[str]) -> list[str]:
    """Return those of a set's parts that make it up: one that holds the others, else all."""
    depth = min((name.count(".") for name in names), default=0)
    return [name for name in names if name.count(".") == depth]


def _refuse_uncounted(
    place: str, found: Columns, names: Sequence[str], values: Mapping[str, list[Any]]
) -> None:
    """Refuse a report of tokens by interval that does not say how many requests they were of."""
    end = _end(found, names, values)
    if end is None:
        return
    try:
        pairs = [
            (instant_of(found, {found.at[0]: a}, found.at[:1]), instant_of(found, {end: b}, (end,)))
            for a, b in zip(values[found.at[0]], values[end], strict=False)
        ]
    except ValueError:
        return
    lengths = {b - a for a, b in pairs if a is not None and b is not None}
    if len(lengths) == 1 and lengths <= set(BUCKETS_S):
        raise _missing(place, "requests", names, "it counts tokens by interval, but no requests")


def _values(samples: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    cells = (row.get(name) for row in samples)
    return [c for c in cells if c is not None and str(c).strip().lower() not in EMPTY]


def _missing(place: str, role: str, names: Sequence[str], what: str) -> UnreadableTraffic:
    known = ", ".join(names[:FEW]) + (" ..." if len(names) > FEW else "")
    return UnreadableTraffic(
        f"{place}: {what}; its columns are {known}: name one with --map {role}=COLUMN"
    )
