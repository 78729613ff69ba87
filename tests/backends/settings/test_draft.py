"""A change of the configuration before it is written: what differs, what stays, who was quicker."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.settings.faults import ConfigError
from backends.settings.write import ChangedMeanwhile, draft, write_draft

WRITTEN = """\
# mine
theme = "nord"   # calm

[server.a]  # the first
model = "m"   # the small one
args = [
    "--max-model-len", "32768",  # fits beside the other
    # for the tests
    "--seed", "1",
]
environment = { A = "1", B = "2" }  # both

[endpoint.e]
base_url = "http://127.0.0.1:1/v1"
model = "m"

# the second
[server.b]
model = "m2"
port = 8001
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN)
    return path


@pytest.mark.parametrize(
    ("keys", "value", "difference"),
    [
        (
            ("server", "a", "args"),
            ["--max-model-len", "4096", "--seed", "1"],
            (
                '-     "--max-model-len", "32768",  # fits beside the other',
                '+     "--max-model-len", "4096",  # fits beside the other',
            ),
        ),
        (
            ("server", "a", "args"),
            ["--max-model-len", "32768", "--seed", "1", "--dtype", "half"],
            ('+     "--dtype", "half",',),
        ),
        (("server", "b", "port"), None, ("- port = 8001",)),
        (("server", "b", "args"), None, ()),
        (("limits", "ttft_p99_s"), 1.5, ("+ [limits]", "+ ttft_p99_s = 1.5")),
        (("theme",), "dracula", ('- theme = "nord"   # calm', '+ theme = "dracula"   # calm')),
    ],
)
def test_only_what_changes_differs(
    path: Path, keys: tuple[str, ...], value: Any, difference: tuple[str, ...]
) -> None:
    change = draft({keys: value}, path)
    assert change.difference == difference
    assert path.read_text() == WRITTEN
    write_draft(change)
    assert path.read_text() == change.after


def test_a_new_key_stands_above_what_belongs_to_the_next_table(path: Path) -> None:
    change = draft({("endpoint", "e", "price_as_of"): date(2026, 11, 1)}, path)
    above = 'model = "m"\n\n# the second\n'
    assert change.after == WRITTEN.replace(
        above, 'model = "m"\nprice_as_of = 2026-11-01\n\n# the second\n'
    )


def test_a_key_of_a_table_with_tables_stays_its_own(path: Path) -> None:
    path.write_text(f'{WRITTEN}\n[server.b.environment]  # its own\nA = "1"\n\n# end\n')
    change = draft({("server", "b", "served_name"): "b", ("server", "a", "port"): 8009}, path)
    assert change.difference == ("+ port = 8009", '+ served_name = "b"')


def test_a_table_of_texts_keeps_its_comment(path: Path) -> None:
    change = draft({("server", "a", "environment"): {"A": "2", "C": "3"}}, path)
    assert len(change.difference) == 2
    assert change.difference[1].endswith("# both")
    assert tomllib.loads(change.after)["server"]["a"]["environment"] == {"A": "2", "C": "3"}


def test_a_new_table_stands_below_all_others(path: Path) -> None:
    values: dict[tuple[str, ...], Any] = {
        ("server", "c", "model"): "m3",
        ("server", "c", "environment"): {"A": "1"},
        ("server", "c", "port"): 8002,
    }
    change = draft(values, path, adds=("server", "c"))
    assert change.after == (
        f'{WRITTEN}\n[server.c]\nmodel = "m3"\nenvironment = {{A = "1"}}\nport = 8002\n'
    )


def test_a_table_that_is_there_is_not_added(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"server\.a exists already"):
        draft({("server", "a", "model"): "m3"}, path, adds=("server", "a"))


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(path: Path) -> None:
    change = draft({("server", "b", "port"): 8002}, path)
    path.write_text(WRITTEN.replace("nord", "dracula"))
    with pytest.raises(ChangedMeanwhile, match="was changed meanwhile"):
        write_draft(change)
    assert path.read_text() == WRITTEN.replace("nord", "dracula")
    write_draft(draft({("server", "b", "port"): 8002}, path))
    assert path.read_text() == WRITTEN.replace("nord", "dracula").replace("8001", "8002")


def test_a_fault_is_found_before_anything_is_written(path: Path) -> None:
    with pytest.raises(ConfigError, match="not a TCP port"):
        draft({("server", "b", "port"): 0}, path)
    with pytest.raises(ConfigError, match="lacks model"):
        draft({("server", "b", "model"): None}, path)


WORDS = st.lists(st.sampled_from(["--a", "--b", "1", "2", "x y", '"']), max_size=6)
LAYOUTS = st.sampled_from([
    ("[", ", ", "]"),
    ("[\n    ", ",\n    ", ",\n]"),
    ("[ # c\n  ", ", # d\n  ", " # e\n]"),
    ("[\n  # f\n  ", " , ", ",  # g\n  # h\n]"),
])  # fmt: skip


@given(old=WORDS, new=WORDS, layout=LAYOUTS)
def test_any_list_becomes_any_other(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[str],
    new: list[str],
    layout: tuple[str, ...],
) -> None:
    first, between, last = layout
    items = between.join(f"'{word}'" for word in old)
    written = f'[server.a]\nmodel = "m"\nargs = {first}{items}{last if old else "]"}\n'
    path = tmp_path_factory.mktemp("draft") / "config.toml"
    if not old and "#" in first:
        written = '[server.a]\nmodel = "m"\nargs = [\n  # none\n]\n'
    path.write_text(written)
    change = draft({("server", "a", "args"): list(new)}, path)
    assert tomllib.loads(change.after)["server"]["a"]["args"] == new
