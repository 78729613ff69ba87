"""What would be lost where a server is stopped, in the words of the dialog and of the verb."""

from backends.domain.server import Server, ServerState
from backends.domain.session import METRICS, Session
from backends.metrics.scrape import MetricsUnavailable, scrape


def lost_in_session(session: Session, server: Server) -> str:
    """Return what stopping the watched server costs its users, by its newest counters."""
    if session.serving is None or METRICS in session.failed_sources:
        return lost_by_stop(server, None, None)
    return lost_by_stop(server, session.serving.requests_running, session.serving.requests_waiting)


def lost_now(server: Server) -> str:
    """Return the same from one look at the server's counters; blocks for as long as that takes."""
    if server.base_url is None:
        return lost_by_stop(server, None, None)
    try:
        counters = scrape(server.base_url)
    except MetricsUnavailable:
        return lost_by_stop(server, None, None)
    return lost_by_stop(server, counters.requests_running, counters.requests_waiting)


def lost_by_stop(server: Server, running: float | None, waiting: float | None) -> str:
    """Return what a stop cuts short, given the requests that run and wait; None is unknown."""
    if server.state is ServerState.STARTING:
        return "it is starting, and that start is lost"
    if running is None:
        return "how many requests are running is unknown; unfinished requests are cut off"
    queued = "" if waiting is None else f", {waiting:.0f} waiting"
    requests = f"{running:.0f} request{'' if running == 1 else 's'} running{queued}"
    return f"{requests}; unfinished requests are cut off" if running or waiting else requests
