"""When the tokens of a stream came: TTFT, inter-token latencies, end to end."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.domain.ab.tokens import Piece


@dataclass(frozen=True, slots=True)
class Timing:
    """The figures of one stream, in seconds from its send; see `Run` for their meaning."""

    ttft_s: float | None
    ttft_visible_s: float | None
    itl_s: tuple[float, ...]
    e2e_s: float | None
    flags: tuple[str, ...]


def timing(pieces: Sequence[Piece], output_tokens: int | None) -> Timing:
    """Return when the tokens of a stream came.

    Tokens are counted by the endpoint, never by chunks: by the count in every chunk where it sends
    one, else by `output_tokens` of the final usage shared among the chunks. Tokens that came
    together (one chunk, or chunks in one segment of the network) share the gap before them
    equally. Without any count there are no inter-token latencies.

    Flags: ``no_usage`` nothing was counted; ``tokens_shared_by_text`` chunks held several tokens
    and how many in each is estimated; ``more_chunks_than_tokens`` the count is below the number of
    chunks with text, so the tokens are spread evenly over time.
    """
    counts, flags = tokens_of(pieces, output_tokens)
    arrivals = [
        (piece.at_s, count)
        for piece, count in zip(pieces, counts, strict=True)
        if count or piece.carries
    ]
    if not arrivals:
        return Timing(None, None, (), None, flags)
    visible = next((piece.at_s for piece in pieces if piece.content), None)
    first, last = arrivals[0][0], arrivals[-1][0]
    if "more_chunks_than_tokens" in flags and output_tokens:
        later = output_tokens - 1
        itl = ((last - first) / later,) * later if later else ()
    elif "no_usage" in flags:
        itl = ()
    else:
        itl = _gaps(arrivals)
    return Timing(first, visible, itl, last, flags)


def tokens_of(
    pieces: Sequence[Piece], output_tokens: int | None
) -> tuple[list[int], tuple[str, ...]]:
    """Return how many tokens each piece brought, and what makes that doubtful."""
    counted = _by_count(pieces)
    if counted is not None:
        return counted, ()
    carrying = [index for index, piece in enumerate(pieces) if piece.carries]
    if not output_tokens:
        return [0] * len(pieces), ("no_usage",)
    # vLLM counts the end-of-sequence token, whose chunk has a finish reason and no text.
    ending = [i for i, piece in enumerate(pieces) if piece.ends and not piece.carries]
    if ending and output_tokens == len(carrying) + 1:
        carrying = [*carrying, ending[-1]]
    if output_tokens < len(carrying):
        return [0] * len(pieces), ("more_chunks_than_tokens",)
    shares = dict(zip(carrying, _shared(pieces, carrying, output_tokens), strict=True))
    flags = ("tokens_shared_by_text",) if output_tokens > len(carrying) else ()
    return [shares.get(index, 0) for index in range(len(pieces))], flags


def _by_count(pieces: Sequence[Piece]) -> list[int] | None:
    """The growth of the running count, None unless it is live.

    It is where every piece with text has a count, and that grows; tokens that become no text (the
    first byte of a letter, a special token) have a count all the same.
    """
    carrying = [piece for piece in pieces if piece.carries]
    counts = [piece.counted for piece in pieces if piece.counted]
    if not counts or any(not piece.counted for piece in carrying):
        return None
    if len(counts) > 1 and counts[0] == counts[-1]:
        return None
    so_far = 0
    growth = []
    for piece in pieces:
        counted = max(so_far, piece.counted or 0)
        growth.append(counted - so_far)
        so_far = counted
    return growth


def _shared(pieces: Sequence[Piece], carrying: Sequence[int], tokens: int) -> list[int]:
    """At least one token for each carrying piece, the rest by length of text."""
    if not carrying:
        return []
    lengths = [len(pieces[i].content) + len(pieces[i].reasoning) for i in carrying]
    rest, total = tokens - len(carrying), sum(lengths) or len(carrying)
    shares, given, seen = [], 0, 0
    for length in lengths:
        seen += length if sum(lengths) else 1
        upto = round(rest * seen / total)
        shares.append(1 + upto - given)
        given = upto
    return shares


def _gaps(arrivals: Sequence[tuple[float, int]]) -> tuple[float, ...]:
    """One latency for each token after the first arrival's; those that came together share it."""
    together: list[tuple[float, int]] = []
    for at_s, count in arrivals:
        if together and together[-1][0] == at_s:
            together[-1] = (at_s, together[-1][1] + count)
        elif count or not together:
            together.append((at_s, count))
    gaps: list[float] = []
    for (before_s, _), (at_s, count) in pairwise(together):
        gaps += [(at_s - before_s) / count] * count
    return tuple(gaps)
