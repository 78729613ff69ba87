"""One endpoint as the prober uses it: its connections, and the fields it does not take."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from backends.domain.ab.errors import decoded_json, named_fields
from backends.domain.ab.token_limit import asks_too_many
from backends.prober.body import refused_field, request_body, without_refused
from backends.prober.exchange import Asked, Exchange
from backends.prober.loop import Loop
from backends.prober.origin import (
    PATHS,
    BadAddress,
    fetch_bytes,
    header_lines,
    origin_of,
    plain_proxy,
    proxy_for,
    request_bytes,
)
from backends.prober.pool import Pool
from backends.prober.protocol import Limits, Target
from backends.prober.retry import later_of

if TYPE_CHECKING:
    from openai import OpenAI

SAMPLING = ("temperature", "ignore_eos")
REFUSING = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
OTHER_CAUSES = (
    *(HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN),
    *(HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS),
    *(HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
)
WORKER_ROUTE, JOB_ID = "/openai/v1", re.compile(r"[\w-]{1,100}")
UNTAKEN = re.compile(
    r"unsupported|unknown|unrecogni[sz]ed|unexpected|invalid|deprecated|extra|not "
    r"(?:supported|permitted|allowed|accepted|available)|does not support|cannot find",
    re.IGNORECASE,
)
"""Words of an error that refuses a field, where its status does not say so."""
OTHER_WORDS = re.compile(
    r"model\b.{0,80}\b(?:not|n't) (?:exist|found|available)|(?:no such|unknown|invalid) model",
    re.IGNORECASE,
)
"""Of an error that refuses no field, though its status is the same."""


class TargetClient:
    """Makes exchanges with one endpoint.

    Attributes:
        accepted: it has answered a request in full.

    Raises:
        BadAddress: the base URL or the key cannot be used.
    """

    def __init__(self, target: Target, limits: Limits, loop: Loop) -> None:
        self._target = target
        self._limits = limits
        self._loop = loop
        self._origin = origin_of(target.base_url)
        self._lines = header_lines(target)
        proxy_url = proxy_for(self._origin)
        self._proxy = plain_proxy(proxy_url) if proxy_url else None
        self._pool = Pool(self._origin, loop, limits.connect_s, self._proxy)
        self._refused = target.refused
        self.accepted = False
        self._body: dict[str, Any] = {}
        self._proxied = proxy_url is not None
        self._client = self._open_client() if self._proxied and self._proxy is None else None

    @property
    def flags(self) -> tuple[str, ...]:
        """What sets every run with this endpoint apart.

        Sampling that it refused, so that its runs are not sampled like others; and a way to it
        that only the ``openai`` client can go, which is slower and stamps in user space.
        """
        chosen = (*SAMPLING, *self._target.extra)
        refused = [f"refused_{name}" for name in self._refused if name in chosen]
        if self._proxied:
            refused.append("through_proxy")
        elif self._client is not None:
            refused.append("http_2_only")
        return tuple(refused)

    @property
    def not_sent(self) -> tuple[str, ...]:
        """The fields of the request that the endpoint refused."""
        return self._refused

    def exchange(
        self, prompt: str, max_tokens: int, *, temperature: float, ignore_eos: bool
    ) -> Asked:
        """Return a prepared exchange; its bytes are built, nothing is sent."""
        body = request_body(
            self._target, prompt, max_tokens, temperature=temperature, ignore_eos=ignore_eos
        )
        self._body = body = without_refused(body, self._refused)
        if self._client is not None:
            return self._by_client(body)
        request = request_bytes(self._origin, self._target, self._lines, body, self._proxy)
        return Exchange(request, self._target, self._pool, self._loop, self._limits)

    def follow(self, location: str) -> Asked | None:
        """Return an exchange that fetches a reply from where the endpoint says it will be.

        None for another host, which must not get the key, and where only the client can ask.
        """
        if self._client is not None:
            return None
        url = urljoin(f"{self._target.base_url}{PATHS[self._target.api]}", location)
        try:
            origin = origin_of(url.partition("?")[0])
        except BadAddress:
            return None
        same = (self._origin.scheme, self._origin.host, self._origin.port)
        if (origin.scheme, origin.host, origin.port) != same or not url.isascii():
            return None
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        request = fetch_bytes(self._origin, self._lines, path, self._proxy)
        return Exchange(request, self._target, self._pool, self._loop, self._limits)

    def job(self, job_id: str | None, job_url: str | None) -> Asked | None:
        """Return an exchange that asks how far a queued request is, None where nobody knows where.

        RunPod's workers answer beside their OpenAI route
        (docs.runpod.io/serverless/endpoints/operation-reference, ``/status``).
        """
        base, route, end = self._target.base_url.rstrip("/").rpartition(WORKER_ROUTE)
        if job_url is None and job_id and route and not end and JOB_ID.fullmatch(job_id):
            job_url = f"{base}/status/{job_id}"
        return None if job_url is None else self.follow(job_url)

    def _open_client(self) -> OpenAI:
        if self._target.api != "chat":
            raise BadAddress(
                "through a proxy, and over HTTP/2, only the chat interface is spoken: name the host"
                ' in NO_PROXY, or set api = "chat"'
            )
        from backends.prober.fallback import open_client  # noqa: PLC0415  slow to import

        return open_client(self._target, self._limits, proxied=self._proxied)

    def _by_client(self, body: dict[str, Any]) -> Asked:
        from backends.prober.fallback import ClientExchange  # noqa: PLC0415  slow to import

        assert self._client is not None
        return ClientExchange(
            self._client, self._target, body, self._loop, self._limits, proxied=self._proxied
        )

    def adapt(self, exchange: Asked) -> bool:
        """Learn from a failed exchange; return whether the next one has a better chance.

        An endpoint without HTTP/1.1 is asked through the ``openai`` client from now on, and an
        optional field that the endpoint refused is dropped. Nothing is sent again that may have
        been charged, and no other length of the reply than was asked for.
        """
        if exchange.http_2_only and self._client is None:
            self._client = self._open_client()
            return True
        self.accepted = self.accepted or exchange.error is None
        if (
            self.accepted
            or exchange.error is None
            or exchange.reply.status in (None, *OTHER_CAUSES)
        ):
            return False
        refusing = exchange.reply.status in REFUSING
        reader = exchange.reply.reader
        charged = any(piece.carries for piece in reader.pieces) or reader.usage is not None
        if charged or not (refusing or UNTAKEN.search(exchange.error)):
            return False
        if asks_too_many(exchange.error):
            return False
        document = decoded_json(bytes(exchange.reply.plain_body).strip())
        guess = refusing and not OTHER_WORDS.search(exchange.error) and later_of(exchange) is None
        refused = refused_field(self._body, named_fields(document), exchange.error, guess=guess)
        if refused is None:
            return False
        self._refused = (*self._refused, refused)
        return True

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()
        if self._client is not None:
            self._client.close()
