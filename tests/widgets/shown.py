"""A view as the plain text that a reader sees."""

from collections.abc import Callable, Sequence
from typing import Any

from textual.content import Content

Draw = Callable[[Any, int, int], Sequence[Content]]
NARROW = (34, 6)
"""What is left inside the box of a panel of 38 by 8."""


def shown(draw: Draw, view: Any, size: tuple[int, int] = NARROW) -> str:
    return "\n".join(line.plain for line in draw(view, *size))
