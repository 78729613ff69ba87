"""An exchange as a run: figures, cost, and what makes it doubtful."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backends.domain.ab.errors import decoded_json
from backends.domain.ab.provider_cost import provider_cost_of_headers
from backends.domain.ab.run import Run
from backends.domain.ab.server_times import ServerTimes, server_times, server_timing
from backends.domain.ab.timing import Timing, timing
from backends.domain.ab.tokens import Piece, without_thoughts_in_tags
from backends.domain.ab.usage import Usage, believable_input, read_usage
from backends.domain.prices.amounts import digits
from backends.domain.redaction import redacted
from backends.prober import problems
from backends.prober.audit import CLIENT_LIMITED, Audit
from backends.prober.clock import NS
from backends.prober.exchange import Asked, Trace
from backends.prober.protocol import Target

LONGEST_NAME = 200


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
    pieces = without_thoughts_in_tags(reader.pieces)
    usage = _believable(reader.usage, pieces, trace.request_bytes)
    usage = usage or _usage_of(bytes(exchange.reply.plain_body))
    output_tokens = usage.output_tokens if usage else None
    if exchange.error and pieces:
        output_tokens = pieces[-1].counted or output_tokens
    figures = timing(pieces, output_tokens)
    late_s = (trace.sent_ns - trace.planned_ns) / NS if trace.sent_ns else None
    text = "".join(piece.content for piece in pieces)
    fields = exchange.reply.head.fields if exchange.reply.head else {}
    provider_cost = reader.cost_usd
    if provider_cost is None:
        provider_cost = provider_cost_of_headers(fields)
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
        flags=_flags(figures, trace, refused_usage=_refused_usage(exchange)),
        error=_redacted(exchange.error, target),
        clock="kernel" if trace.reads and trace.from_kernel else "user",
        text=hidden(text, target),
        provider_cost_usd=digits(provider_cost),
        answered_model=_redacted(reader.model, target),
        answered_provider=_redacted(reader.provider or _provider_in(fields), target),
        server_times=reader.times or _times_in(fields),
    )


def _provider_in(fields: Mapping[str, str]) -> str | None:
    """The provider behind a gateway, as header fields name it: ``x-inference-provider``."""
    named = (value for name, value in fields.items() if name.endswith("-provider"))
    return next((value[:LONGEST_NAME] for value in named if value), None)


def _times_in(fields: Mapping[str, str]) -> ServerTimes | None:
    return server_times(fields, server_timing(fields.get("server-timing", "")))


def _refused_usage(exchange: Asked) -> bool:
    reader = exchange.reply.reader
    usage = reader.usage
    into = usage.input_tokens if usage else None
    hidden = into is not None and not believable_input(into, exchange.trace.request_bytes)
    return reader.refused_usage or hidden


def hidden(text: str, target: Target) -> str:
    """Return a text without the secrets of a target, or any piece of them."""
    for key in target.secrets:
        text = redacted(text, key)
    return text


def _redacted(text: str | None, target: Target) -> str | None:
    return None if text is None else hidden(text, target)


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


def _flags(figures: Timing, trace: Trace, *, refused_usage: bool) -> tuple[str, ...]:
    flags = list(figures.flags) if figures.ttft_s is not None else []
    if refused_usage:
        flags.append("usage_refused")
    if trace.reconnected:
        flags.append("reconnected")
    if Audit.marks(trace, figures.itl_s):
        flags.append(CLIENT_LIMITED)
    return tuple(flags)


def _believable(usage: Usage | None, pieces: Sequence[Piece], request_bytes: int) -> Usage | None:
    """A count of 0 beside text is a count that the server does not keep: unknown."""
    if usage is None:
        return None
    if usage.input_tokens is not None and not believable_input(usage.input_tokens, request_bytes):
        return None
    if usage.output_tokens or not any(piece.carries for piece in pieces):
        return usage
    return replace(usage, output_tokens=None)


def _usage_of(body: bytes) -> Usage | None:
    """The usage of a reply in one piece."""
    document = decoded_json(body.strip())
    read = read_usage(document.get("usage")) if isinstance(document, dict) else None
    return None if read is None or read.refused else read
