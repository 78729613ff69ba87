"""What must hold of any file: its order, its parts and how its rows are cut change nothing."""

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.traffic.demand import Demand
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.reader import traffic_in

NOON = 1_790_000_000

REQUESTS = st.lists(
    st.tuples(st.integers(0, 400_000), st.integers(1, 9_000), st.integers(1, 900)),
    min_size=2,
    max_size=40,
    unique_by=lambda row: row[0],
)
INTERVALS = st.lists(st.integers(0, 5_000), min_size=2, max_size=40).filter(any)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties")


def demand(folder: Path, *files: Sequence[tuple[int, ...]]) -> Demand:
    head = "at,requests,input_tokens,output_tokens"
    paths = []
    for number, rows in enumerate(files):
        named = head if len(rows[0]) == 4 else "at,input_tokens,output_tokens"
        path = folder / f"{number}.csv"
        path.write_text("\n".join([named, *(",".join(map(str, row)) for row in rows)]))
        paths.append(str(path))
    return traffic_in(tuple(paths))


def same(one: Demand, other: Demand) -> None:
    assert one.totals == other.totals
    assert float(one.seen.window_s or 0) == pytest.approx(float(other.seen.window_s or 0), abs=1e-5)
    assert float(one.seen.dispersion) == pytest.approx(float(other.seen.dispersion))
    assert float(one.seen.covariance) == pytest.approx(float(other.seen.covariance), abs=1e-3)
    assert one.series is not None
    assert other.series is not None
    assert one.series.places == other.series.places
    assert one.series.requests == pytest.approx(other.series.requests)
    assert one.series.input_tokens == pytest.approx(other.series.input_tokens)
    assert one.series.products == pytest.approx(other.series.products)


def requests_of(rows: Sequence[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    return [(NOON + at, into, out) for at, into, out in rows]


@given(REQUESTS, st.randoms())
def test_order_does_not_matter(
    folder: Path, rows: list[tuple[int, int, int]], chance: random.Random
) -> None:
    shuffled = requests_of(rows)
    chance.shuffle(shuffled)
    same(demand(folder, requests_of(rows)), demand(folder, shuffled))


@given(REQUESTS, st.integers(1, 1000))
def test_two_files_are_one(folder: Path, rows: list[tuple[int, int, int]], cut: int) -> None:
    whole = requests_of(rows)
    place = 1 + cut % (len(whole) - 1)
    same(demand(folder, whole), demand(folder, whole[:place], whole[place:]))


@given(INTERVALS, st.integers(1, 1000), st.sampled_from([60, 3600, 86400]))
def test_two_files_of_intervals_are_one(
    folder: Path, counts: list[int], cut: int, width_s: int
) -> None:
    rows = [(NOON + place * width_s, n, 80 * n, 220 * n) for place, n in enumerate(counts)]
    chosen = 1 + cut % (len(rows) - 1)
    same(demand(folder, rows), demand(folder, rows[::2], rows[1::2]))
    same(demand(folder, rows), demand(folder, rows[chosen:], rows[:chosen]))


@given(INTERVALS, st.sampled_from([60, 3600, 86400]))
def test_splitting_the_requests_of_a_row_changes_nothing(
    folder: Path, counts: list[int], width_s: int
) -> None:
    rows = [(NOON + place * width_s, 2 * n, 160 * n, 440 * n) for place, n in enumerate(counts)]
    halves = [(at, n // 2, into // 2, out // 2) for at, n, into, out in rows for _ in range(2)]
    same(demand(folder, rows), demand(folder, halves))


@given(INTERVALS)
def test_splitting_the_time_of_a_row_changes_nothing(folder: Path, counts: list[int]) -> None:
    days = [(NOON + at * 86400, 24 * n, 24 * 80 * n, 24 * 220 * n) for at, n in enumerate(counts)]
    hours = [
        (at + hour * 3600, n // 24, into // 24, out // 24)
        for at, n, into, out in days
        for hour in range(24)
    ]
    one, other = demand(folder, days), demand(folder, hours)
    assert one.totals == other.totals
    assert float(one.seen.window_s or 0) == pytest.approx(float(other.seen.window_s or 0), abs=1e-5)
    assert one.profile is not None
    assert other.profile is not None
    assert one.profile.requests == pytest.approx(other.profile.requests)


FORMS = sorted((Path(__file__).parents[2] / "data" / "traffic").iterdir())


@given(st.sampled_from(FORMS), st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=20))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(
    folder: Path, form: Path, place: int, cut: int, put: bytes
) -> None:
    whole = form.read_bytes()
    at = place % len(whole)
    damaged = folder / "damaged"
    damaged.write_bytes(whole[:at] + put + whole[at + cut :])
    try:
        n, said = traffic_in((str(damaged),)).seen.n, ""
    except UnreadableTraffic as refusal:
        n, said = Decimal(0), str(refusal)
    assert n > 0 or str(damaged) in said
