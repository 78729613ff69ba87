"""Which lines of a server's log are only of inferctl's own reading of it."""

import re

_PROBE = re.compile(r'"GET /(?:health|metrics|v1/models)(?:\?\S*)? HTTP/\d(?:\.\d)?" 200')
"""What a server's log says of a probe that was answered; one that failed is worth reading."""


def is_own_probe(line: str) -> bool:
    """Return whether a line of a log says no more than that a probe was answered.

    The probes of others, such as a load balancer's, look the same.
    """
    return "GET /" in line and _PROBE.search(line) is not None
