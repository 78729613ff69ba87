"""Scenario files, TOML or JSON, the user's own and those that ship."""

import json
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from backends.domain.decision.scenario import BadScenario, Scenario, scenario_from
from backends.domain.values import NOT_JSON


def read_scenario(path: Path) -> Scenario:
    """Return the scenario of a TOML or JSON file.

    Raises:
        BadScenario: the file cannot be read; the message names file, key and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path}: cannot be read ({error}); check the path") from error
    return scenario_of(text, str(path), json_text=path.suffix.lower() == ".json")


def scenario_at(name: str) -> Scenario:
    """Return the scenario of a file, or the one of that name that ships.

    Raises:
        BadScenario: there is neither, or it cannot be read.
    """
    shipped = name.removesuffix(".toml")
    if shipped in shipped_scenarios() and not Path(name).exists():
        return shipped_scenario(shipped)
    return read_scenario(Path(name))


def scenario_of(text: str, place: str, *, json_text: bool) -> Scenario:
    """Return the scenario of a text; numbers keep the digits that are written.

    Raises:
        BadScenario: it is not TOML or JSON, or a key in it cannot be.
    """
    data: Any
    try:
        if json_text:
            data = json.loads(text, parse_float=Decimal)
        else:
            data = tomllib.loads(text, parse_float=Decimal)
    except NOT_JSON as error:  # TOML fails in the same ways
        kind = "JSON" if json_text else "TOML"
        raise BadScenario(f"{place}: no {kind}: {error}") from error
    if not isinstance(data, dict):
        raise BadScenario(f"{place}: write an object with the keys of a scenario")
    return scenario_from(data, place)


def shipped_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that ship, without their suffix."""
    names = (item.name for item in files("backends.scenarios").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def shipped_scenario(name: str) -> Scenario:
    """Return a scenario that ships.

    Raises:
        BadScenario: none has this name.
    """
    if name not in shipped_scenarios():
        known = ", ".join(shipped_scenarios())
        raise BadScenario(f'no scenario "{name}" ships; known are {known}')
    text = files("backends.scenarios").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return scenario_of(text, f"{name}.toml", json_text=False)
