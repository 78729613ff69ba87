"""The last line, second and count on one side of each rule of a start, and the first beyond it."""

import pytest

from backends.domain.facts import BecameReady, DownloadSeen, KvCacheSized, PhaseBegan, ServerFact
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName, RankMemory, StartMemory
from backends.domain.startup.clock import LogClock
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.lines import LineSplitter, head_of, numbered_lines
from backends.domain.startup.memory import memory_words, smaller, start_memory
from backends.domain.startup.phases import with_downloads
from backends.domain.startup.prefixes import Prefixes
from backends.domain.startup.settings import global_rank
from backends.domain.startup.state import Boundary, Download, begin
from backends.domain.startup.unfinished import Ranks, bar_clock_s, crawling_capture
from backends.domain.startup.wrapped import unwrapped

RECORD = "INFO 09-14 07:07:01 [core.py:1] "


# times


@pytest.mark.parametrize(
    ("before", "after", "passed_s"),
    [
        *((f"{month:02}-{last} 23:59:59", f"{month + 1:02}-01 00:00:00", 1.0) for month, last in (
            (1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30),
            (7, 31), (8, 31), (9, 30), (10, 31), (11, 30),
        )),
        ("05-01 00:00:00", "05-02 00:00:00", 86_400.0),
        ("05-01 00:00:00", "05-01 01:00:00", 3600.0),
        ("05-01 00:00:00", "05-01 00:01:00", 60.0),
        ("05-01 00:00:00", "05-01 00:00:01.250", 1.25),
        # Half a year back is a line that was delayed, and any more a new year.
        ("07-02 12:00:00", "01-01 00:00:00", 0.0),
        ("07-02 12:00:01", "01-01 00:00:00", 182.5 * 86_400 - 1),
    ],
)  # fmt: skip
def test_what_passes_between_two_stamps(before: str, after: str, passed_s: float) -> None:
    clock = LogClock()
    first = clock.at(before)
    assert clock.at(after) - first == pytest.approx(passed_s)


def test_a_year_in_which_the_29th_of_february_was_seen_has_it_until_its_end() -> None:
    clock = LogClock()
    first = clock.at("02-29 00:00:00")
    assert clock.at("03-01 00:00:00") - first == 86_400
    assert clock.between("02-28 00:00:00", "03-01 00:00:00") == 2 * 86_400
    assert clock.between("02-01 00:00:00", "02-02 00:00:00") == 86_400
    assert clock.between("no time", "02-02 00:00:00") == 0.0


# lines that a terminal broke


def broken(width: int, times: int, alone: int = 0) -> list[tuple[int, str]]:
    """Lines as wide as the terminal, so many with a piece that was broken off behind them."""
    wide = RECORD + "x" * (width - len(RECORD))
    lines = [line for _ in range(times) for line in (wide, "and on")] + [wide] * alone
    return list(enumerate([*lines, f"{RECORD}end"], 1))


@pytest.mark.parametrize(
    ("width", "times", "alone", "joined"),
    [
        (60, 2, 0, True),
        (59, 2, 0, False),
        (320, 2, 0, True),
        (321, 2, 0, False),
        (80, 1, 0, True),
        (100, 1, 0, True),
        (132, 1, 0, True),
        (240, 1, 0, True),
        (101, 1, 0, False),
        (260, 1, 0, False),
        (101, 2, 0, True),
        (100, 3, 1, True),
        (100, 2, 1, False),
    ],
)
def test_at_which_widths_a_log_counts_as_broken(
    width: int, times: int, alone: int, *, joined: bool
) -> None:
    lines = broken(width, times, alone)
    found = list(unwrapped(lines))
    assert (len(found) == len(lines) - times) is joined
    if joined:
        assert found[0] == (1, f"{lines[0][1]}and on")
        assert [number for number, _ in found[:times]] == list(range(1, 2 * times, 2))
    else:
        assert found == lines


@pytest.mark.parametrize(("begins", "joined"), [("abcde-", True), ("abcdef", False)])
def test_lines_that_begin_with_the_same_six_characters_have_a_prefix(
    begins: str, *, joined: bool
) -> None:
    lines = list(enumerate(["abcdef".ljust(100, "x"), f"{begins}on", f"{RECORD}end"], 1))
    assert (len(list(unwrapped(lines))) == 2) is joined


def test_a_blank_at_the_edge_is_kept_where_a_line_was_broken() -> None:
    first = RECORD + "x" * (99 - len(RECORD))
    lines = [(1, first), (2, "and on"), (3, RECORD + "x" * (100 - len(RECORD))), (4, "more")]
    assert next(iter(unwrapped(lines))) == (1, f"{first} and on")


# prefixes


@pytest.mark.parametrize(("length", "learnt"), [(120, True), (121, False)])
def test_a_prefix_is_no_longer_than_120_characters(length: int, *, learnt: bool) -> None:
    prefix = "p" * (length - 1) + "~"
    assert (Prefixes().without(f"{prefix}{RECORD}hi") == f"{RECORD}hi") is learnt


def test_eight_prefixes_are_learnt_and_their_numbers_may_change() -> None:
    prefixes = Prefixes()
    for name in "abcdefghi":
        assert prefixes.without(f"node-{name}7~ {RECORD}hi") == f"{RECORD}hi"
    assert prefixes.without("node-h12~ no record") == "no record"
    assert prefixes.without("node-i12~ no record") == "node-i12~ no record"


@pytest.mark.parametrize(("lines", "learnt"), [(4_999, True), (5_000, False)])
def test_a_prefix_is_looked_for_in_the_first_five_thousand_lines(
    lines: int, *, learnt: bool
) -> None:
    prefixes = Prefixes()
    for _ in range(lines):
        prefixes.without("what nobody knows")
    assert prefixes.any is learnt
    assert (prefixes.without(f"node~ {RECORD}hi") == f"{RECORD}hi") is learnt


@pytest.mark.parametrize(("lines", "learnt"), [(19_999, True), (20_000, False)])
def test_behind_twenty_thousand_of_its_own_lines_a_log_has_no_prefix(
    lines: int, *, learnt: bool
) -> None:
    prefixes = Prefixes()
    for _ in range(lines):
        prefixes.without(f"{RECORD}hi")
    assert (prefixes.without(f"node~ {RECORD}hi") == f"{RECORD}hi") is learnt


# bytes


def test_a_line_of_256_kib_is_whole_and_one_byte_more_is_parted() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"x" * 262_144) == []
    assert [len(line) for line in splitter.feed(b"y")] == [262_144]
    assert splitter.numbers == [1]
    assert splitter.rest() == ["y"]
    assert [len(text) for _, text in numbered_lines([b"x" * 262_144])] == [262_144]
    assert [len(text) for _, text in numbered_lines([b"x" * 262_145])] == [262_144, 1]


# phases


def test_a_download_is_cut_out_of_the_phases_beside_it() -> None:
    boundaries = [
        Boundary(0.0, PhaseName.LAUNCH),
        Boundary(10.0, PhaseName.LOAD_WEIGHTS),
        Boundary(20.0, PhaseName.COMPILE),
        Boundary(30.0, PhaseName.CAPTURE_GRAPHS),
    ]
    over = with_downloads(boundaries, [Download(10.0, 20.0, True)], 99.0)
    assert over == (
        Boundary(0.0, PhaseName.LAUNCH),
        Boundary(10.0, PhaseName.DOWNLOAD),
        Boundary(20.0, PhaseName.COMPILE),
        Boundary(30.0, PhaseName.CAPTURE_GRAPHS),
    )
    going_on = with_downloads(boundaries[:2], [Download(15.0, 20.0, False)], 99.0)
    assert going_on == (*boundaries[:2], Boundary(15.0, PhaseName.DOWNLOAD))


# what a start waits for


@pytest.mark.parametrize(
    ("bar", "crawls"),
    [
        ("Capturing CUDA graphs: 10/70 [01:40<10:00, 10.0s/it]", True),
        ("Capturing CUDA graphs: 10/70 [01:40<10:00, 9.99s/it]", False),
        ("Capturing CUDA graphs: 10/70 [01:40<10:00, 10.0it/s]", False),
    ],
)
def test_a_capture_crawls_with_ten_minutes_to_go(bar: str, *, crawls: bool) -> None:
    assert (crawling_capture(bar) is not None) is crawls


@pytest.mark.parametrize(
    ("bar", "seconds"),
    [("3/15 [00:07<00:28]", 7.0), ("3/15 [02:03<00:28]", 123.0), ("3/15 [1:02:03<1:00]", 3723.0)],
)
def test_the_clock_of_a_bar(bar: str, seconds: float) -> None:
    assert bar_clock_s(bar) == seconds


def joins(rank: int, world: int) -> str:
    return (
        f"world_size={world} rank={rank} local_rank=0 distributed_init_method=tcp://10.0.0.1:29500"
        " backend=nccl"
    )


def test_ranks_wait_until_all_have_joined() -> None:
    assert Ranks().joined(joins(0, 1)) is None
    ranks = Ranks()
    first, second = ranks.joined(joins(0, 2)), ranks.joined(joins(1, 2))
    assert first is not None
    assert second is not None
    assert first.what.startswith("1 of 2 ranks wait at 10.0.0.1:29500 to join, and 1 of them")
    assert second.what.startswith("2 of 2 ranks wait at 10.0.0.1:29500 to join, until all are")


# memory and ranks


def sized(tokens: int, concurrency: float | None = None) -> KvCacheSized:
    return KvCacheSized(Stamp(0, 0), tokens, concurrency)


def test_the_smaller_kv_cache_counts_and_of_equal_ones_the_one_that_tells_more() -> None:
    assert smaller(None, sized(9)) == sized(9)
    assert smaller(sized(9), sized(8)) == sized(8)
    assert smaller(sized(8), sized(9)) == sized(8)
    assert smaller(sized(8), sized(8, 2.0)) == sized(8, 2.0)
    assert smaller(sized(8, 3.0), sized(8, 2.0)) == sized(8, 3.0)


def test_the_memory_of_a_start_is_the_largest_of_each_part() -> None:
    ranks = (RankMemory(0, 5.0, 2.0, None, 0.25), RankMemory(1, 4.0, 3.0, 0.5, None))
    found = start_memory(ranks, sized(1234, 2.5))
    assert memory_words(found) == (
        "weights 5.00 GiB, KV cache 3.00 GiB, CUDA graphs 0.50 GiB, activation peak 0.25 GiB,"
        " 1,234 tokens of KV cache, 2.50x maximum concurrency"
    )
    assert memory_words(StartMemory()) == ""


@pytest.mark.parametrize(
    ("process", "settings", "rank"),
    [
        ("Worker_TP3", {"tensor_parallel_size": "4"}, 3),
        ("Worker_PP1_TP3", {"tensor_parallel_size": "4", "pipeline_parallel_size": "2"}, 7),
        (
            "Worker_DP1_PP1_TP3",
            {
                "tensor_parallel_size": "4",
                "pipeline_parallel_size": "2",
                "data_parallel_size": "2",
            },
            15,
        ),
        (
            "Worker_DP1_TP1",
            {"tensor_parallel_size": "999999", "data_parallel_size": "2"},
            1_000_000,
        ),
        ("Worker_DP1_TP1", {"tensor_parallel_size": "1000000", "data_parallel_size": "2"}, 2),
        ("EngineCore_DP0", {}, None),
        ("EngineCore_DP0", {"data_parallel_size": "2"}, 0),
        ("EngineCore", {}, None),
    ],
)
def test_the_rank_that_the_name_of_a_process_means(
    process: str, settings: dict[str, str], rank: int | None
) -> None:
    assert global_rank(process, settings) == rank


@pytest.mark.parametrize(
    ("line", "stamp", "outer"),
    [
        (
            "Nov  1 07:00:39 gpu-host vllm[103]: 2026-11-21 08:09:22,123 - INFO - x - Using",
            "11-01 07:00:39",
            True,
        ),
        (
            "(EngineCore pid=5) 2026-11-21 08:09:22,123 - INFO - x - Using",
            "11-21 08:09:22.123",
            False,
        ),
    ],
)
def test_a_date_behind_a_prefix_is_the_time_of_another_logger(
    line: str, stamp: str, *, outer: bool
) -> None:
    found = head_of(line)
    assert (found.word, found.stamp, found.outer) == ("-", stamp, outer)
    assert line[found.offset :].startswith("- INFO")


def test_lines_keep_their_numbers_where_a_return_and_its_newline_are_parted() -> None:
    splitter = LineSplitter()
    assert (splitter.feed(b"a\r"), splitter.numbers) == (["a"], [1])
    assert (splitter.feed(b"\nb\n"), splitter.numbers) == (["b"], [2])
    assert (splitter.feed(b"c\rd\r"), splitter.numbers) == (["c", "d"], [3, 3])
    assert (splitter.feed(b"e\n\n"), splitter.numbers) == (["e", ""], [3, 4])
    assert (splitter.feed(b"f"), splitter.rest(), splitter.numbers) == ([], ["f"], [5])


@pytest.mark.parametrize(("size", "seen"), [(4 * 2**20, True), (4 * 2**20 + 1, False)])
def test_colours_without_escape_are_sought_everywhere_within_four_mebibytes(
    size: int, *, seen: bool
) -> None:
    line = "x" * 99
    lines = [line] * (size // 100)
    lines[len(lines) // 2] = f"[0;36mblue[0m{line[15:]}"[:99]
    text = "\n".join(lines).encode().ljust(size, b"y") + b"\n"
    found = [text for _, text in numbered_lines([text])]
    assert ("[0m" not in found[len(lines) // 2]) is seen


@pytest.mark.parametrize(
    ("total", "detail"),
    [
        (400, {"bytes": "100", "total_bytes": "400", "bytes_per_s": "20"}),
        (None, {"bytes": "100", "bytes_per_s": "20"}),
    ],
)
def test_a_download_tells_what_it_fetched_of_what_and_how_fast(
    total: int | None, detail: dict[str, str]
) -> None:
    at = Stamp(15.0, 15.0)
    facts: list[ServerFact] = [
        PhaseBegan(Stamp(0.0, 0.0), PhaseName.LAUNCH),
        DownloadSeen(at, Stamp(10.0, 10.0), 100, total, None, True),
        BecameReady(Stamp(20.0, 20.0)),
    ]
    state = begin("s", Stamp(0.0, 0.0))
    for fact in facts:
        state = apply(state, fact)
    found = as_start(state, Stamp(20.0, 20.0))
    assert [(each.name, each.start_s, each.duration_s) for each in found.phases] == [
        (PhaseName.LAUNCH, 0.0, 15.0),
        (PhaseName.DOWNLOAD, 10.0, 5.0),
    ]
    assert dict(found.phases[1].detail) == detail
    assert dict(found.phases[0].detail) == {"times": "2"}
