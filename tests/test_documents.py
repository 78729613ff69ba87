"""README, ARCHITECTURE and their like name only files that exist and commands that parse."""

import re
import shlex
from pathlib import Path

import pytest

from console.cli.parser import build_parser

REPOSITORY = Path(__file__).parents[1]
BACKENDS = REPOSITORY / "backends"
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
QUOTED = re.compile(r"`((?:\w+/)+[\w.]*)`")
ROOMS = ("console", "widgets", "backends", "tests", "docs", "benchmarks", "domain", "operations",
         "servers", "metrics", "prices", "settings")  # fmt: skip
LINKED = re.compile(r"\]\((?!https?:)([^)#]+)")
COMMANDS = re.findall(
    r"^(?:\$ )?inferctl(.*)$", (REPOSITORY / "docs" / "verbs.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path) -> None:
    text = document.read_text()
    quoted = {place for place in QUOTED.findall(text) if place.split("/")[0] in ROOMS}
    missing = {place for place in quoted if "NAME" not in place and not is_there(place)}
    missing |= {place for place in LINKED.findall(text) if not (document.parent / place).exists()}
    assert missing == set()


def is_there(place: str) -> bool:
    """Tell whether a file, folder or module is there, by its path in the house or in backends."""
    paths = (root / f"{place}{end}" for root in (REPOSITORY, BACKENDS) for end in ("", ".py"))
    return any(path.exists() for path in paths)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_list_is_one(command: str) -> None:
    words = shlex.split(re.split(r" # | \|\| ", command)[0])
    assert build_parser().parse_args(words) is not None


def test_the_rooms_of_the_map_are_those_of_the_house() -> None:
    house = (REPOSITORY / "ARCHITECTURE.md").read_text().split("```")[1]
    named = set(re.findall(r"^ +(\w+)/ ", house, re.MULTILINE))
    rooms = {
        path.parent.name
        for path in (REPOSITORY / "backends").rglob("__init__.py")
        if path.parent.name != "backends"
    }
    rooms |= {path.parent.name for path in (REPOSITORY / "console").rglob("__init__.py")}
    assert rooms - named == {"console", "published"}


def test_the_glossary_explains_each_term_once() -> None:
    glossary = (REPOSITORY / "ARCHITECTURE.md").read_text().partition("## Glossary")[2]
    terms = re.findall(r"^\| ([\w, /-]+) \|", glossary.partition("###")[0], re.MULTILINE)
    assert len(terms) == len(set(terms)) > 40
