"""A connection to DuckDB, where it is installed: little memory, and nothing is fetched."""

import tempfile
from importlib import import_module
from typing import Any

MEMORY_LIMIT = "200MB"
"""What the engine may hold; the process around it stays under twice that."""

THREADS = 2


class Connection:
    """One connection of the engine, with the package's error."""

    def __init__(self, package: Any) -> None:
        self.Error: type[Exception] = package.Error
        self._connection = package.connect(
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": MEMORY_LIMIT,
                "threads": THREADS,
                "preserve_insertion_order": False,
                "temp_directory": tempfile.gettempdir(),
            }
        )
        self._connection.execute("set TimeZone='UTC'")

    def execute(self, query: str) -> Any:
        """Return the result of a query."""
        return self._connection.execute(query)


def connected() -> Connection | None:
    """Return a connection of its own, None where the package is not installed."""
    try:
        return Connection(import_module("duckdb"))
    except ModuleNotFoundError:
        return None
