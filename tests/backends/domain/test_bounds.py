"""The last instant, byte or digit on one side of each limit, and the first on the other."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backends.domain.facts import GpusSampled, HostTicked, MetricsScraped
from backends.domain.gpu import Gpu, GpuMemory, GpuSample
from backends.domain.gpu_remarks import impossible_memory
from backends.domain.serving import Counters
from backends.domain.session import Session, advance
from backends.domain.stamp import Stamp, in_calendar
from backends.domain.stillness import EngineReading, Stillness, stillness_after
from backends.domain.values import Unfit, number, whole
from backends.domain.visible import bounded, visible
from backends.domain.vllm_arguments import value_of
from backends.domain.vram import impossible_use
from backends.domain.vram_timeline import Timeline, TimelinePoint, with_point

GIB = 1 << 30
WALL_S = 1e9
YEAR_9999_S = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


def at(mono_s: float) -> Stamp:
    return Stamp(mono_s, WALL_S + mono_s)


def card(total: int, used: int, reserved: int = 0) -> Gpu:
    memory = GpuMemory(total, used, reserved, unified=False, source="made")
    return Gpu(0, "GPU-0", "H100", "nvidia", memory)


# GPUs and their memory


@pytest.mark.parametrize(
    ("gpu", "can_be"),
    [
        (card(1, 0), True),
        (card(0, 0), False),
        (card((1 << 48) - 1, 0), True),
        (card(1 << 48, 0), False),
        (card(80, 70, 10), True),
        (card(80, 70, 11), False),
    ],
)
def test_which_memory_a_card_can_have(gpu: Gpu, *, can_be: bool) -> None:
    assert (impossible_memory(gpu) == "") is can_be
    assert impossible_use(3 * GIB, 2 * GIB) == "the driver says 3.0 of 2.0 GiB are used"


def test_a_timeline_holds_as_many_points_as_it_may_and_the_higher_of_two() -> None:
    timeline = Timeline(capacity=4, step_s=1.0)
    for second in range(4):
        timeline = with_point(timeline, TimelinePoint(float(second), second))
    assert (len(timeline.points), timeline.step_s) == (4, 1.0)
    timeline = with_point(timeline, TimelinePoint(4.0, 1))
    assert timeline.step_s == 2.0
    assert [(each.at_s, each.used_bytes) for each in timeline.points] == [(1, 1), (3, 3), (4, 1)]


def test_of_two_equal_points_the_first_stays() -> None:
    timeline = Timeline(capacity=4, step_s=1.0)
    for at_s, used in ((0.0, 5), (0.5, 5), (0.6, None), (0.7, 6)):
        timeline = with_point(timeline, TimelinePoint(at_s, used))
    assert timeline.points == (TimelinePoint(0.7, 6),)
    equal = with_point(with_point(Timeline(), TimelinePoint(0.0, 5)), TimelinePoint(0.1, 5))
    assert equal.points == (TimelinePoint(0.0, 5),)


# a session


def test_a_clock_stands_where_a_fact_is_not_later_on_both_clocks() -> None:
    session = Session(at(100))
    assert advance(session, HostTicked(at(100))).now == at(100)
    assert advance(session, HostTicked(at(100.5))).now == at(100.5)


def sampled(mono_s: float) -> GpusSampled:
    return GpusSampled(at(mono_s), GpuSample((card(80 * GIB, GIB),)))


@pytest.mark.parametrize(("later_s", "kept"), [(600.0, 2), (600.1, 1)])
def test_memory_is_remembered_for_ten_minutes(later_s: float, kept: int) -> None:
    session = advance(advance(Session(at(0)), sampled(1)), sampled(1 + later_s))
    assert len(session.recent_memory) == kept


def test_two_samples_of_one_instant_are_both_kept() -> None:
    session = advance(advance(Session(at(0)), sampled(1)), sampled(1))
    assert len(session.recent_memory) == 2


def scraped(*mono_s: float) -> Session:
    session = Session(at(0))
    for each_s in mono_s:
        counters = Counters(process_start_s=1.0, requests_finished=each_s)
        session = advance(session, MetricsScraped(at(each_s), counters))
    return session


@pytest.mark.parametrize(("later_s", "kept"), [(60.0, 3), (60.1, 2)])
def test_a_window_of_serving_is_a_minute_long(later_s: float, kept: int) -> None:
    assert len(scraped(1, 30, 1 + later_s).recent) == kept


@pytest.mark.parametrize(("later_s", "kept"), [(14.9, 1), (15.0, 2)])
def test_a_reading_of_the_traffic_is_kept_each_quarter_of_a_minute(
    later_s: float, kept: int
) -> None:
    assert len(scraped(1, 1 + later_s).traffic) == kept


@pytest.mark.parametrize(("later_s", "kept"), [(600.0, 3), (600.1, 2)])
def test_traffic_is_remembered_for_ten_minutes(later_s: float, kept: int) -> None:
    assert len(scraped(1, 300, 1 + later_s).traffic) == kept


# whether an engine stands still


def test_an_engine_is_hung_beyond_its_limit_and_not_at_it() -> None:
    reading = EngineReading(1.0, (5.0,))
    assert not Stillness(reading, 0.0, still_s=30.0).is_hung
    assert Stillness(reading, 0.0, still_s=30.1).is_hung
    assert not Stillness(reading, 0.0, still_s=50.0, longest_step_s=10.0).is_hung
    assert Stillness(reading, 0.0, still_s=50.1, longest_step_s=10.0).is_hung


def test_an_engine_that_runs_nothing_does_not_stand_still() -> None:
    idle, busy = EngineReading(0.0, (5.0,)), EngineReading(1.0, (5.0,))
    assert stillness_after(Stillness(idle, 0.0), idle, 9.0).still_s == 0.0
    assert stillness_after(Stillness(busy, 0.0), busy, 9.0).still_s == 9.0
    assert stillness_after(Stillness(idle, 0.0), busy, 9.0).longest_step_s == 0.0
    assert stillness_after(Stillness(busy, 0.0), idle, 9.0).longest_step_s == 9.0


# what may be read and shown


@pytest.mark.parametrize(
    ("wall_s", "can_be"),
    [(0.0, True), (-0.1, False), (YEAR_9999_S - 1, True), (YEAR_9999_S, False)],
)
def test_which_instants_have_a_date(wall_s: float, *, can_be: bool) -> None:
    assert in_calendar(wall_s) is can_be


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", Decimal(0)), ("1e15", Decimal("1e15")), ("1e-30", Decimal("1e-30"))],
)
def test_the_last_numbers_that_can_be(text: str, value: Decimal) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["-1e-9", "1000000000000001", "9.9e-31", "nan"])
def test_the_first_numbers_that_cannot_be(text: str) -> None:
    with pytest.raises(Unfit):
        number(text)


def test_a_whole_number_has_eighteen_digits_at_most() -> None:
    assert whole("9" * 18) == 10**18 - 1
    assert whole("9" * 19) is None


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\ufdcf", "\ufdcf"),
        ("\ufdd0", "\\ufdd0"),
        ("\ufdef", "\\ufdef"),
        ("\ufdf0", "\ufdf0"),
        ("\uffff", "\\uffff"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_is_no_character_is_shown_by_its_number(character: str, shown: str) -> None:
    assert visible(f"\x00{character}") == f"\u2400{shown}"


def test_a_text_of_the_most_characters_is_whole() -> None:
    assert bounded("x" * 10, 10) == "x" * 10
    assert bounded("x" * 11, 10) == f"{'x' * 10}… (1 more characters)"


def test_after_a_gap_a_window_of_serving_begins_with_the_reading_before_it() -> None:
    session = scraped(1, 20, 40, 300)
    assert [each.at.mono_s for each in session.recent] == [40, 300]
    assert session.serving is not None
    assert session.serving.window_s == 260


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (("--port", "8001"), "8001"),
        (("--po", "8001"), "8001"),
        (("--p", "8001"), "8001"),
        (("--", "--port", "8001"), None),
        (("-p", "8001"), None),
        (("--port=8001",), "8001"),
    ],
)
def test_the_beginning_of_a_flag_stands_for_it(
    arguments: tuple[str, ...], port: str | None
) -> None:
    assert value_of(("--port",), arguments) == port
