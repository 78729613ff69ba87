"""A study as files: the document with every sample, and what is drawn and written from it."""

import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from hashlib import sha256
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from backends.domain.redaction import without_keys, without_secrets
from backends.domain.reports.load import LoadReport, from_samples
from backends.domain.reports.pseudonyms import Pseudonyms
from backends.domain.study.figures import figures
from backends.domain.study.markdown import study_markdown
from backends.domain.study.page import DATA_ID, study_page
from backends.domain.study.sections import pictures
from backends.domain.study.study import SCHEMA, Study
from backends.domain.values import MOST, SMALLEST_EXPONENT
from backends.host.files import read_file, replace_file
from backends.problem import NotFound, Problem
from backends.wire import UnreadableRecord, plain, read_json, typed

FORMS = ("json", "md", "html")


def without_names(study: Study, keys: Iterable[str] = ()) -> Study:
    """Return a study without hosts, paths, addresses, keys and models of unknown publishers.

    Args:
        study: as measured.
        keys: secrets that are known, which are hidden wherever they stand.
    """
    names = Pseudonyms((study.server.model, study.endpoint.model), (socket.gethostname(),))
    return typed(_renamed(without_keys(without_secrets(plain(study)), keys), names), Study)


def _renamed(value: Any, names: Pseudonyms) -> Any:
    match value:
        case str():
            return names.of(value)
        case dict():
            return {key: _renamed(each, names) for key, each in value.items()}
        case list():
            return [_renamed(each, names) for each in value]
        case _:
            return value


def study_document(study: Study) -> dict[str, Any]:
    """Return the document of ``study run --json``: every sample, every figure, every picture's sum.

    Its form is described in docs/study.md.
    """
    found = plain(figures(study))
    for figure in found:
        del figure["samples"]  # they are in the study itself
    return {
        "schema": study.schema,
        "study": plain(study),
        "figures": found,
        "pictures": {
            name: sha256(picture.encode()).hexdigest() for name, picture in pictures(study).items()
        },
    }


def written_forms(study: Study) -> Mapping[str, str]:
    """Return the study as JSON, Markdown and one HTML page, by their endings."""
    document = study_document(study)
    return {
        "json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        "md": study_markdown(study),
        "html": study_page(study, json.dumps(document)),
    }


def write_study(study: Study, folder: Path, stem: str) -> tuple[Path, ...]:
    """Write all forms of a study into a folder, and return where.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, text in written_forms(study).items():
        path = folder / f"{stem}.{ending}"
        replace_file(path, text.encode())
        written.append(path)
    return tuple(written)


def read_document(path: Path) -> dict[str, Any]:
    """Return the document of a study's JSON, or of its page.

    Raises:
        NotFound: there is no such file.
        Problem: it is no study, or one of a newer form.
    """
    try:
        text = read_file(path).decode("utf-8", "replace")
    except FileNotFoundError:
        raise NotFound(f"{path}: there is no such file") from None
    opening = f'<script type="application/json" id="{DATA_ID}">'
    if opening in text:
        text = text.partition(opening)[2].partition("</script>")[0]
    try:
        document = read_json(text)
    except UnreadableRecord as error:
        raise Problem(f"{path} is not a study: {error}") from error
    if not isinstance(document, dict) or "schema" not in document or "study" not in document:
        raise Problem(f"{path} is not a study: it has neither a schema nor samples")
    if document["schema"] != SCHEMA:
        raise Problem(
            f"{path} is of the form {document['schema']!s:.40}, and this inferctl reads {SCHEMA};"
            " update inferctl"
        )
    return document


def read_study(path: Path) -> Study:
    """Return the study of a file.

    Raises:
        Problem: it cannot be read.
    """
    return study_in(path, read_document(path))


def study_in(path: Path, document: Mapping[str, Any]) -> Study:
    """Return the study of a document that was read from `path`.

    Raises:
        Problem: a sample does not fit; the message names the place.
    """
    try:
        study = typed(document["study"], Study)
    except UnreadableRecord as error:
        raise Problem(f"{path} is not a study of the form {SCHEMA}: {error}") from error
    if not all(map(_can_be_measured, _numbers(study))):
        why = f"a number in it is not within {-MOST:.0e} and {MOST:.0e}"
        raise Problem(f"{path} is not a study of the form {SCHEMA}: {why}")
    return study


def _numbers(value: object) -> Iterator[int | float | Decimal]:
    if isinstance(value, int | float | Decimal):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from _numbers(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_numbers, value.values()))
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(_numbers, value))


def _can_be_measured(number: float | Decimal) -> bool:
    amount = Decimal(number)
    return amount.is_finite() and (
        not amount or SMALLEST_EXPONENT <= amount.adjusted() <= MOST.adjusted()
    )


def drawn_by_another(study: Study) -> str:
    """Return why pictures and page cannot be compared here, empty where they can."""
    here, there = metadata.version("inferctl"), study.versions.inferctl
    if here == there:
        return ""
    return f"inferctl {there} drew the pictures and the page, and only the same version can again"


def differences(path: Path) -> list[str]:
    """Return what of a file does not follow from its own samples, a sentence each.

    Of a page everything that is shown is compared, of a JSON its figures and pictures; what another
    version drew is left out, see `drawn_by_another`.

    Raises:
        Problem: it cannot be read.
    """
    document = read_document(path)
    study = study_in(path, document)
    again = study_document(study)
    found = list(_unlike_figures(document.get("figures"), again["figures"]))
    if study.load is not None:
        found += _unlike_steps(study.load)
    if drawn_by_another(study):
        return found
    said = document.get("pictures")
    for name, digest in again["pictures"].items():
        if not isinstance(said, dict) or said.get(name) != digest:
            found.append(f"picture {name}: it is another one than the samples give")
    if path.suffix == ".html" and not found:
        shown = read_file(path).decode("utf-8", "replace")
        if shown != study_page(study, json.dumps(document)):
            found.append("the page shows something else than its samples give")
    return found


def _unlike_steps(load: LoadReport) -> Iterable[str]:
    """Yield what of a load does not follow from its single requests."""
    try:
        again = from_samples(load)
    except ValueError as error:
        yield f"capacity: the samples of a step do not fit: {error}"
        return
    pairs = zip(load.ended.steps, again.ended.steps, strict=True)
    for step, other in pairs:
        for name, value in plain(other).items():
            said = plain(step)[name]
            if said != value:
                what = f"capacity at {step.planned_rps:g} req/s: {name}"
                yield f"{what} is {said!s:.60}, the samples give {value!s:.60}"
    if (again.ended.best, again.ended.bounded) != (load.ended.best, load.ended.bounded):
        yield "capacity: another rate is the highest that kept the limits"


def _unlike_figures(said: Any, again: list[dict[str, Any]]) -> Iterable[str]:
    listed = said if isinstance(said, list) else []
    known = {each.get("key"): each for each in listed if isinstance(each, dict)}
    for figure in again:
        found = known.pop(figure["key"], None)
        if found is None:
            yield f"{figure['key']}: it is missing"
            continue
        for name, value in figure.items():
            if found.get(name) != value:
                said_value = f"{found.get(name)!s:.60}"
                yield f"{figure['key']}: {name} is {said_value}, the samples give {value}"
    for key in known:
        yield f"{key!s:.60}: no sample gives it"
