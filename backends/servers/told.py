"""What a journal tells of its server."""

from collections.abc import Iterable
from functools import reduce

from backends.domain.facts import ServerFact
from backends.domain.lifecycle import life_after, unborn
from backends.domain.server import Server


def server_told(name: str, facts: Iterable[ServerFact]) -> Server:
    """Return the server as its journal leaves it, alive or not; without facts it is stopped."""
    return reduce(life_after, facts, unborn(name)).server
