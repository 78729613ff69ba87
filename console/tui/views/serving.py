"""The serving panel's view."""

from dataclasses import replace

from backends.domain.advise.binding import BINDS, OF_THE_SERVER, binding_of
from backends.domain.server import SERVING
from backends.domain.session import Session
from widgets.serving_panel import ServingView


def serving_view(session: Session) -> ServingView:
    """Return the newest rates of the watched server, or why there are none."""
    serving, life = session.serving, session.life
    kept = life.server.request_errors if life else None
    if serving and kept and (kept.http_5xx or 0) > (serving.errors.http_5xx or 0):
        # The server's log told of more than its counters, which not every version has.
        serving = replace(serving, errors=replace(serving.errors, http_5xx=kept.http_5xx))
    return ServingView(
        serving=serving,
        reason="" if session.serving else _reason(session),
        output_tokens_per_s=session.output_rates,
        input_tokens_per_s=session.input_rates,
        requests_per_s=session.request_rates,
        kv_cache_shares=session.kv_cache_shares,
        binds=_binds(session),
    )


def _binds(session: Session) -> str:
    if not session.recent:
        return ""
    found = binding_of(session.recent).resource
    return BINDS[found] if found in OF_THE_SERVER else ""


def _reason(session: Session) -> str:
    if session.life is None or session.life.server.state not in SERVING:
        return "no server is ready"
    return session.failed_sources.get("metrics", "the first rate needs two readings of /metrics")
