"""Names of the fields of a reply, taken apart, so that one rule knows every provider's spelling."""

import re
from functools import lru_cache

KNOWN_NAMES = 1024
"""So many names are kept taken apart, however many a reply has."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")


@lru_cache(KNOWN_NAMES)
def words(name: str) -> frozenset[str]:
    """Return the words of a name in any spelling: ``promptTokenCount``, ``prompt_token_count``."""
    return frozenset(_WORD.findall(_CAMEL.sub("_", name[:80]).lower()))
