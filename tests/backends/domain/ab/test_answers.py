from dataclasses import replace
from decimal import Decimal

from backends.domain.ab.answers import answered_by, changed, endpoint_remarks, provider_spent_usd
from backends.domain.ab.run import Run
from backends.domain.ab.server_times import ServerTimes

RUN = Run("b", 0, ttft_s=0.2, answered_model="m-1", answered_provider="One")


def test_who_answered_is_said_once_where_it_is_always_the_same() -> None:
    assert answered_by([RUN] * 3) == "m-1 by One"
    assert endpoint_remarks("b", [RUN] * 3, []) == []
    assert not changed([RUN, replace(RUN, answered_model=None)])


def test_a_provider_that_changes_between_runs_is_said() -> None:
    runs = [RUN, RUN, replace(RUN, answered_provider="Two")]
    assert endpoint_remarks("b", runs, []) == [
        "target b: answered by different ones: m-1 by One (2 runs), Two (1 runs)"
    ]


def test_the_providers_own_sum_needs_the_cost_of_every_run() -> None:
    runs = [replace(RUN, provider_cost_usd="0.0001"), replace(RUN, provider_cost_usd="0.0003")]
    assert provider_spent_usd(runs) == Decimal("0.0004")
    assert provider_spent_usd([*runs, RUN]) is None
    assert provider_spent_usd([*runs, replace(RUN, error="cut")]) == Decimal("0.0004")


def test_a_cold_start_and_a_rate_limit_are_said_apart() -> None:
    warm_up = replace(RUN, index=-1, cold_s=63.0, waits=4, waited_s=62.0)
    assert "it was cold: its first token came 63 s" in endpoint_remarks("b", [RUN], [warm_up])[0]
    runs = [RUN, replace(RUN, waits=2, waited_s=3.0, waited_for="limited")]
    (said,) = endpoint_remarks("b", runs, [])
    assert endpoint_remarks("b", runs, [RUN])[0].startswith("target b: it limits the rate: 1 of 3 ")
    assert "it limits the rate: 1 of 2 requests were refused 2 times and waited 3 s in all" in said


def test_the_servers_share_of_ttft_is_said_beside_the_rest() -> None:
    runs = [replace(RUN, server_times=ServerTimes(ttft_s=0.15))]
    (said,) = endpoint_remarks("b", runs, [])
    assert "150 ms of TTFT are its queue and prefill, so that 50 ms are the network" in said
