"""Retired words stay out of names and of text that people see; ARCHITECTURE.md lists them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("console", "widgets", "backends")
HEADING = "### Retired words"

ALLOWED_TEXT = {
    ("backends/domain/ab/cold.py", "lies"): "a value lies beyond a quartile: statistics' own word",
    ("backends/history/schema.py", "lane"): "a migration names the columns it renames",
    ("backends/history/schema.py", "lanes"): "a migration names the columns it renames",
    ("backends/history/schema.py", "hunt"): "a migration names the columns it renames",
    ("backends/history/schema.py", "coldhunt"): "a migration names the rows it renames",
    ("backends/operations/load_test.py", "desk"): "sent to the model: a story about an office",
    ("backends/prober/prompts.py", "desk"): "sent to the model: a support desk",
}
"""Text that may hold a retired word, by file and word, and why."""

STORED = {
    "unwatched": "the meter's stored name of time without data, and its key in `cost --json`",
    "api_equivalent": "a key of `cost --json` and a kind of `cost --csv`",
    "told": "a key of `coldstart --json`",
    "foreign": "a field of the scenario",
}
"""Values that are a retired word and nothing else, which others may rely on, and why."""

PENDING_NAMES: dict[str, str] = {}
"""Names that are still to be changed, wherever they stand, with the area they belong to."""

PENDING_TEXT = {
    ("backends/prober/cold_probe_runs.py", "coldhunts"): "where an earlier version kept probes",
    ("backends/prober/cold_probe_runs.py", "hunter"): "the lock file of an earlier version",
    ("backends/prober/cold_probe_runs.py", "hunt"): "a key that an earlier version wrote",
}
"""Text that is still to be changed, by file and word, with the area it belongs to."""


@dataclass(frozen=True)
class Found:
    """One retired word where it must not be.

    Attributes:
        name: the dotted name that holds it, empty where a text does.
        text: the text that holds it, empty where a name does.
    """

    file: str
    line: int
    name: str
    word: str
    text: str = ""


def retired(scope: str) -> re.Pattern[str]:
    """Return what finds the retired words of one column, `names` or `text`."""
    table = (REPOSITORY / "ARCHITECTURE.md").read_text().partition(HEADING)[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    words = [
        word.replace("*", "[a-z]*")
        for old, _, where in rows
        if scope in where
        for word in re.findall(r"`([^`]+)`", old)
    ]
    assert len(words) > 10
    return re.compile(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])", re.IGNORECASE)


def spoken(name: str) -> str:
    """Return the words of a name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")


def public_names(body: list[ast.stmt], prefix: str) -> Iterator[tuple[int, str]]:
    """Yield classes, functions, methods, fields and constants that do not begin with ``_``."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Assign():
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                continue
        public = [name for name in names if not name.startswith("_")]
        yield from ((node.lineno, f"{prefix}{name}") for name in public)
        if isinstance(node, ast.ClassDef) and public:
            yield from public_names(node.body, f"{prefix}{node.name}.")


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every string that is no docstring, the parts of f-strings included."""
    docstrings = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield node.lineno, text


@cache
def sources() -> dict[str, ast.Module]:
    """Return every source file's tree by its path in the repository."""
    paths = (path for room in ROOMS for path in sorted((REPOSITORY / room).rglob("*.py")))
    return {str(path.relative_to(REPOSITORY)): ast.parse(path.read_text()) for path in paths}


@cache
def names_with_retired_words() -> list[Found]:
    pattern = retired("names")
    return [
        Found(file, line, name, hit.group().lower())
        for file, tree in sources().items()
        for line, name in [(1, Path(file).stem), *public_names(tree.body, "")]
        for hit in pattern.finditer(spoken(name.rpartition(".")[2]))
    ]


@cache
def texts_with_retired_words() -> list[Found]:
    pattern = retired("text")
    return [
        Found(file, line, "", hit.group().lower(), text.strip()[:100])
        for file, tree in sources().items()
        for line, text in texts(tree)
        if text not in STORED
        for hit in pattern.finditer(text.replace("_", " "))
    ]


def test_no_public_name_holds_a_retired_word() -> None:
    found = [each for each in names_with_retired_words() if each.name not in PENDING_NAMES]
    assert found == []


def test_no_text_for_people_holds_a_retired_word() -> None:
    excused = ALLOWED_TEXT.keys() | PENDING_TEXT.keys()
    found = [each for each in texts_with_retired_words() if (each.file, each.word) not in excused]
    assert found == []


def test_no_document_holds_a_retired_word() -> None:
    """But the changelog, which says what a thing was called, and whatever is quoted as code."""
    pattern = retired("text")
    paths = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    prose = {
        path.name: re.sub(
            r"```.*?```|`[^`]*`", "", path.read_text().partition(HEADING)[0], flags=re.DOTALL
        )
        for path in paths
        if path.name != "CHANGELOG.md"
    }
    assert {
        name: pattern.findall(text) for name, text in prose.items() if pattern.search(text)
    } == {}


def test_nothing_is_excused_that_is_not_there() -> None:
    names = {each.name for each in names_with_retired_words()}
    held = {(each.file, each.word) for each in texts_with_retired_words()}
    assert PENDING_NAMES.keys() - names == set()
    assert (ALLOWED_TEXT.keys() | PENDING_TEXT.keys()) - held == set()
    assert STORED.keys() - {text for tree in sources().values() for _, text in texts(tree)} == set()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hunted endpoints", "hunted"),
        ("LaneState", "lane"),
        ("save_books", "books"),
        ("_TOLD", "told"),
        ("It goes on where it stood.", "goes on where it stood"),
        ("a plane, a trace, a booking", ""),
    ],
)
def test_words_are_found_whole_and_in_any_name(text: str, word: str) -> None:
    hit = retired("text").search(spoken(text))
    assert (hit.group().lower() if hit else "") == word
