"""How much of a failure is kept, line by line, and whose line is the root."""

import pytest

from backends.domain.startup.crashes import is_native
from backends.domain.startup.lines import Record
from backends.domain.startup.root import Frame, Roots, interesting_frames

HEADER = "Traceback (most recent call last):"


def told(
    roots: Roots,
    *messages: str,
    process: str = "EngineCore",
    level: str = "ERROR",
    first: int = 1,
) -> Roots:
    """Roots that were shown these lines of one process."""
    for number, message in enumerate(messages, first):
        roots.consider(number, Record(process, None, level, "", "", message), "compile")
    return roots


def frame(number: int) -> str:
    return f'  File "/x/vllm/a{number}.py", line {number}, in f{number}'


def test_a_traceback_is_one_suspect_with_its_frames_and_place() -> None:
    roots = told(Roots(), HEADER, frame(1), "    call()", frame(2), "ValueError: no")
    (one,) = roots.suspects
    assert (one.number, one.line, one.process, one.place, one.phase) == (
        5,
        "ValueError: no",
        "EngineCore",
        1,
        "compile",
    )
    assert one.frames == [Frame("/x/vllm/a1.py", "1", "f1"), Frame("/x/vllm/a2.py", "2", "f2")]
    assert not roots.doubtful
    assert not roots.hopeless


@pytest.mark.parametrize(
    ("process", "place"),
    [("Worker_TP0", 0), ("rank 3", 0), ("EngineCore", 1), ("EngineCore_DP0", 1), ("APIServer", 2)],
)
def test_workers_come_before_the_engine_and_that_before_the_server(
    process: str, place: int
) -> None:
    (one,) = told(Roots(), "ValueError: no", process=process).suspects
    assert one.place == place
    assert one.rank() == (one.rank()[0], place, 1)


@pytest.mark.parametrize(
    ("function", "place"),
    [("worker_busy_loop", 0), ("worker_main", 0), ("run_engine_core", 1), ("main", 2)],
)
def test_where_no_prefix_says_whose_it_is_the_loop_of_the_process_does(
    function: str, place: int
) -> None:
    line = f'  File "/x/a.py", line 1, in {function}'
    (one,) = told(Roots(), HEADER, line, "ValueError: no", process="").suspects
    assert one.place == place


def test_a_traceback_has_its_sixty_innermost_frames() -> None:
    roots = told(Roots(), HEADER, *map(frame, range(1, 62)), "ValueError: no")
    assert [each.function for each in roots.suspects[0].frames] == [f"f{n}" for n in range(2, 62)]


def test_the_frames_of_a_crash_are_its_first_sixty_the_innermost_last() -> None:
    roots = told(Roots(), "Fatal Python error: Segmentation fault", *map(frame, range(1, 63)))
    assert roots.suspects[0].crash
    assert [each.function for each in roots.suspects[0].frames] == [
        f"f{n}" for n in range(60, 0, -1)
    ]


def test_a_message_goes_on_for_forty_lines_of_400_characters() -> None:
    lines = [f"  {number} {'x' * 500}" for number in range(41)]
    (one,) = told(Roots(), "ValueError: no", *lines).suspects
    assert [len(line) for line in one.more] == [400] * 40
    assert one.more[0].startswith("0 x")
    assert one.more[-1].startswith("39 x")


def test_a_line_has_2000_characters_and_a_text_6000() -> None:
    (one,) = told(Roots(), f"ValueError: {'x' * 3000}", *["  " + "y" * 390] * 40).suspects
    assert len(one.line) == 2000
    assert len(one.text) == 6000


def test_a_hundred_suspects_are_kept_the_first_ones() -> None:
    roots = Roots()
    for number in range(1, 103):
        told(roots, "ValueError: no", "INFO line", process=f"Worker_TP{number % 9}", first=number)
    assert [one.number for one in roots.suspects] == list(range(1, 101))


def test_a_hundred_severed_tracebacks_are_kept() -> None:
    roots = Roots()
    for number in range(1, 103):
        told(roots, HEADER, frame(number), "    call()", first=10 * number)
    assert len(roots.severed) == 101  # and the one that is still open
    assert roots.severed[0].line == frame(1).strip()
    assert [each.function for each in roots.severed[0].frames] == ["f1"]


@pytest.mark.parametrize(("processes", "kept"), [(63, True), (64, False)])
def test_of_more_than_64_processes_a_traceback_begins_anew(processes: int, *, kept: bool) -> None:
    roots = told(Roots(), HEADER, frame(1), process="Worker_TP0")
    for number in range(1, processes + 1):
        told(roots, "words", process=f"Worker_TP{number}")
    told(roots, "ValueError: no", process="Worker_TP0")
    assert bool(roots.suspects[0].frames) is kept


def test_what_native_code_said_is_its_last_eight_lines_before_a_crash() -> None:
    passed = [(number, f"[error] CUDA failure {number}: no") for number in range(1, 12)]
    roots = Roots()
    roots.native_before(passed, "compile")
    assert [one.number for one in roots.native] == [4, 5, 6, 7, 8, 9, 10, 11]
    roots.went_on("EngineCore")
    assert roots.native == []


def test_a_process_that_went_on_survived_what_it_met_and_others_did_not() -> None:
    roots = told(Roots(), "ValueError: no", process="Worker_TP0")
    told(roots, "ValueError: no", process="Worker_TP1", first=2)
    roots.went_on("Worker_TP0")
    assert [one.survived for one in roots.suspects] == [True, False]
    assert roots.suspects[0].rank() > roots.suspects[1].rank()


def test_a_chained_exception_takes_the_place_of_one_that_code_mostly_meets() -> None:
    during = "During handling of the above exception, another exception occurred:"
    passing = told(Roots(), "KeyError: 'x'", during, HEADER, frame(1), "RuntimeError: why")
    assert [one.line for one in passing.suspects] == ["RuntimeError: why"]
    telling = told(Roots(), "RuntimeError: why", during, HEADER, frame(1), "TypeError: no")
    assert [one.line for one in telling.suspects] == ["RuntimeError: why"]


def test_a_traceback_that_no_logger_wrote_is_doubtful_and_a_refused_command_line_hopeless() -> None:
    assert told(Roots(), HEADER, level="").doubtful
    assert told(Roots(), "ValueError: no", level="").doubtful
    assert not told(Roots(), "ValueError: no").doubtful
    refused = told(Roots(), "vllm serve: error: unrecognized arguments: --x", level="")
    assert refused.hopeless
    refused.forget()
    assert (refused.hopeless, refused.doubtful, refused.suspects) == (False, False, [])


def test_no_secret_of_a_line_is_kept() -> None:
    (one,) = told(Roots(), "ValueError: hf_abcdefghijk was refused").suspects
    assert one.line == "ValueError: *** was refused"


def test_frames_of_mere_dispatch_are_passed_over() -> None:
    frames = [
        Frame("/x/vllm/a.py", "1", "f"),
        Frame("/x/torch/nn/modules/module.py", "2", "g"),
        Frame("/usr/lib/python3.12/asyncio/base.py", "3", "h"),
    ]
    assert list(interesting_frames(frames)) == frames[:1]


@pytest.mark.parametrize(
    ("word", "native"),
    [
        ("host:3663:4", True),
        ("host:3663:4044", True),
        ("host:3663:x", False),
        ("host:3663", False),
        (":0:hip", True),
        ("[E1105", True),
        ("[F1105", True),
        ("[Exx", False),
        ("[I1105", False),
        ("/src/mem_heap.cpp:868:", True),
        ("hipErrorUnknown:", True),
        ("word", False),
    ],
)
def test_the_first_words_of_native_code(word: str, *, native: bool) -> None:
    assert is_native(word) is native
