"""The configuration as JSON Schema, for editors that check and complete TOML by one.

It knows the kind and the name of every key. What needs more than one key, or this host, only
``inferctl config check`` tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from backends.domain import values
from backends.domain.decision.scenario import KEYS
from backends.settings import kinds, request_kinds
from backends.settings.config import (
    API,
    AgentUse,
    Billing,
    Limits,
    Profile,
    RequestForm,
    TrafficSource,
)
from backends.settings.descriptions import DESCRIPTIONS
from backends.settings.plan import BELONGS_IN
from backends.settings.read import (
    AGENT_KEYS,
    BILLING_KEYS,
    ENDPOINT_KEYS,
    LIMITS_KEYS,
    SERVER_KEYS,
    TRAFFIC_KEYS,
    Kind,
)

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_TABLE: Schema = {"type": "object"}
_COUNT: Schema = {"type": "integer", "minimum": 1, "examples": [8]}
_TABLE_OF_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}

OF_KIND: Mapping[Kind, Schema] = {
    values.text: _TEXT,
    values.truth: {"type": "boolean"},
    values.day: {"type": "string", "format": "date", "examples": ["2026-11-21"]},
    kinds.file: _TEXT | {"pattern": "^(/|~/)", "examples": ["~/folder/file"]},
    kinds.columns: _TEXT | {"pattern": "=", "examples": ["at=when,input=prompt"]},
    kinds.runtime: {"enum": [str(kind) for kind in kinds.STARTED]},
    kinds.network: {"enum": ["bridge", "host"]},
    kinds.mounts: _TEXTS | {"examples": [["/data:/data:ro"]]},
    kinds.names: _TEXTS | {"minItems": 1, "examples": [["chat", "org/model"]]},
    kinds.arguments: _TEXTS | {"examples": [["--max-model-len", "32768"]]},
    kinds.port: {"type": "integer", "minimum": 1, "maximum": 65535, "examples": [8000]},
    kinds.host: _TEXT,
    kinds.amount: {"type": "string", "pattern": f"^{kinds.PRICE_PATTERN}$", "examples": ["0.50"]},
    kinds.seconds: {"type": "number", "exclusiveMinimum": 0, "examples": [1.0]},
    kinds.whole_seconds: {"type": "integer", "minimum": 0, "examples": [3600]},
    kinds.count: _COUNT,
    kinds.billed_since: _TEXT,
    kinds.base_url: _TEXT | {"format": "uri", "examples": ["https://inference.example/v1"]},
    kinds.address: _TEXT | {"format": "uri", "examples": ["http://127.0.0.1:9090"]},
    kinds.environment: _TABLE_OF_TEXTS | {"examples": [{"VLLM_LOGGING_LEVEL": "DEBUG"}]},
    kinds.environment_name: _TEXT | {"examples": ["INFERENCE_KEY"]},
    request_kinds.headers: {
        "type": "object",
        "additionalProperties": {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"env": _TEXT},
                    "required": ["env"],
                    "additionalProperties": False,
                },
            ]
        },
        "examples": [{"X-Tenant": "a", "X-Token": {"env": "TENANT_TOKEN"}}],
    },
    request_kinds.query: _TABLE_OF_TEXTS | {"examples": [{"api-version": "2024-10-21"}]},
    request_kinds.extra_body: _TABLE | {"examples": [{"seed": 7}]},
    request_kinds.auth: _TEXT,
    request_kinds.api: {"enum": list(get_args(API))},
    request_kinds.provider: {"oneOf": [_TEXT, _TEXTS, _TABLE], "examples": [["deepinfra"]]},
    request_kinds.command: _TEXTS
    | {"minItems": 1, "examples": [["gcloud", "auth", "print-access-token"]]},
}
"""What each kind of value is in JSON; a date of TOML is a string there."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the configuration.

    Attributes:
        keys: what each of its keys takes.
        defaults: the value without which a key goes, where it is neither empty nor unknown.
        required: the keys that it cannot do without.
        named: there may be several, each with a name, as ``[server.NAME]``.
    """

    keys: Mapping[str, Kind]
    defaults: Mapping[str, Any]
    required: tuple[str, ...] = ()
    named: bool = False


def _defaults(of: type[Any]) -> Mapping[str, Any]:
    found = {each.name: each.default for each in fields(of)}
    return {
        name: str(value) if isinstance(value, str) else value
        for name, value in found.items()
        if isinstance(value, str | int) and value != ""
    }


TABLES: Mapping[str, Table] = {
    "server": Table(SERVER_KEYS, _defaults(Profile), ("model",), named=True),
    "endpoint": Table(ENDPOINT_KEYS, _defaults(RequestForm), ("base_url", "model"), named=True),
    "limits": Table(LIMITS_KEYS, _defaults(Limits)),
    "billing": Table(BILLING_KEYS, _defaults(Billing)),
    "traffic": Table(TRAFFIC_KEYS, _defaults(TrafficSource)),
    "agent": Table(AGENT_KEYS, _defaults(AgentUse)),
}
"""The tables whose keys each take one kind of value."""


def config_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of ``config.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "inferctl's config.toml",
        "type": "object",
        "properties": {
            **{name: _table_schema(name) for name in TABLES},
            "plan": {
                "type": "object",
                "properties": {key: {} for key in KEYS if key not in BELONGS_IN},
                "additionalProperties": False,
            },
            "keys": _TABLE,
            "theme": _TEXT,
        },
        "additionalProperties": False,
    }


def key_schema(table: str, key: str) -> Schema:
    """Return the schema of one key, with what it is for and its default."""
    found, about = TABLES[table], {"description": DESCRIPTIONS[table][key]}
    default = {"default": found.defaults[key]} if key in found.defaults else {}
    return OF_KIND[found.keys[key]] | about | default


def _table_schema(name: str) -> Schema:
    table = TABLES[name]
    schema: Schema = {
        "type": "object",
        "properties": {key: key_schema(name, key) for key in table.keys},
        "required": list(table.required),
        "additionalProperties": False,
    }
    if not table.named:
        return schema
    names = {"pattern": f"^{kinds.NAME_PATTERN}$"}
    return {"type": "object", "propertyNames": names, "additionalProperties": schema}
