"""What an examination of the host says of one thing."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is one sentence, empty where all is well."""

    name: str
    state: Literal["ok", "warn", "fail"]
    what: str
    remedy: str = ""
