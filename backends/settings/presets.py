"""What providers need, as it ships: one row each, with its source and date."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from backends.problem import NotFound

LEFT_OUT = "left_out"
ABOUT = ("title", "source", "as_of", "note")


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider.

    Attributes:
        values: the keys of its ``[endpoint.NAME]`` table, without the model.
        as_of: when `source` was read.
    """

    name: str
    title: str
    values: Mapping[str, Any]
    source: str
    as_of: date
    note: str = ""

    @property
    def comments(self) -> tuple[str, ...]:
        """What stands above a table that is made from it."""
        said = f"{self.title}, as {self.source} has it ({self.as_of})."
        return tuple(filter(None, (said, self.note)))

    @property
    def to_fill_in(self) -> tuple[str, ...]:
        """The words in capitals of its address, which are the user's own."""
        words = self.values["base_url"].replace("--", "/").replace(".", "/").replace("-", "/")
        found = (word for word in words.split("/") if word.isupper() and len(word) > 1)
        return tuple(dict.fromkeys(found))


@cache
def presets() -> Mapping[str, Preset]:
    """Return every preset that ships, by name."""
    return {
        name: Preset(
            name,
            row["title"],
            {key: value for key, value in row.items() if key not in ABOUT},
            row["source"],
            row["as_of"],
            row.get("note", ""),
        )
        for name, row in _shipped().items()
        if name != LEFT_OUT
    }


def left_out() -> Mapping[str, str]:
    """Return the providers without a preset, each with the reason."""
    found: Mapping[str, str] = _shipped()[LEFT_OUT]
    return found


def preset(name: str) -> Preset:
    """Return the preset of a name.

    Raises:
        NotFound: there is none; the message says which there are, or why not.
    """
    found = presets().get(name)
    if found is not None:
        return found
    if name in left_out():
        raise NotFound(f"there is no preset {name}: {left_out()[name]}; write its table by hand")
    near = get_close_matches(name, presets(), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(presets())}"
    raise NotFound(f"there is no preset {name}; {hint}")


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("presets.toml").read_text())
