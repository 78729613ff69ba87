"""The tables of the configuration as forms: each key with what it takes, as text and back."""

import shlex
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from backends.domain.values import Unfit
from backends.domain.vllm_arguments import options
from backends.host.files import read_file
from backends.settings import kinds
from backends.settings.config import Settings
from backends.settings.read import PRICE_KEYS, SERVER_PRICE_KEYS, Kind, parse_toml
from backends.settings.schema import TABLES, Schema, key_schema

if TYPE_CHECKING:
    from backends.settings.write import Keys, TomlValue

Shape = Literal["line", "choice", "words", "table"]
"""How a value is entered: one line, one of few, shell words, or lines of TOML."""

NAME = "name"
"""The field of a new table that names it."""

_NAME_SCHEMA: Schema = {"description": "name by which keys and verbs know it", "type": "string"}


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table.

    Attributes:
        schema: what it takes, what it is for and its default, as JSON Schema.
        kind: checks a value.
        required: the table cannot do without.
    """

    key: str
    schema: Schema
    kind: Kind
    required: bool = False

    @property
    def about(self) -> str:
        """What it is for."""
        return str(self.schema["description"])

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that there are, none where there are many."""
        return ("true", "false") if self._type == "boolean" else tuple(self.schema.get("enum", ()))

    @property
    def shape(self) -> Shape:
        """How it is entered."""
        shapes: dict[str, Shape] = {"array": "words", "object": "table"}
        return "choice" if self.choices else shapes.get(self._type, "line")

    @property
    def hint(self) -> str:
        """What an empty field says: the value it then has, or an example."""
        if "default" in self.schema:
            return f"default {self.shown(self.schema['default'])}"
        examples = [self.shown(each) for each in self.schema.get("examples", ())]
        need = "required" if self.required else ""
        return ", ".join(filter(None, (need, *(f"such as {each}" for each in examples))))

    @property
    def _type(self) -> str:
        return str(self.schema.get("type", ""))

    def shown(self, value: Any) -> str:
        """Return a value of TOML as it is entered here."""
        if isinstance(value, bool):
            return str(value).lower()
        if self.shape == "words" and isinstance(value, list):
            # One option a line, each with its values.
            return "\n".join(options(shlex.quote(str(word)) for word in value))
        if self.shape == "table" and isinstance(value, dict):
            lines = (f"{_key(name)} = {_in_toml(item)}" for name, item in value.items())
            return "\n".join(lines)
        return value if isinstance(value, str) else _in_toml(value)

    def taken(self, text: str) -> "TomlValue | None":
        """Return what a text gives, as TOML has it; None for an empty one.

        Raises:
            Unfit: the key takes no such value.
        """
        text = text.strip()
        if not text:
            if self.required:
                raise Unfit("is empty", "it cannot be left out")
            return None
        value: TomlValue = self._value(text)
        self.kind(value)
        return value

    def _value(self, text: str) -> Any:
        """Return the value that a text writes; what it does not fit stays text, for `kind`."""
        if self.shape == "words":
            return _words(text)
        if self.shape == "table":
            return _toml(text, 'write one a line, as NAME = "value"')
        if "oneOf" in self.schema and text[0] in "[{":
            return _toml(f"value = {text}", 'write for example ["a", "b"]')["value"]
        if self._type == "boolean":
            return text == "true"
        noun, readers = _READERS.get(self.schema.get("format", self._type), ("", ()))
        for read in readers:
            with suppress(ValueError):
                return read(text)
        if noun:
            raise Unfit(f"is {text!r}, which is not a {noun}", f"write it as {self._example}")
        return text

    @property
    def _example(self) -> str:
        return self.shown(self.schema.get("default") or self.schema["examples"][0])


_READERS: Mapping[str, tuple[str, tuple[Callable[[str], Any], ...]]] = {
    "integer": ("whole number", (int,)),
    "number": ("number", (int, float)),
    "date": ("date", (date.fromisoformat,)),
}


@dataclass(frozen=True, slots=True)
class Form:
    """Some keys of a table, to be filled in.

    Attributes:
        table: the keys that lead to it; without its name where `adds`.
        adds: the table is new, and its name is asked for.
    """

    title: str
    table: "Keys"
    fields: tuple[Field, ...]
    adds: bool = False


def forms(settings: Settings) -> Iterator[Form]:
    """Yield every form there is for a configuration."""
    servers = [each.name for each in settings.servers]
    endpoints = [each.name for each in settings.endpoints]
    for kind, title, names in (
        ("server", "server profile", servers),
        ("endpoint", "endpoint", endpoints),
    ):
        yield from (Form(f"Edit {title} {each}", (kind, each), _fields(kind)) for each in names)
        named = Field(NAME, _NAME_SCHEMA, lambda value: kinds.name(str(value)), required=True)
        yield Form(f"Add {title}", (kind,), (named, *_fields(kind)), adds=True)
    for kind, names, keys in (
        ("server", servers, SERVER_PRICE_KEYS),
        ("endpoint", endpoints, PRICE_KEYS),
    ):
        yield from (Form(f"Price of {each}", (kind, each), _fields(kind, keys)) for each in names)
    yield from (
        Form(title, (kind,), _fields(kind))
        for kind, title in (
            ("limits", "Latency limits"),
            ("billing", "Budget and billing"),
            ("traffic", "Source of past traffic"),
            ("agent", "Agent"),
        )
    )


def _fields(table: str, only: Collection[str] = ()) -> tuple[Field, ...]:
    found = TABLES[table]
    return tuple(
        Field(key, key_schema(table, key), kind, required=key in found.required)
        for key, kind in found.keys.items()
        if not only or key in only
    )


def values_at(table: "Keys", path: Path) -> Mapping[str, Any]:
    """Return the values of a table as they are written, none where there is none.

    Raises:
        ConfigError: the file is no TOML.
        OSError: it cannot be read.
    """
    try:
        level: Any = parse_toml(read_file(path).decode("utf-8", "replace"), path)
    except FileNotFoundError:
        return {}
    for name in table:
        level = level.get(name) if isinstance(level, dict) else None
    return level if isinstance(level, dict) else {}


def _key(name: str) -> str:
    import tomlkit  # noqa: PLC0415  0.6 MB, for forms with tables alone

    return tomlkit.key(name).as_string()


def _in_toml(value: Any) -> str:
    if isinstance(value, dict):
        items: Iterable[str] = (f"{_key(name)} = {_in_toml(item)}" for name, item in value.items())
        return f"{{ {', '.join(items)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_in_toml, value))}]"
    import tomlkit  # noqa: PLC0415  as above

    return str(tomlkit.item(value).as_string())


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Unfit("has a quotation mark without its other", "add it") from error


def _toml(text: str, remedy: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise Unfit("is not written as TOML writes it", remedy) from error
