"""What a start says that it waits for: ranks that have not joined, a capture that crawls."""

from backends.domain.facts import StartWaits
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome
from backends.domain.startup.reader import StartReader
from tests.backends.domain.startup.logs import only_start


def _reasons(*lines: str) -> list[str]:
    reader = StartReader()
    facts = [fact for place, line in enumerate(lines) for fact in reader.feed(_at(place), line)]
    return [fact.reason for fact in facts if isinstance(fact, StartWaits)]


def _at(second: int) -> Stamp:
    return Stamp(float(second), float(second))


RANK = (
    "(Worker pid={pid}) INFO 09-14 07:07:21 [parallel_state.py:1638] world_size={world} "
    "rank={rank} local_rank={rank} distributed_init_method=tcp://10.0.0.1:29501 backend=nccl"
)


def test_ranks_that_wait_for_others_say_how_many_are_there() -> None:
    lines = [RANK.format(pid=30 + rank, world=16, rank=rank) for rank in range(8)]
    reasons = _reasons(*lines)
    assert len(reasons) == 8
    assert reasons[-1].startswith("8 of 16 ranks wait at 10.0.0.1:29501 to join, and 8 of them are")
    assert "VLLM_HOST_IP" in reasons[-1]
    assert _reasons(RANK.format(pid=3, world=1, rank=0)) == []


def test_a_log_that_ends_while_ranks_wait_says_so() -> None:
    lines = [RANK.format(pid=30 + rank, world=16, rank=rank) for rank in range(8)]
    start = only_start(("\n".join((ENGINE, *lines)) + "\n").encode())
    assert start.outcome is Outcome.INCOMPLETE
    assert start.standing is not None
    assert "8 of 16 ranks wait" in start.standing
    joined = (
        "(Worker pid=30) INFO 09-14 07:07:25 [parallel_state.py:1716] rank 0 in world size 16 is "
        "assigned as DP rank 0"
    )
    start = only_start(("\n".join((ENGINE, *lines, joined)) + "\n").encode())
    assert "ranks wait" not in (start.standing or "")


ENGINE = (
    "(EngineCore pid=90) INFO 09-14 07:07:06 [core.py:116] Initializing a V1 LLM engine (v0.26.0) "
    "with config: model='org/model-a', tensor_parallel_size=16"
)
BAR = "Capturing CUDA graphs (decode, FULL):   6%|▌         | {done}/51 [09:40<{left}, {each}/it]"


def test_a_capture_that_crawls_says_how_long_it_will_take_until_it_goes_on() -> None:
    crawls = BAR.format(done=3, left="2:40:00", each="190.35s")
    (reason,) = _reasons(ENGINE, crawls)
    assert reason.startswith("the capture of CUDA graphs crawls: 3 of 51, 190 s each, about 3 h to")
    assert "cudagraph_capture_sizes" in reason
    start = only_start(f"{ENGINE}\n{crawls}\n".encode())
    assert "crawls" in (start.standing or "")
    again = BAR.format(done=50, left="00:03", each="3.1s")
    assert _reasons(ENGINE, crawls, again) == [reason, ""]


def test_a_capture_of_a_usual_pace_waits_for_nothing() -> None:
    assert _reasons(ENGINE, BAR.format(done=1, left="04:03", each="3.69s")) == []
    assert (
        _reasons(ENGINE, BAR.format(done=2, left="00:02", each="14.28it").replace("/it", "/s"))
        == []
    )
