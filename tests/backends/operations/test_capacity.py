"""A capacity serves the verdict only for the server and the requests that it was measured with."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.session import Session, watching
from backends.domain.stamp import Stamp
from backends.operations.capacity import Capacity, carried, keep_capacity, known_capacities
from backends.operations.context import Context
from backends.operations.decision import decide_all
from backends.problem import Problem
from backends.settings.config import Limits, Profile, Settings

PROFILE = Profile("chat", "org/model", args=("--max-model-len", "2048"))
MEASURED = Capacity(
    server="chat",
    model="org/model",
    args=PROFILE.args,
    rps=Decimal("4.5"),
    bounded=True,
    output_tokens=200,
    prompt_sha256="00",
    ttft_limit_s=1.0,
    itl_limit_s=None,
    measured_wall_s=1_700_000_000.0,
)


@pytest.mark.parametrize(
    ("capacity", "output_tokens", "rps", "reason"),
    [
        (MEASURED, Decimal(200), Decimal("4.5"), ""),
        (MEASURED, Decimal(240), Decimal("4.5"), ""),
        (MEASURED, None, Decimal("4.5"), ""),
        (MEASURED, Decimal(20), None, "not measured for replies of 20 tokens"),
        (MEASURED, Decimal(2000), None, "not measured for replies of 2000 tokens"),
        (replace(MEASURED, bounded=False), None, None, "4.5 req/s or more"),
        (replace(MEASURED, args=()), None, None, "inferctl load chat"),
        (replace(MEASURED, model="org/other"), None, None, "inferctl load chat"),
        (replace(MEASURED, server="other"), None, None, "inferctl load chat"),
    ],
)
def test_what_may_be_decided_on(
    capacity: Capacity, output_tokens: Decimal | None, rps: Decimal | None, reason: str
) -> None:
    found = carried((capacity,), PROFILE, output_tokens)
    assert found.rps == rps
    assert reason in found.reason
    assert bool(found.reason) == (rps is None)


@pytest.mark.parametrize(
    ("measured", "seen", "carries"),
    [(100, 100, True), (100, 150, True), (100, 160, False), (100, 60, False), (None, 9, True)],
)
def test_prompts_of_another_length_make_another_capacity(
    measured: int | None, seen: int, carries: bool
) -> None:
    capacity = replace(MEASURED, input_tokens=measured)
    found = carried((capacity,), PROFILE, Decimal(200), Decimal(seen))
    assert (found.rps is not None) is carries
    if not carries:
        assert f"inferctl load chat --input-tokens {seen}" in found.reason
    assert carried((capacity,), PROFILE, Decimal(200), None).rps is not None


def test_a_server_without_profile_has_none() -> None:
    assert carried((MEASURED,), None, None).rps is None


def test_a_newer_capacity_takes_the_place_of_the_older(tmp_path: Path) -> None:
    other = replace(MEASURED, server="other")
    for each in (MEASURED, other, replace(MEASURED, rps=Decimal("5.25"))):
        path = keep_capacity(tmp_path, each)
        assert path is not None
        assert path.stat().st_mode & 0o077 == 0
    assert {(each.server, each.rps) for each in known_capacities(tmp_path)} == {
        ("chat", Decimal("5.25")),
        ("other", Decimal("4.5")),
    }


def test_a_lower_bound_takes_no_capacitys_place(tmp_path: Path) -> None:
    least = replace(MEASURED, bounded=False, rps=Decimal(1))
    assert keep_capacity(tmp_path, least) is not None
    assert keep_capacity(tmp_path, MEASURED) is not None
    assert keep_capacity(tmp_path, least) is None
    assert known_capacities(tmp_path) == (MEASURED,)


def test_nothing_measured_is_no_error_and_a_damaged_file_is(tmp_path: Path) -> None:
    assert known_capacities(tmp_path) == ()
    (tmp_path / "capacity.json").write_text('{"capacities": [{"server": 1')
    with pytest.raises(Problem, match="delete it"):
        known_capacities(tmp_path)


def test_the_scenario_rests_on_it() -> None:
    session = watching(Session(Stamp(1, 1)), "chat", "org/model")
    settings = Settings(servers=(PROFILE,))
    today = date(2026, 11, 21)
    with_it, without = (
        decide_all(session, Context(settings, capacities=each), today).scenario.capacity_rps
        for each in ((MEASURED,), ())
    )
    assert (with_it, without) == (Decimal("4.5"), None)


@pytest.mark.parametrize(
    ("measured", "limits", "reason"),
    [
        ({}, Limits(ttft_p99_s=1.0), ""),
        ({}, Limits(ttft_p99_s=2.0), ""),
        ({}, Limits(ttft_p99_s=0.5), "only within a TTFT of 1 s, not 0.5 s: inferctl load chat"),
        ({"ttft_p99_s": 0.4}, Limits(ttft_p99_s=0.5), ""),
        ({"ttft_p99_s": 0.6}, Limits(ttft_p99_s=0.5), "a TTFT of 1 s, not 0.5 s"),
        ({}, Limits(itl_p99_s=0.05), "only within any ITL, not 0.05 s"),
        ({"itl_limit_s": 0.1}, Limits(itl_p99_s=0.05), "an ITL of 0.1 s, not 0.05 s"),
        ({"itl_limit_s": 0.05}, Limits(itl_p99_s=0.05), ""),
    ],
)
def test_a_capacity_within_looser_limits_is_none(
    measured: dict[str, float], limits: Limits, reason: str
) -> None:
    found = carried((replace(MEASURED, **measured),), PROFILE, None, limits=limits)  # type: ignore[arg-type]
    assert bool(reason) is (found.rps is None)
    assert reason in found.reason
