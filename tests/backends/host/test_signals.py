"""Signals leave through one door, which asks for more than a pid."""

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
SENDS = {"kill", "killpg", "pidfd_send_signal", "terminate", "send_signal", "tgkill"}


def _senders(folder: str) -> Iterator[str]:
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        if path.is_relative_to(REPOSITORY / "backends" / "simulated"):
            continue  # programs of their own, which end their own children
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in SENDS:
                yield f"{path.relative_to(REPOSITORY)}: {node.attr}"


def test_one_function_sends_every_signal() -> None:
    found = [each for folder in ("backends", "console", "widgets") for each in _senders(folder)]
    assert found == ["backends/host/processes.py: pidfd_send_signal"]
