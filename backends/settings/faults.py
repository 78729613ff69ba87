"""What is wrong with a configuration: the place, the fault and the remedy."""

from dataclasses import dataclass
from pathlib import Path

from backends.problem import UsageProblem


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration file.

    Attributes:
        key: the table or key as TOML writes it, ``server.big.port``; empty for the whole file.
        line: 1-based, None where it is not known.
        remedy: one sentence on what to write instead.
    """

    file: Path
    key: str
    line: int | None
    what: str
    remedy: str

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key} {self.what}" if self.key else self.what
        return f"{place}: {subject}; {self.remedy}"


class ConfigError(UsageProblem):
    """A configuration cannot be used; `faults` holds every fault, in the order of the file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        more = len(faults) - 1
        super().__init__(str(faults[0]) + (f" (and {more} more)" if more else ""))
