"""Turns what a user typed for an endpoint into an address, a model, a key and prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from backends.domain import values
from backends.domain.values import Unfit
from backends.problem import NotFound
from backends.settings import kinds
from backends.settings.config import NO_FORM, KeySource, RequestForm, Settings, TokenPrices
from backends.settings.secrets import Secret, resolve_header, resolve_secret


class UnknownEndpoint(NotFound):
    """A reference names no endpoint; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class EndpointTarget:
    """Where a request goes.

    Attributes:
        base_url: without a slash at its end, with ``/v1`` where the API has it.
        secret: the key to send, None where the endpoint asks for none.
        prices: what the endpoint charges; None for a server of this host, which has no such prices.
        form: what it needs besides.
        headers: its header fields, with what the environment holds for them.
    """

    name: str
    base_url: str
    model: str
    secret: Secret | None = None
    prices: TokenPrices | None = None
    form: RequestForm = NO_FORM
    headers: tuple[tuple[str, str | Secret], ...] = ()


def resolve_endpoint(
    reference: str, settings: Settings, environ: Mapping[str, str] | None = None
) -> EndpointTarget:
    """Return the target of an endpoint's name, a server profile's name or ``URL#MODEL``.

    Raises:
        UnknownEndpoint: nothing is meant by it.
        SecretUnavailable: its key cannot be had.
    """
    if endpoint := settings.endpoint(reference):
        secret = resolve_secret(endpoint.api_key, environ) if endpoint.api_key else None
        headers = tuple(
            (name, resolve_header(name, value, environ)) for name, value in endpoint.form.headers
        )
        return EndpointTarget(
            reference,
            endpoint.base_url,
            endpoint.model,
            secret,
            endpoint.prices,
            endpoint.form,
            headers,
        )
    if profile := settings.profile(reference):
        variable = profile.api_key_env
        secret = resolve_secret(KeySource("env", variable), environ) if variable else None
        return EndpointTarget(reference, profile.base_url, profile.request_model, secret)
    if "://" in reference:
        return _by_address(reference)
    raise UnknownEndpoint(_no_such_name(reference, settings))


def _by_address(reference: str) -> EndpointTarget:
    address, _, model = reference.partition("#")
    if not model:
        raise UnknownEndpoint(
            f"{address} names no model; write URL#MODEL, for example http://127.0.0.1:8000/v1#tiny"
        )
    try:
        base_url, model = kinds.base_url(address), values.text(model)
    except Unfit as error:
        raise UnknownEndpoint(f"the address {error}") from error
    return EndpointTarget(f"{base_url}#{model}", base_url, model, prices=TokenPrices())


def _no_such_name(reference: str, settings: Settings) -> str:
    names = [profile.name for profile in settings.servers]
    names += [endpoint.name for endpoint in settings.endpoints]
    near = get_close_matches(reference, names, n=1)
    if near:
        return f"no server or endpoint is called {reference}; did you mean {near[0]}?"
    if names:
        return f"no server or endpoint is called {reference}; there are {', '.join(names)}"
    return f"no server or endpoint is called {reference}; write URL#MODEL or configure one"
