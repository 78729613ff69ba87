"""The state of an external server, from the process table alone."""

from collections.abc import Iterable
from dataclasses import replace

from backends.domain.lifecycle import Life
from backends.domain.server import Owner, Server, ServerState

ENDED = "it has ended; inferctl did not start it, so how it ended is not known"


def external_life(server: Server) -> Life:
    """Return the life of an external server as it was last listed."""
    return Life(server, note=server.address_reason)


def is_external(life: Life | None) -> bool:
    """Return whether a life is that of a server which inferctl only watches."""
    return life is not None and life.server.owner is Owner.EXTERNAL


def external_after(life: Life, listed: Iterable[Server]) -> Life:
    """Return an external server's life after all servers of the host were listed.

    A server that listened once and does so no longer, while its process lives, is unhealthy; one
    that is not listed has ended.
    """
    before = life.server
    # Two containers may each have a server on the same port; the process tells them apart.
    found = [each for each in listed if each.owner is Owner.EXTERNAL and each.name == before.name]
    now = next((each for each in found if each.pid == before.pid), next(iter(found), None))
    if now is None:
        gone = replace(before, state=ServerState.STOPPED, pid=None, phase=None, survivors=())
        return Life(gone, note=ENDED)
    listens = now.base_url is not None or now.state is ServerState.UNKNOWN
    if not listens and now.pid == before.pid and before.base_url is not None:
        deaf = replace(now, state=ServerState.UNHEALTHY, base_url=before.base_url)
        return Life(deaf, note=f"its process runs, but does not listen on port {now.port}")
    return external_life(now)
