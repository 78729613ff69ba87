"""What a column's name says of its values: the vocabulary of traffic logs, not that of one vendor.

A name is split into words (``promptTokens``, ``prompt_tokens`` and ``Prompt tokens`` are one), and
the words decide: a side (prompt or completion) with a measure (tokens, length) is a count of
tokens, unless another word says that it is a price, a share, a limit or only a part of them.
"""

import re
from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal[
    "at",
    "end",
    "requests",
    "input",
    "output",
    "cached",
    "uncached",
    "written",
    "total",
    "status",
    "model",
]
"""What a column is of one row: its instant and the end of its interval; how many requests; their
tokens in and out; those of the input that came from a cache, that did not, and that were written to
one; input and output together; whether the request was served, and by which model."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ROLES: tuple[Role, ...] = get_args(Role)

MAPPED = (
    *("at", "end", "requests", "input", "output", "cached", "total", "status", "model"),
    *("conversation", "blocks"),
)
"""The roles that a mapping may name; the others are parts that only names tell."""

CONVERSATION = _set(
    "conversation session chat dialog dialogue thread conversationid sessionid chatid threadid"
)
BLOCKS = _set("hash hashes block blocks")
IDENTITY = _set("id ids uuid key kv prefix token")

INPUT = _set("input prompt context ctx in prefill sent eingabe")
OUTPUT = _set(
    "output completion generated generation gen out decode candidate candidates response resp "
    "answer received sampled res ausgabe"
)
ASKING = frozenset(("request", "query", "req"))
"""Words that mean the input beside ``tokens`` alone: a request's size is in bytes."""

MEASURE = _set("token tokens tok toks tkn tkns units")
LENGTH = _set("length len size count num number n")
REQUESTS = _set(
    "request requests call calls query queries invocation invocations hit hits count anfragen "
    "aufrufe"
)
CALLS = _set("requests calls queries invocations anfragen aufrufe")
COUNTING = _set(
    "request requests call calls query queries invocation invocations hit hits count num "
    "number n total model api successful success completed llm of anfragen aufrufe anzahl"
)

NO_COUNT = _set(
    "id ids hash hashes cost costs price usd spend per rate ratio percent share pct time ms "
    "sec second seconds latency duration max min limit budget avg average mean median p50 p90 "
    "p95 p99 text str string content type url name model key failed error errors bytes"
)
"""Words after which a number is no count of tokens."""

SENT = frozenset(("sent", "received"))
ANSWER = frozenset(("response", "answer", "res"))
BOTH = SENT | {"in", "out"}
"""Words of direction that a name of either side may hold."""

PART = _set(
    "audio image images video reasoning thinking accepted rejected prediction detail details "
    "modality tool text search cache caching cached read hit write creation created 1h 5m "
    "embedding draft"
)
"""Words of counts that are part of another count."""

CACHED = frozenset(["cached", "cache"])
WRITTEN = _set("write writes written creation created")

INSTANT = _set(
    "at timestamp ts time date datetime month day hour minute when created start started starting "
    "begin began arrival arrived arrive received msec iso8601 local bucket period interval "
    "utc unix nano epoch event log request submitted window generated usage s ms us ns millis "
    "micros nanos datum uhrzeit zeit zeitstempel zeitpunkt"
)
"""Words that the name of an instant may be made of."""

TELLING = _set(
    "at timestamp ts time date datetime month day hour minute when created start started starting "
    "begin began arrival arrived arrive received msec iso8601 bucket period datum zeit "
    "zeitstempel zeitpunkt"
)
"""Those of them of which a name needs one."""

NO_INSTANT = _set(
    "end ended ending finish finished complete completed completion duration latency elapsed "
    "updated expires expiry first last queue wait ttft tpot itl per response upstream "
    "processing process generation zone timezone offset seconds secs age to"
)
END = _set("end ended ending until to")
BEGINNINGS = (
    _set("start started starting begin began arrival arrived arrive received"),
    _set("timestamp ts at bucket datetime msec iso8601 nano zeitstempel zeitpunkt"),
    _set("time created when date month day hour period submitted datum zeit"),
)
"""Words of the instant at which a request came, the surest first."""

STATUS_NAMES = frozenset(
    ("status", "statuscode", "httpstatus", "responsestatus", "responsecode", "statuscodes")
)

MODEL_NAMES = frozenset(("model", "modelname", "modelid"))

MEANS = frozenset(("avg", "average", "mean"))
"""Words of a count that is the mean of the requests of its row."""

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+[a-z]*")
_ISO8601 = re.compile(r"iso_?8601", re.IGNORECASE)


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters, whatever stands between them."""
    plain = _ISO8601.sub(" iso ", name)
    return tuple("iso8601" if w == "iso" else w for w in map(str.lower, _WORD.findall(plain)))


def ranked(role: Role, names: Iterable[str]) -> list[str]:
    """Return the names that may have a role, the likeliest first."""
    found = [(rank, place, name) for place, name in enumerate(names) if (rank := _rank(role, name))]
    return [name for _, _, name in sorted(found)]


def _rank(role: Role, name: str) -> tuple[int, ...] | None:
    """Return how far a name is from saying a role, None where it does not say it."""
    parts = [part for part in name.split(".") if part.lower() != "value"] or [name]
    leaf, path = words(parts[-1]), words(name)
    if not leaf:
        return None
    if role == "at":
        return _instant(leaf, path)
    said, short = set(leaf), (len(leaf), len(parts))
    if role == "end":
        fits = bool(said & END) and said <= INSTANT | END
    elif role == "model":
        fits = "".join(leaf) in MODEL_NAMES
    elif role == "status":
        fits = "".join(leaf) in STATUS_NAMES
    elif role == "requests":
        fits = bool(said & REQUESTS) and leaf != ("request",) and not said & (PART | MEASURE)
        fits = fits and (said <= COUNTING or (leaf[-1] in CALLS and not said & NO_COUNT))
    elif said & NO_COUNT:
        fits = False
    elif role in {"input", "output"}:
        return _side(role, said, path, short)
    else:
        fits = _part(role, said, set(path))
    return short if fits else None


def _instant(leaf: tuple[str, ...], path: tuple[str, ...]) -> tuple[int, ...] | None:
    said = set(leaf)
    if not said & TELLING or said & NO_INSTANT:
        return None
    if not said <= INSTANT:  # of something; only what it holds can tell
        return (len(BEGINNINGS) + 1, len(path), len(leaf)) if leaf[-1] in TELLING else None
    best = next((n for n, group in enumerate(BEGINNINGS) if said & group), len(BEGINNINGS))
    return (best, len(path), len(leaf))


def may_be_relative(name: str) -> bool:
    """Return whether a small number under this name is an instant; elsewhere it is a duration."""
    said = set(words(name.rsplit(".", maxsplit=1)[-1]))
    return said == {"time"} or (said <= INSTANT and bool(said & (BEGINNINGS[0] | BEGINNINGS[1])))


def _part(role: Role, said: set[str], path: set[str]) -> bool:
    """Return whether a name says a part of the tokens, or their total."""
    if role == "cached":
        return bool(said & CACHED and path & MEASURE) and not said & (WRITTEN | OUTPUT)
    if role == "written":
        return bool(path & CACHED and path & WRITTEN and said & MEASURE)
    if role == "uncached":
        return "uncached" in said and bool(said & (MEASURE | INPUT))
    return "total" in said and bool(said & MEASURE) and said <= MEASURE | {"total"}


def _side(
    role: Role, said: set[str], path: tuple[str, ...], short: tuple[int, int]
) -> tuple[int, ...] | None:
    """Return the rank of a count of tokens: measured by its own name, by its path, or bare."""
    mine, other = (INPUT, OUTPUT) if role == "input" else (OUTPUT, INPUT)
    if role == "input" and said & MEASURE:
        mine = mine | ASKING
    if not said & mine or said & other - BOTH or said & PART or "uncached" in said:
        return None
    words_, depth = short
    if said & MEASURE:
        return (0, depth, words_)
    if said & SENT:
        return None
    if said & LENGTH and not said & ANSWER:
        return (1, depth, words_)
    if set(path) & (MEASURE | {"usage"}):
        return (2, depth, words_)
    return (3, depth, words_) if words_ == 1 else None


def conversation_in(names: Iterable[str]) -> str | None:
    """Return the name that tells which conversation a request belongs to, None where none does."""
    return _identity(CONVERSATION, names)


def blocks_in(names: Iterable[str]) -> str | None:
    """Return the name of the hashes of a prompt's blocks, None where there is none."""
    found = (n for n in names if {"hash", "hashes"} & set(words(n.rsplit(".", maxsplit=1)[-1])))
    return _identity(BLOCKS, found)


def _identity(of: frozenset[str], names: Iterable[str]) -> str | None:
    for name in names:
        said = set(words(name.rsplit(".", maxsplit=1)[-1]))
        if said & of and said <= of | IDENTITY:
            return name
    return None
