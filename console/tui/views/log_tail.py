"""The view of the log that stands beside a start."""

from backends.domain.external import is_external
from backends.domain.lifecycle import failure_of
from backends.domain.own_requests import is_own_probe
from backends.domain.session import Session
from backends.operations.context import Context
from widgets.log_tail import LogTailView


def log_tail_view(session: Session, context: Context) -> LogTailView:
    """Return the newest lines of the watched server's log, or those from a failure's root line."""
    life = session.life
    if context.replayed:
        return LogTailView(reason="a recording holds no log")
    if life is None or (is_external(life) and life.no_log):
        return LogTailView(reason=life.no_log if life else "")
    failure = failure_of(life)
    lines = context.log_tail
    if failure is not None and failure.line:
        root = max((at for at, text in enumerate(lines) if failure.line in text), default=None)
        if root is not None:
            return LogTailView(lines[root:], from_first=True, first_number=failure.line_number)
    return LogTailView(tuple(text for text in lines if text.strip() and not is_own_probe(text)))
