"""What can go wrong with a request, each as one line that says what to do about it."""

import re
import socket
import ssl
from http import HTTPStatus

from backends.domain.ab.errors import decoded_json, error_message, one_line, refusal
from backends.domain.ab.run import CANCELLED
from backends.domain.ab.token_limit import asks_too_many, most_tokens
from backends.prober.http import Head
from backends.prober.origin import Origin

UNREACHABLE = "the name of the endpoint has no address: check base_url"
NO_HTTP_1 = "the endpoint speaks HTTP/2 only: ask it through the openai client"
LONGEST_QUOTE = 300

FAULTS = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError),
    *(RecursionError, TypeError, ValueError),
)
"""What the understanding of a reply may raise, whatever it holds: an error of that run alone."""

FILTERED = re.compile(r"filter|safety|blocklist|prohibited|recitation|guardrail", re.IGNORECASE)
HTTP_STATUS = re.compile(r"HTTP (\d{3})\b")
# The same request fails in the same way until somebody changes it or the endpoint.
LASTING_STATUS = frozenset({400, 401, 403, 404, 405, 413, 422})
TOO_LONG_STATUS = (400, 413, 422)


def connecting(origin: Origin, error: OSError) -> str:
    """A TCP connection could not be made."""
    where = origin.authority
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused by {where}: nothing listens there; is the server started?"
    return f"cannot connect to {where}: {error.strerror}; check base_url and the network"


def name_lookup(origin: Origin, error: socket.gaierror) -> str:
    """The host's name has no address."""
    return f"cannot resolve the host name '{origin.host}' ({error.strerror}): check base_url or DNS"


def connect_timeout(origin: Origin, seconds: float) -> str:
    """Nobody answered the attempt to connect."""
    return (
        f"no connection to {origin.authority} within {seconds:g} s: check the address and whether"
        " a firewall drops the packets"
    )


def no_tunnel(proxy: Origin, said: str) -> str:
    """A proxy does not connect to the endpoint."""
    return (
        f"the proxy {proxy.authority} makes no way to the endpoint"
        f" ({one_line(said)[:LONGEST_QUOTE] or 'no HTTP'}): check HTTPS_PROXY and its user"
    )


def closed_early(origin: Origin) -> str:
    """The peer closed before the connection was ready."""
    return f"{origin.authority} closed the connection while it was being opened: http or https?"


def tls(origin: Origin, error: ssl.SSLError) -> str:
    """TLS failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {origin.host} is not trusted ({error.verify_message}): check the"
            " host name, or name your authority in SSL_CERT_FILE"
        )
    if error.reason == "TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
        return NO_HTTP_1
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return f"{origin.authority} does not speak TLS: use http:// in base_url, or another port"
    return f"TLS with {origin.authority} failed ({error.reason or error}): check base_url"


def broken(error: OSError) -> str:
    """An open connection broke."""
    return f"the connection broke ({error.strerror}): the server died or something cut it"


def status(head: Head, body: bytes, model: str) -> str:
    """The endpoint answered with something else than 200."""
    said = _said(body)
    code = head.status
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        where = head.fields.get("location", "nowhere")
        return f"HTTP {code}: the endpoint redirects to {where}; put the final address in base_url"
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        what = (
            "does not accept the API key" if code == HTTPStatus.UNAUTHORIZED else "refuses access"
        )
        return f"HTTP {code}: the endpoint {what}; check the key and its rights{said}"
    if code == HTTPStatus.NOT_FOUND:
        return (
            f"HTTP 404: no model '{model}' or no such path; compare with the endpoint's /models"
            f" and check that base_url ends in /v1{said}"
        )
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        after = head.fields.get("retry-after")
        when = (
            f"retry after {after} s" if after and after.isdigit() else f"retry {after or 'later'}"
        )
        return f"HTTP 429: the endpoint limits the rate; {when}{said}"
    named = f"HTTP {code} {head.reason or _phrase(code)}".rstrip()
    if code in TOO_LONG_STATUS and asks_too_many(said):
        most = most_tokens(said)
        limit = f"the {most:,} tokens that the endpoint takes" if most else "the endpoint takes"
        return (
            f"{named}: prompt and reply are longer than {limit}; shorten the prompt or lower"
            f" max_tokens{said}"
        )
    failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR
    what = "failed; see its log or status page" if failed else "refused the request"
    if code < HTTPStatus.MULTIPLE_CHOICES:
        what = "took the request and has no reply yet"
    return f"{named}: the endpoint {what}{said}"


def _phrase(code: int) -> str:
    """What a status means that came without a reason phrase, as HTTP/2's do."""
    return HTTPStatus(code).phrase if code in {*HTTPStatus} else ""


def may_pass(problem: str) -> bool:
    """Return whether the same request may succeed later, as while an endpoint wakes up."""
    found = HTTP_STATUS.match(problem)
    return found is None or int(found[1]) not in LASTING_STATUS


def not_streamed(head: Head, body: bytes) -> str:
    """The endpoint answered 200 with something else than a stream of events."""
    if head.content_type == "text/html" or body.lstrip()[:1] == b"<":
        return "the reply is a web page, not the API: check base_url, which usually ends in /v1"
    document = decoded_json(body.strip())
    if message := error_message(document):
        return f"the endpoint reported: {message[:LONGEST_QUOTE]}"
    if isinstance(document, dict):
        if "choices" in document:
            return (
                "the endpoint replied in one piece, not as a stream, so there is no TTFT to"
                ' measure: it must support "stream": true'
            )
        if isinstance(state := document.get("status"), str):
            return f"the endpoint answered with the status '{one_line(state)[:40]}', not a stream"
    kind = head.content_type or "no content type"
    return f"the reply is {kind}, not a stream of events: check base_url"


def not_understood(error: Exception) -> str:
    """The reply holds what nothing here was written for."""
    return (
        f"the reply cannot be understood ({type(error).__name__}): see what the endpoint sends"
        " with curl"
    )


def no_token(seconds: float) -> str:
    """The first token did not come in time."""
    return f"no token within {seconds:g} s: the server hangs, queues or starts; raise the limit"


def too_long(seconds: float) -> str:
    """The reply did not end in time."""
    return f"not finished within {seconds:g} s: lower max_tokens or raise the limit"


def cut(pieces: int, why: str | None) -> str:
    """The stream ended half way."""
    detail = f" ({why})" if why else ""
    if not pieces:
        return f"the connection was closed before any token{detail}: see the server's log"
    return f"the stream was cut after {pieces} chunks{detail}: see the server's log"


def cancelled(pieces: int) -> str:
    """The request was given up from this side."""
    if not pieces:
        return f"{CANCELLED} before any token"
    return f"{CANCELLED} after {pieces} chunk{'' if pieces == 1 else 's'}"


def through_client(error: Exception, *, proxied: bool) -> str:
    """A request that the ``openai`` client sent failed before a whole reply came."""
    cause = error.__cause__ or error
    said = one_line(str(cause))[:LONGEST_QUOTE] or type(cause).__name__
    if proxied:
        return f"the request through the proxy failed ({said}): check HTTPS_PROXY"
    return f"the request over HTTP/2 failed ({said}): check base_url and the server's log"


def waited_in_vain(problem: str, waited_s: float, delay_s: float) -> str:
    """An endpoint that was to answer later did not within the limit."""
    return (
        f"{problem[:LONGEST_QUOTE]}; waited {waited_s:.0f} s for it, and {delay_s:.0f} s more are"
        " beyond --timeout"
    )


def compressed(coding: str) -> str:
    """The reply is compressed in a way that cannot be read, and none was asked for."""
    return f"the reply is compressed ({coding}) though identity was asked for: turn that off"


def inflated(coding: str) -> str:
    """The reply is small only as long as it is compressed."""
    return f"the {coding} data of the reply grows without measure: it was not read any further"


def endless_event(most_bytes: int) -> str:
    """An event, or a comment, does not end."""
    return f"the stream has a line or an event of over {most_bytes // 1024} KiB: it was not read on"


def no_events(line: bytes) -> str:
    """The stream has lines that are no events, and no text besides."""
    said = one_line(line.decode("utf-8", "replace"))
    return (
        f"the stream has lines that are not server-sent events ('{said}'): correct the proxy or"
        " the server that writes them"
    )


def too_large(most_bytes: int) -> str:
    """The reply has more bytes than any that was asked for."""
    return f"the reply has over {most_bytes >> 20} MiB: lower max_tokens, or see what it sends"


def too_much_at_once(most_bytes: int) -> str:
    """All the replies under way take too much together."""
    return f"the replies under way have over {most_bytes >> 20} MiB together: ask for less at once"


def _said(body: bytes) -> str:
    message = refusal(body)
    return f" (it says: {message[:LONGEST_QUOTE]})" if message else ""


def held_back(finish_reason: str | None) -> str | None:
    """A filter ended the reply; None for any other end."""
    if finish_reason is None or not FILTERED.search(finish_reason):
        return None
    return (
        f"the endpoint's filter held the reply back (finish_reason {finish_reason!r}): choose"
        " another prompt"
    )
