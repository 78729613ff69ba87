"""JSON of any shape as records: one flat mapping for each thing that counts tokens."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from backends.domain.values import NOT_JSON
from backends.traffic.json_tables import rows_in
from backends.traffic.names import ranked

MOST_TEXT = 100_000
"""A text longer than this is a prompt, not a log line inside another's JSON."""

Record = dict[str, Any]


def records_of(value: Any) -> Iterator[Record]:
    """Return the records in a value, each with the single values of all that it stands in.

    What names its tokens and its instant is one record, whatever lists it has; else each entry of
    its lists of objects is one: pages of buckets of results, as usage reports have them; a table is
    such a list. A list of key and value pairs is read as an object.
    """
    if isinstance(value, list):
        for each in value:
            yield from records_of(each)
    elif isinstance(value, dict):
        yield from _of_object(value, {})


def counts_tokens(names: Record) -> bool:
    """Return whether a record names tokens in or out."""
    return bool(ranked("input", names) or ranked("output", names) or ranked("uncached", names))


def _of_object(value: Mapping[str, Any], around: Record) -> Iterator[Record]:
    table = rows_in(value)
    if table is not None:
        for row in table:
            yield from _of_object(row, around)
        return
    flat: Record = {}
    lists: list[list[Any]] = []
    _flatten(value, "", flat, lists)
    if not lists or (counts_tokens(flat) and ranked("at", flat)):
        yield {**around, **flat}
        return
    inner = [each for found in lists for each in found if isinstance(each, dict)]
    if len(inner) > 1:  # what an envelope counts is all of them
        flat = {name: each for name, each in flat.items() if not ranked("requests", (name,))}
    found = [record for each in inner for record in _of_object(each, {**around, **flat})]
    counted = [record for record in found if counts_tokens(record)]
    empty = isinstance(value.get("results"), list) and not value["results"]
    yield from counted or ([] if empty else [{**around, **flat}])


def _flatten(value: Mapping[str, Any], path: str, flat: Record, lists: list[list[Any]]) -> None:
    for key, each in value.items():
        name = f"{path}{key}"
        inner = _parsed(each) if isinstance(each, str) and each[:1] == "{" else each
        if isinstance(inner, dict) and (table := rows_in(inner)) is not None:
            lists.append(list(table))
        elif isinstance(inner, dict):
            _flatten(inner, f"{name}.", flat, lists)
        elif isinstance(each, list) and each and isinstance(each[0], dict):
            if "key" in each[0] and "value" in each[0]:
                pairs = {str(p.get("key")): _single(p.get("value")) for p in each}
                _flatten(pairs, f"{name}.", flat, lists)
            else:
                lists.append(each)
        else:
            flat[name] = each


def _parsed(text: str) -> Any:
    if len(text) > MOST_TEXT:
        return text
    try:
        return json.loads(text)
    except NOT_JSON:
        return text


def _single(value: Any) -> Any:
    """Return the one value of an object such as ``{"intValue": "12"}``."""
    return next(iter(value.values()), None) if isinstance(value, dict) else value
