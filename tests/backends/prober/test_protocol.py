from decimal import Decimal

import msgspec
import pytest

from backends.domain.prices.cost import RequestPrices, Tier
from backends.prober.protocol import Limits, LoadOrder, Order, SeriesOrder, Target, decode_order
from backends.prober.protocol import encode_order as encode

LANE = Target(
    "a",
    "digital",
    "https://inference.example/v1",
    "m",
    api_key="sk-1",
    prices=RequestPrices(Decimal("0.10"), tiers=(Tier(Decimal(9), Decimal(1), Decimal(2)),)),
    extra={"reasoning": {"effort": "low"}, "top_k": 1},
)


@pytest.mark.parametrize(
    "order",
    [
        Order(series=SeriesOrder("s1", (LANE, LANE), "two\nlines", limits=Limits(1, 2, 3))),
        Order(load=LoadOrder(LANE, "say it", max_usd="0.50")),
    ],
)
def test_an_order_survives_its_line(order: Order) -> None:
    line = encode(order)
    assert line.count(b"\n") == 1
    assert decode_order(line) == order


def test_what_is_no_order() -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_order(b"")


def test_a_key_is_never_shown() -> None:
    assert "sk-1" not in repr(Order(load=LoadOrder(LANE, "say it")))
