"""An exchange as a run: figures, cost, and what makes it doubtful."""

from collections.abc import Sequence
from dataclasses import replace

from backends.domain.ab.run import Run
from backends.domain.ab.timing import Timing, timing
from backends.domain.ab.tokens import Piece, Usage, decoded_json, read_usage
from backends.domain.redaction import redacted
from backends.prober import problems
from backends.prober.audit import CLIENT_LIMITED, Audit
from backends.prober.clock import NS
from backends.prober.exchange import Asked, Trace
from backends.prober.protocol import Target


def run_of(exchange: Asked, target: Target, index: int) -> Run:
    """Return what one exchange measured; with an error, what was received before it is kept.

    A reply of which no figures can be made is an error of this run, and of no other.
    """
    try:
        return _measured(exchange, target, index)
    except problems.FAULTS as error:
        return Run(target.name, index, error=problems.not_understood(error))


def _measured(exchange: Asked, target: Target, index: int) -> Run:
    reader, trace = exchange.reply.reader, exchange.trace
    usage = _believable(reader.usage, reader.pieces)
    usage = usage or _usage_of(bytes(exchange.reply.plain_body))
    output_tokens = usage.output_tokens if usage else None
    if exchange.error and reader.pieces:
        output_tokens = reader.pieces[-1].counted or output_tokens
    figures = timing(reader.pieces, output_tokens)
    late_s = (trace.sent_ns - trace.planned_ns) / NS if trace.sent_ns else None
    text = "".join(piece.content for piece in reader.pieces)
    return Run(
        target=target.name,
        index=index,
        ttft_s=figures.ttft_s,
        ttft_visible_s=figures.ttft_visible_s,
        itl_s=figures.itl_s,
        e2e_s=figures.e2e_s,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=output_tokens,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        finish_reason=_redacted(reader.finish_reason, target),
        connect=trace.connect,
        rtt_s=trace.rtt_s,
        planned_to_sent_s=late_s,
        cost_usd=cost_usd(target, usage, failed=bool(exchange.error)),
        flags=_flags(figures, trace),
        error=_redacted(exchange.error, target),
        clock="kernel" if trace.reads and trace.from_kernel else "user",
        text=redacted(text, target.api_key),
    )


def _redacted(text: str | None, target: Target) -> str | None:
    return None if text is None else redacted(text, target.api_key)


def cost_usd(target: Target, usage: Usage | None, *, failed: bool) -> str | None:
    """Return what a run costs at the target's prices, as decimal digits; None where unknown.

    Whether a request that failed without usage is charged at all is not known.
    """
    if usage is None and failed:
        return None
    counted = usage or Usage(None, None, None, None)
    cached = min(counted.cached_tokens or 0, counted.input_tokens or 0)
    cost = target.prices.cost(counted.input_tokens, counted.output_tokens, cached)
    return None if cost is None else format(cost.normalize(), "f")


def _flags(figures: Timing, trace: Trace) -> tuple[str, ...]:
    flags = list(figures.flags) if figures.ttft_s is not None else []
    if trace.reconnected:
        flags.append("reconnected")
    if Audit.marks(trace, figures.itl_s):
        flags.append(CLIENT_LIMITED)
    return tuple(flags)


def _believable(usage: Usage | None, pieces: Sequence[Piece]) -> Usage | None:
    """A count of 0 beside text is a count that the server does not keep: unknown."""
    if usage is None or usage.output_tokens or not any(piece.carries for piece in pieces):
        return usage
    return replace(usage, output_tokens=None)


def _usage_of(body: bytes) -> Usage | None:
    """The usage of a reply in one piece."""
    document = decoded_json(body.strip())
    return read_usage(document.get("usage")) if isinstance(document, dict) else None
