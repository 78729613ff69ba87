"""A study as files: read again as it was written, and checked against its own samples."""

import json
import socket
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from backends.domain.study.study import Study
from backends.operations.study import files
from backends.problem import NotFound, Problem
from backends.wire import plain
from tests.backends.domain.study.worlds import world

REPOSITORY = Path(__file__).parents[4]
SCHEMA_FILE = REPOSITORY / "docs" / "study.schema.json"


def made() -> Study:
    study, _ = world(1)
    return replace(study, versions=replace(study.versions, inferctl=metadata.version("inferctl")))


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Path]:
    paths = files.write_study(made(), tmp_path, "study")
    return {path.suffix: path for path in paths}


def test_what_is_read_again_is_what_was_measured(written: dict[str, Path]) -> None:
    for ending in (".json", ".html"):
        assert files.read_study(written[ending]) == made()


def test_a_study_that_nobody_changed_is_verified_in_both_forms(written: dict[str, Path]) -> None:
    assert files.differences(written[".json"]) == []
    assert files.differences(written[".html"]) == []


def change(path: Path, key: str, value: Any) -> None:
    document = json.loads(path.read_text())
    for figure in document["figures"]:
        if figure["key"] == key:
            figure["value"] = value
    path.write_text(json.dumps(document))


def test_a_figure_that_was_made_nicer_is_found(written: dict[str, Path]) -> None:
    change(written[".json"], "cold_start.first_token_s", 12.0)
    (found,) = files.differences(written[".json"])
    assert "cold_start.first_token_s: value is 12.0" in found


def test_a_sample_that_was_changed_shows_in_its_figures_and_pictures(
    written: dict[str, Path],
) -> None:
    document = json.loads(written[".json"].read_text())
    document["study"]["warm"]["runs"][0]["ttft_s"] = 9.0
    written[".json"].write_text(json.dumps(document))
    found = files.differences(written[".json"])
    assert any("ttft_s" in line for line in found)
    assert any(line.startswith("picture warm") for line in found)


def test_a_step_of_the_load_follows_from_its_single_requests(written: dict[str, Path]) -> None:
    document = json.loads(written[".json"].read_text())
    step = document["study"]["load"]["ended"]["steps"][0]
    assert len(step["samples"]["ttft_s"]) == step["requests"]
    step["goodput_rps"] *= 2
    written[".json"].write_text(json.dumps(document))
    found = files.differences(written[".json"])
    assert any("goodput_rps is" in line and "the samples give" in line for line in found), found


def test_a_request_of_the_load_that_was_made_faster_or_left_out_is_found(
    written: dict[str, Path],
) -> None:
    document = json.loads(written[".json"].read_text())
    steps = document["study"]["load"]["ended"]["steps"]
    steps[0]["samples"]["ttft_s"][0] = 0.001
    written[".json"].write_text(json.dumps(document))
    found = files.differences(written[".json"])
    assert any("ttft_s is" in line for line in found), found
    steps[1]["samples"]["itl_s"].pop()
    written[".json"].write_text(json.dumps(document))
    found = files.differences(written[".json"])
    assert any("samples of a step do not fit" in line for line in found), found


def test_a_figure_that_is_missing_or_made_up_is_found(written: dict[str, Path]) -> None:
    document = json.loads(written[".json"].read_text())
    gone = document["figures"].pop(0)["key"]
    document["figures"].append({"key": "cold_start.invented"})
    written[".json"].write_text(json.dumps(document))
    assert files.differences(written[".json"]) == [
        f"{gone}: it is missing",
        "cold_start.invented: no sample gives it",
    ]


def test_a_page_whose_text_was_changed_is_found(written: dict[str, Path]) -> None:
    page = written[".html"]
    page.write_text(page.read_text().replace("A cold start takes", "A cold start took", 1))
    assert files.differences(page) == ["the page shows something else than its samples give"]


def test_what_another_version_drew_is_not_called_wrong_but_its_figures_are_held(
    written: dict[str, Path],
) -> None:
    page = written[".html"]
    older = page.read_text().replace(metadata.version("inferctl"), "0.0.9")
    page.write_text(older.replace("A cold start takes", "Starts take", 1))
    assert files.differences(page) == []
    assert "inferctl 0.0.9 drew" in files.drawn_by_another(files.read_study(page))
    document = json.loads(written[".json"].read_text())
    document["study"]["versions"]["inferctl"] = "0.0.9"
    document["figures"][0]["value"] = 1.0
    written[".json"].write_text(json.dumps(document))
    assert len(files.differences(written[".json"])) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not a study"),
        ("[]", "neither a schema nor samples"),
        ('{"schema": "inferctl-study/9", "study": {}}', "update inferctl"),
        ('{"schema": "inferctl-study/1", "study": {}}', "is not a study of the form"),
    ],
)
def test_what_is_no_study_is_refused_with_the_reason(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "study.json"
    path.write_text(content)
    with pytest.raises(Problem, match=said):
        files.differences(path)
    with pytest.raises(NotFound):
        files.read_document(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("where", "number"),
    [
        (("server", "usd_per_hour"), "1e9999999"),
        (("server", "usd_per_hour"), "1e-9999999"),
        (("server", "usd_per_hour"), "NaN"),
        (("endpoint", "prices", "output_usd_per_mtok"), "Infinity"),
        (("starts", 1, "start", "first_token_s"), 1e308),
        (("warm", "runs", 3, "ttft_s"), -1e300),
        (("ttft_limit_s",), 1e17),
    ],
)
def test_a_number_that_nothing_measures_is_refused(
    where: tuple[str | int, ...], number: object, written: dict[str, Path]
) -> None:
    document = json.loads(written[".json"].read_text())
    within = document["study"]
    for key in where[:-1]:
        within = within[key]
    assert where[-1] in within
    within[where[-1]] = number
    written[".json"].write_text(json.dumps(document))
    with pytest.raises(Problem, match=r"not a study of the form .* a number in it"):
        files.differences(written[".json"])


def test_neither_hosts_nor_paths_nor_keys_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    study, _ = world(2)
    host = "gpuhost7"
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    args = ("--chat-template", "/home/anna/chat.jinja", "--api-key", "verysecretvalue")
    private = replace(
        study,
        server=replace(study.server, model="/data/models/acme-7b", args=args),
        endpoint=replace(study.endpoint, name="https://llm.acme.internal/v1#acme-7b"),
        not_measured=(*study.not_measured, replace(study.not_measured[0], reason=f"{host} said k")),
    )
    text = json.dumps(files.study_document(files.without_names(private, ("anothersecret",))))
    for word in ("anna", "acme", "verysecretvalue", "internal", "/data", host):
        assert word not in text, word
    assert files.without_names(study).starts == study.starts


def form() -> Any:
    """Return the JSON Schema of a study, without the descriptions, which may change at any time."""

    def without_descriptions(value: Any) -> Any:
        if isinstance(value, dict):
            named = {key: each for key, each in value.items() if key != "description"}
            return {key: without_descriptions(each) for key, each in named.items()}
        return [without_descriptions(each) for each in value] if isinstance(value, list) else value

    return without_descriptions(json.loads(json.dumps(msgspec.json.schema(Study))))


def test_the_form_of_the_document_is_the_published_one() -> None:
    """A change here is seen by everybody who reads studies: see docs/study.md on versions."""
    assert json.loads(SCHEMA_FILE.read_text()) == form(), (
        "the document has another form: write docs/study.schema.json again (make study-schema),"
        " and where an older reader would misread it give SCHEMA the next number"
    )
    jsonschema.validate(json.loads(json.dumps(plain(world(3)[0]))), form())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(form(), indent=1) + "\n")
