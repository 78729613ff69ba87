"""One endpoint as the prober uses it: its connections, and the fields it does not take."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from backends.prober.body import refused_field, request_body, without_refused
from backends.prober.exchange import Asked, Exchange
from backends.prober.loop import Loop
from backends.prober.orders import Lane, Limits
from backends.prober.origin import authorization, origin_of, proxy_for, request_bytes
from backends.prober.pool import Pool

if TYPE_CHECKING:
    from openai import OpenAI

SAMPLING = ("temperature", "ignore_eos")
REFUSING = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


class Target:
    """Makes exchanges with one endpoint.

    Raises:
        BadAddress: the base URL or the key cannot be used.
    """

    def __init__(self, lane: Lane, limits: Limits, loop: Loop) -> None:
        self._lane = lane
        self._limits = limits
        self._loop = loop
        self._origin = origin_of(lane.base_url)
        self._authorization = authorization(lane.api_key)
        self._pool = Pool(self._origin, loop, limits.connect_s)
        self._refused: tuple[str, ...] = ()
        self._client = self._open_client() if proxy_for(self._origin) else None

    @property
    def flags(self) -> tuple[str, ...]:
        """Which sampling this endpoint refused, so that its runs are not sampled like others."""
        return tuple(f"refused_{name}" for name in self._refused if name in SAMPLING)

    def exchange(
        self, prompt: str, max_tokens: int, *, temperature: float, ignore_eos: bool
    ) -> Asked:
        """Return a prepared exchange; its bytes are built, nothing is sent."""
        body = request_body(
            self._lane, prompt, max_tokens, temperature=temperature, ignore_eos=ignore_eos
        )
        body = without_refused(body, self._refused)
        if self._client is not None:
            return self._proxied(body)
        request = request_bytes(self._origin, self._authorization, body)
        return Exchange(request, self._lane.model, self._pool, self._loop, self._limits)

    def _open_client(self) -> OpenAI:
        from backends.prober.fallback import proxied_client  # noqa: PLC0415  slow to import

        return proxied_client(self._lane, self._limits)

    def _proxied(self, body: dict[str, Any]) -> Asked:
        from backends.prober.fallback import ProxiedExchange  # noqa: PLC0415  slow to import

        assert self._client is not None
        return ProxiedExchange(self._client, body, self._loop, self._limits)

    def adapt(self, exchange: Asked) -> bool:
        """Drop the optional field that the endpoint refused; return whether there was one."""
        if exchange.status not in REFUSING or exchange.error is None:
            return False
        refused = refused_field(exchange.error, self._refused)
        if refused is None:
            return False
        self._refused = (*self._refused, refused)
        return True

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()
