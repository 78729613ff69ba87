from decimal import Decimal

import pytest

from backends.prober.origin import origin_of, request_bytes
from backends.prober.protocol import Target
from backends.settings.config import Endpoint, KeySource, Profile, Settings, TokenPrices
from backends.settings.endpoint_reference import EndpointTarget, UnknownEndpoint, resolve_endpoint
from backends.settings.secrets import Secret, SecretUnavailable

PRICES = TokenPrices(output_usd_per_mtok=Decimal("0.70"))
SETTINGS = Settings(
    servers=(
        Profile(name="big", model="org/big", served_name="b", host="0.0.0.0", port=8001),
        Profile(name="six", model="org/six", host="::1", api_key_env="K"),
    ),
    endpoints=(Endpoint("cloud", "https://x/v1", "c", KeySource("env", "K"), PRICES),),
)


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("cloud", EndpointTarget("cloud", "https://x/v1", "c", Secret("key"), PRICES)),
        ("big", EndpointTarget("big", "http://127.0.0.1:8001/v1", "b")),
        ("six", EndpointTarget("six", "http://[::1]:8000/v1", "org/six", Secret("key"))),
        (
            "http://h:1/v1/#org/m",
            EndpointTarget("http://h:1/v1#org/m", "http://h:1/v1", "org/m", prices=TokenPrices()),
        ),
        (
            "https://h#m",
            EndpointTarget("https://h/v1#m", "https://h/v1", "m", prices=TokenPrices()),
        ),
    ],
)
def test_a_reference_is_resolved(reference: str, target: EndpointTarget) -> None:
    assert resolve_endpoint(reference, SETTINGS, {"K": "key"}) == target


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("clout", "did you mean cloud"),
        ("zzz", "there are big, six, cloud"),
        ("http://h/v1", "names no model"),
        ("http://h/v1#", "names no model"),
        ("ftp://h#m", "not an http"),
        ("http://user:word@h#m", "password"),
        ("", "no server or endpoint"),
    ],
)
def test_a_reference_to_nothing_is_told(reference: str, said: str) -> None:
    with pytest.raises(UnknownEndpoint, match=said):
        resolve_endpoint(reference, SETTINGS, {})


def test_a_missing_key_is_told_before_anything_is_sent() -> None:
    with pytest.raises(SecretUnavailable, match="export K"):
        resolve_endpoint("cloud", SETTINGS, {})


@pytest.mark.parametrize(
    ("host", "beyond"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("10.0.0.7", True),
        ("gpu-host", True),
    ],
)
def test_a_server_that_others_can_reach_is_flagged(host: str, beyond: bool) -> None:
    assert Profile(name="a", model="m", host=host).binds_beyond_loopback is beyond


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("http://127.0.0.1:1/vé", "http://127.0.0.1:1/v%C3%A9"),
        ("http://127.0.0.1:1/v%C3%A9", "http://127.0.0.1:1/v%C3%A9"),
        ("http://127.0.0.1:1/a|b/v1", "http://127.0.0.1:1/a%7Cb/v1"),
    ],
)
def test_a_path_beyond_ascii_is_escaped(address: str, sent: str) -> None:
    target = resolve_endpoint(f"{address}#m", Settings())
    assert target.base_url == sent
    asked = Target("a", "x", target.base_url, "m")
    assert request_bytes(origin_of(target.base_url), asked, "", {}).startswith(
        f"POST {sent.partition(':1')[2]}/chat".encode()
    )


def test_a_host_beyond_ascii_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnknownEndpoint, match="write its ASCII form, xn--"):
        resolve_endpoint("http://bücher.example/v1#m", Settings())


def test_the_zone_of_an_address_reaches_the_socket_and_no_header() -> None:
    origin = origin_of("http://[fe80::1%25eth0]:8000/v1")
    assert origin.host == "fe80::1%eth0"
    assert origin.authority == "[fe80::1]:8000"
