"""The serving panel's view."""

from backends.domain.server import SERVING
from backends.domain.session import Session
from widgets.serving_panel import ServingView


def serving_view(session: Session) -> ServingView:
    """Return the newest rates of the watched server, or why there are none."""
    return ServingView(
        serving=session.serving,
        reason="" if session.serving else _reason(session),
        output_tokens_per_s=session.output_rates,
        input_tokens_per_s=session.input_rates,
    )


def _reason(session: Session) -> str:
    if session.life is None or session.life.server.state not in SERVING:
        return "no server is ready"
    return session.failed_sources.get("metrics", "the first rate needs two readings of /metrics")
