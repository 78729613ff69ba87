"""The fields that each endpoint has refused, kept so that they are not sent to it again."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backends.host.files import read_file, replace_file
from backends.operations.host import Host
from backends.prober.protocol import Target
from backends.wire import UnreadableRecord, read_json, typed


def with_refused(targets: Sequence[Target], host: Host) -> tuple[Target, ...]:
    """Return targets that are not sent again what they refused; waits for the disk.

    What a table refused before it was changed is forgotten: it is another endpoint now.
    """
    known = _known(host.state_folder)
    return tuple(
        replace(
            target, refused=tuple(known.get(target.endpoint, {}).get(_configuration(target), ()))
        )
        for target in targets
    )


def remember(target: Target, not_sent: Sequence[str], host: Host) -> None:
    """Keep what an endpoint refused before it answered, in the place of what was known of it.

    Where it cannot be written, the endpoint is asked in vain once more; waits for the disk.
    """
    known = _known(host.state_folder)
    kept = {name: fields for name, fields in known.items() if name != target.endpoint}
    if not_sent:
        kept[target.endpoint] = {_configuration(target): list(not_sent)}
    if kept == known:
        return
    text = json.dumps({"endpoints": kept}, indent=1)
    try:
        replace_file(_file(host.state_folder), text.encode() + b"\n")
    except OSError:
        return


def _known(state_folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return the fields by endpoint and its configuration; nothing where the file has a fault."""
    try:
        found = read_json(read_file(_file(state_folder)))
        return typed(found["endpoints"], dict[str, dict[str, list[str]]])
    except (OSError, ValueError, KeyError, TypeError, UnreadableRecord):
        return {}


def _configuration(target: Target) -> str:
    """Return what stands for a target's table, without its key and its prices."""
    said = (
        *(target.base_url, target.model, target.auth, target.api),
        *(sorted(target.query), sorted(name for name, _ in target.headers)),
        json.dumps(target.extra, sort_keys=True, default=str),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _file(state_folder: Path) -> Path:
    return state_folder / "refused-fields.json"
