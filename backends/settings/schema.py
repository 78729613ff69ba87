"""The configuration as JSON Schema, for editors that check and complete TOML by one.

It knows the kind and the name of every key. What needs more than one key, or this host, only
``inferctl config check`` tells.
"""

from collections.abc import Mapping
from typing import Any, get_args

from backends.domain import values
from backends.domain.decision.scenario import KEYS
from backends.settings import kinds, request_kinds
from backends.settings.config import API
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
_COUNT: Schema = {"type": "integer", "minimum": 1}
_TABLE_OF_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}

OF_KIND: Mapping[Kind, Schema] = {
    values.text: _TEXT,
    values.truth: {"type": "boolean"},
    values.day: {"type": "string", "format": "date"},
    kinds.file: _TEXT | {"pattern": "^(/|~/)"},
    kinds.columns: _TEXT | {"pattern": "="},
    kinds.runtime: {"enum": [str(kind) for kind in kinds.STARTED]},
    kinds.network: {"enum": ["bridge", "host"]},
    kinds.mounts: _TEXTS,
    kinds.names: _TEXTS | {"minItems": 1},
    kinds.arguments: _TEXTS,
    kinds.port: {"type": "integer", "minimum": 1, "maximum": 65535},
    kinds.host: _TEXT,
    kinds.amount: {"type": "string", "pattern": f"^{kinds.PRICE_PATTERN}$"},
    kinds.seconds: {"type": "number", "exclusiveMinimum": 0},
    kinds.whole_seconds: {"type": "integer", "minimum": 0},
    kinds.count: _COUNT,
    kinds.billed_since: _TEXT,
    kinds.base_url: _TEXT | {"format": "uri"},
    kinds.address: _TEXT | {"format": "uri"},
    kinds.environment: _TABLE_OF_TEXTS,
    kinds.environment_name: _TEXT,
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
    },
    request_kinds.query: _TABLE_OF_TEXTS,
    request_kinds.extra_body: _TABLE,
    request_kinds.auth: _TEXT,
    request_kinds.api: {"enum": list(get_args(API))},
    request_kinds.provider: {"oneOf": [_TEXT, _TEXTS, _TABLE]},
    request_kinds.command: _TEXTS | {"minItems": 1},
}
"""What each kind of value is in JSON; a date of TOML is a string there."""


def config_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of ``config.toml``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "inferctl's config.toml",
        "type": "object",
        "properties": {
            "server": _named(SERVER_KEYS, "model"),
            "endpoint": _named(ENDPOINT_KEYS, "base_url", "model"),
            "limits": _table(LIMITS_KEYS),
            "billing": _table(BILLING_KEYS),
            "traffic": _table(TRAFFIC_KEYS),
            "agent": _table(AGENT_KEYS),
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


def _table(keys: Mapping[str, Kind], *required: str) -> Schema:
    return {
        "type": "object",
        "properties": {key: OF_KIND[kind] for key, kind in keys.items()},
        "required": list(required),
        "additionalProperties": False,
    }


def _named(keys: Mapping[str, Kind], *required: str) -> Schema:
    names = {"pattern": f"^{kinds.NAME_PATTERN}$"}
    table = _table(keys, *required)
    return {"type": "object", "propertyNames": names, "additionalProperties": table}
