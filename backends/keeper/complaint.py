"""What a keeper says of itself, in ``keeper.log``, as nobody else may be there to hear it."""

import contextlib
import sys

from backends.domain.visible import visible


def complain(sentence: str) -> None:
    """Write one line; on a full disk it is lost, which must not end the keeper too."""
    with contextlib.suppress(OSError):
        print(visible(sentence), file=sys.stderr, flush=True)  # noqa: T201
