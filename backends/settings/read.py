"""Reads the configuration: every fault at once, each with its place and remedy."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from backends.domain import values
from backends.domain.decision.scenario import KEYS, Scenario
from backends.domain.server import RuntimeKind
from backends.domain.values import Unfit
from backends.host.files import read_file
from backends.settings import kinds, request_kinds
from backends.settings.config import (
    AgentUse,
    Billing,
    Endpoint,
    KeySource,
    Limits,
    Profile,
    RequestForm,
    Settings,
    TokenPrices,
    TrafficSource,
)
from backends.settings.faults import ConfigError, Fault
from backends.settings.paths import config_file
from backends.settings.places import line_of
from backends.settings.plan import read_plan

Kind = Callable[[object], object]
Values = dict[str, Any]

SERVER_PRICE_KEYS: Mapping[str, Kind] = {
    "gpu_usd_per_hour": kinds.amount,
    "gpu_price_as_of": values.day,
}
SERVER_KEYS: Mapping[str, Kind] = {
    "model": values.text,
    "vllm": values.text,
    "args": kinds.arguments,
    "port": kinds.port,
    "host": kinds.host,
    **SERVER_PRICE_KEYS,
    "environment": kinds.environment,
    "api_key_env": kinds.environment_name,
    "served_name": values.text,
    "runtime": kinds.runtime,
    "image": values.text,
    "mounts": kinds.mounts,
    "network": kinds.network,
    "container": values.text,
    "unit": values.text,
}
PRICE_KEYS: Mapping[str, Kind] = {
    "input_usd_per_mtok": kinds.amount,
    "output_usd_per_mtok": kinds.amount,
    "cached_input_usd_per_mtok": kinds.amount,
    "usd_per_request": kinds.amount,
    "fee_percent": kinds.amount,
    "price_as_of": values.day,
}
KEY_SOURCES: Mapping[str, Kind] = {
    "api_key_env": kinds.environment_name,
    "api_key_file": kinds.file,
    "api_key_keyring": values.text,
    "api_key_command": request_kinds.command,
}
FORM_KEYS: Mapping[str, Kind] = {
    "headers": request_kinds.headers,
    "query": request_kinds.query,
    "extra_body": request_kinds.extra_body,
    "auth": request_kinds.auth,
    "api": request_kinds.api,
    "reasoning_effort": values.text,
    "provider": request_kinds.provider,
}
ENDPOINT_KEYS: Mapping[str, Kind] = {
    "base_url": kinds.base_url,
    "model": values.text,
    "serves": kinds.names,
    **KEY_SOURCES,
    **FORM_KEYS,
    **PRICE_KEYS,
}
LIMITS_KEYS: Mapping[str, Kind] = {"ttft_p99_s": kinds.seconds, "itl_p99_s": kinds.seconds}
BILLING_KEYS: Mapping[str, Kind] = {
    "granularity_s": kinds.whole_seconds,
    "min_charge_s": kinds.whole_seconds,
    "since": kinds.billed_since,
    "budget_usd_per_day": kinds.amount,
    "gpus": kinds.count,
    "switching_usd": kinds.amount,
}
TRAFFIC_KEYS: Mapping[str, Kind] = {
    "prometheus": kinds.address,
    "days": kinds.count,
    "file": kinds.file,
    "map": kinds.columns,
    "model": values.text,
}
AGENT_KEYS: Mapping[str, Kind] = {"enabled": values.truth, "always": values.truth}
NEEDED_BY = {
    RuntimeKind.DOCKER: "image",
    RuntimeKind.PODMAN: "image",
    RuntimeKind.EXEC: "container",
    RuntimeKind.SYSTEMD: "unit",
}
_OF_A_CONTAINER = ("image", "mounts", "network")
MEANT_FOR: Mapping[RuntimeKind, tuple[str, ...]] = {
    RuntimeKind.DOCKER: _OF_A_CONTAINER,
    RuntimeKind.PODMAN: _OF_A_CONTAINER,
    RuntimeKind.EXEC: ("container",),
    RuntimeKind.SYSTEMD: ("unit",),
    RuntimeKind.PROCESS: (),
}
FEW = 20
"""More keys than this are no help in a sentence."""

TOP_KEYS = (
    "server",
    "endpoint",
    "limits",
    "billing",
    "traffic",
    "agent",
    "plan",
    "keys",
    "theme",
)


def read_settings(path: Path | None = None) -> Settings:
    """Return the configuration at `path`, by default the user's; the defaults if there is no file.

    Raises:
        ConfigError: the file cannot be read or has faults.
    """
    path = path or config_file()
    try:
        toml = read_file(path).decode()
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError as error:
        fault = Fault(path, "", None, "is not UTF-8 text", "save it as UTF-8")
        raise ConfigError((fault,)) from error
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        fault = Fault(path, "", None, what, "make it a file that you may read")
        raise ConfigError((fault,)) from error
    return parse_settings(toml, path)


def parse_settings(toml: str, path: Path) -> Settings:
    """Return the configuration that a text holds; `path` is only named in faults.

    Raises:
        ConfigError: the text is no TOML or has faults.
    """
    reader = _Reader(path, toml)
    document = parse_toml(toml, path)
    reader.known((), document, TOP_KEYS)
    settings = Settings(
        servers=reader.servers(document),
        endpoints=reader.endpoints(document),
        limits=Limits(**reader.values(("limits",), document.get("limits", {}), LIMITS_KEYS)),
        billing=_billing(reader, document),
        traffic=_traffic(reader, document),
        agent=AgentUse(**reader.values(("agent",), document.get("agent", {}), AGENT_KEYS)),
        plan=_plan(reader, document),
        keys=reader.bindings(document),
        theme=reader.value(("theme",), document["theme"], values.text)
        if "theme" in document
        else None,
    )
    if reader.faults:
        raise ConfigError(tuple(sorted(reader.faults, key=lambda fault: fault.line or 0)))
    return settings


def parse_toml(toml: str, path: Path) -> dict[str, Any]:
    """Return what a text holds, whether or not it is a configuration.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        return tomllib.loads(toml)
    except RecursionError as error:
        fault = Fault(path, "", None, "is nested too deeply", "use plain tables")
        raise ConfigError((fault,)) from error
    except ValueError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(place.group(1)) if place else len(toml.splitlines())
        column = f" at column {place.group(2)}" if place else ""
        reason = re.sub(r"\s*\(at .*\)$", "", str(error))
        what = f"is not valid TOML{column}: {reason}"
        remedy = "correct that line (text needs double quotes, tables [brackets])"
        raise ConfigError((Fault(path, "", line, what, remedy),)) from error


def _billing(reader: "_Reader", document: Values) -> Billing:
    return Billing(**reader.values(("billing",), document.get("billing", {}), BILLING_KEYS))


def _traffic(reader: "_Reader", document: Values) -> TrafficSource:
    values = reader.values(("traffic",), document.get("traffic", {}), TRAFFIC_KEYS)
    if "prometheus" in values and "file" in values:
        reader.fault(("traffic", "file"), "and prometheus are both set", "keep one of them")
    file = values.pop("file", None)
    return TrafficSource(**values, files=(file,) if file else ())


def _plan(reader: "_Reader", document: Values) -> Scenario:
    if "plan" not in document:
        return Scenario()
    # As in a scenario file, a number keeps the digits that are written.
    table = tomllib.loads(reader.toml, parse_float=Decimal)["plan"]
    if isinstance(table, dict):
        reader.known(("plan",), table, KEYS)
    read = read_plan(table)
    for fault in read.faults:
        reader.fault(("plan", *fault.key), fault.what, fault.remedy)
    return read.plan


@dataclass(slots=True)
class _Reader:
    """Collects the faults of one text, so that all are told together."""

    path: Path
    toml: str
    faults: list[Fault] = field(default_factory=list)

    def servers(self, document: Values) -> tuple[Profile, ...]:
        profiles = []
        for name, table in self.tables("server", document):
            values = self.values(("server", name), table, SERVER_KEYS, required=("model",))
            self.runtime(("server", name), values)
            if "model" in values:
                profiles.append(Profile(name=name, **values))
        return tuple(profiles)

    def runtime(self, place: tuple[str, ...], values: Values) -> None:
        """Find what a server's runtime lacks, and what has no meaning for it."""
        kind = values.get("runtime", RuntimeKind.PROCESS)
        needed = NEEDED_BY.get(kind, "")
        if needed and needed not in values:
            self.fault(place, f"lacks {needed}", f'add the line: {needed} = "…"')
        for key in ("image", "container", "mounts", "network", "unit"):
            if key in values and key not in MEANT_FOR[kind]:
                fitting = next(one for one, keys in MEANT_FOR.items() if key in keys)
                remedy = f'remove it, or add the line: runtime = "{fitting}"'
                self.fault((*place, key), f"means nothing for a {kind}", remedy)

    def endpoints(self, document: Values) -> tuple[Endpoint, ...]:
        endpoints = []
        servers = document.get("server")
        for name, table in self.tables("endpoint", document):
            place = ("endpoint", name)
            values = self.values(place, table, ENDPOINT_KEYS, required=("base_url", "model"))
            if isinstance(servers, dict) and name in servers:
                self.fault(place, "has the name of a server", "give one of the two another name")
            key = self.key_source(place, values)
            prices = {
                kind.removeprefix("price_"): values[kind] for kind in PRICE_KEYS & values.keys()
            }
            form = RequestForm(**{name: values[name] for name in FORM_KEYS & values.keys()})
            if {"base_url", "model"} <= values.keys():
                url, model = values["base_url"], values["model"]
                serves = values.get("serves", ())
                prices_of = TokenPrices(**prices)
                endpoints.append(Endpoint(name, url, model, key, prices_of, form, serves))
        return tuple(endpoints)

    def key_source(self, place: tuple[str, ...], values: Values) -> KeySource | None:
        given = [key for key in KEY_SOURCES if key in values]
        if len(given) > 1:
            self.fault((*place, given[1]), f"and {given[0]} are both set", "keep one of them")
        if not given:
            return None
        kind: Any = given[0].removeprefix("api_key_")
        value = values[given[0]]
        return KeySource(kind, value[0], value) if kind == "command" else KeySource(kind, value)

    def bindings(self, document: Values) -> tuple[tuple[str, str], ...]:
        """Take ``[keys]``, where ``server.start = "s"`` may be written with or without quotes."""
        table = document.get("keys", {})
        if not isinstance(table, dict):
            self.fault(("keys",), "is not a table", "write [keys] on a line of its own")
            return ()
        bindings: list[tuple[str, str]] = []
        levels: list[tuple[tuple[str, ...], Values]] = [((), table)]
        while levels:
            prefix, level = levels.pop()
            for key, value in level.items():
                if isinstance(value, dict):
                    levels.append(((*prefix, key), value))
                elif (
                    names := self.value(("keys", *prefix, key), value, kinds.key_names)
                ) is not None:
                    bindings.append((".".join((*prefix, key)), names))
        return tuple(bindings)

    def tables(self, kind: str, document: Values) -> list[tuple[str, object]]:
        table = document.get(kind, {})
        if not isinstance(table, dict):
            self.fault((kind,), "is not a table", f"write [{kind}.NAME] on a line of its own")
            return []
        for name, content in table.items():
            if isinstance(content, dict):
                try:
                    kinds.name(name)
                except Unfit as error:
                    self.fault((kind, name), error.what, error.remedy)
        return list(table.items())

    def values(
        self,
        place: tuple[str, ...],
        table: object,
        keys: Mapping[str, Kind],
        required: tuple[str, ...] = (),
    ) -> Values:
        """Return the values of a table that fit; the others become faults."""
        if not isinstance(table, dict):
            header = ".".join(place) if len(place) == 1 else f"{place[0]}.NAME"
            self.fault(place, "is not a table", f"write [{header}] and the key below it")
            return {}
        self.known(place, table, tuple(keys))
        mistyped = {
            near for key in table.keys() - set(keys) for near in get_close_matches(key, keys, n=1)
        }
        for key in required:
            if key not in table and key not in mistyped:
                self.fault(place, f"lacks {key}", f'add the line: {key} = "…"')
        values = {
            key: self.value((*place, key), table[key], kind)
            for key, kind in keys.items()
            if key in table
        }
        return {key: value for key, value in values.items() if value is not None}

    def value(self, place: tuple[str, ...], value: object, kind: Kind) -> Any:
        try:
            return kind(value)
        except Unfit as error:
            self.fault(place, error.what, error.remedy)
            return None

    def known(self, place: tuple[str, ...], table: Values, keys: tuple[str, ...]) -> None:
        for key in table.keys() - set(keys):
            if kinds.SECRET_NAME.search(key):
                self.fault(
                    (*place, key),
                    "is a secret in the configuration",
                    f"remove it, keep it in an environment variable and write {_source(place)}",
                )
                continue
            near = get_close_matches(key, keys, n=1)
            known = f"known here: {', '.join(keys)}" if len(keys) <= FEW else "remove it"
            remedy = f"did you mean {near[0]}?" if near else known
            self.fault((*place, key), "is unknown", remedy)

    def fault(self, place: tuple[str, ...], what: str, remedy: str) -> None:
        line = line_of(self.toml, place)
        self.faults.append(Fault(self.path, ".".join(place), line, what, remedy))


def _source(place: tuple[str, ...]) -> str:
    return f'api_key_env = "NAME" in [{".".join(place) or "endpoint.NAME"}]'
