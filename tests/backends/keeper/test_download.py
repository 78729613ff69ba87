"""What is seen of a download in the cache, and of what is none."""

import sys
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from backends.discovery.surroundings import Surroundings
from backends.domain.facts import DownloadSeen, FirstTokenSeen, PhaseReported, ServerFact
from backends.domain.stamp import Stamp
from backends.domain.start import Phase, PhaseName, Start
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.state import begin
from backends.keeper import client
from backends.keeper.download import DownloadMeter, left_open
from backends.keeper.model_cache import Cached, cache_folders, look
from backends.keeper.order import LaunchOrder
from tests.backends.keeper.conftest import Bench, everything, free_port, until

MB = 1 << 20
NOTHING = Cached(0, {}, 0, None)


def at(seconds: float) -> Stamp:
    return Stamp(seconds, 1.8e9 + seconds)


def coming(size_mb: int, *, index_mb: int | None = None) -> Cached:
    index = None if index_mb is None else index_mb * MB
    return Cached(size_mb * MB, {"a.incomplete": size_mb * MB}, size_mb * MB, index)


def done(size_mb: int) -> Cached:
    return Cached(size_mb * MB, {}, size_mb * MB, None)


def seen(first: Cached, *looks: tuple[float, Cached]) -> list[DownloadSeen]:
    meter = DownloadMeter(at(0), first)
    told = [meter.see(at(seconds), cached) for seconds, cached in looks]
    return [fact for fact in told if fact is not None]


def test_a_download_from_its_first_byte_to_its_last() -> None:
    facts = seen(
        NOTHING,
        (1, NOTHING),
        (2, coming(100, index_mb=400)),
        (3, coming(300, index_mb=400)),
        (4, done(400)),
        (5, done(400)),
        (6, done(400)),
        (7, done(400)),
        (8, done(400)),
    )
    assert {fact.since for fact in facts} == {at(1)}
    assert [fact.fetched_bytes // MB for fact in facts] == [100, 300, 400, 400, 400, 400]
    assert facts[0].total_bytes == facts[1].total_bytes == 400 * MB
    assert facts[1].bytes_per_s == 150 * MB
    assert [fact.over for fact in facts] == [False] * 5 + [True]
    assert facts[-1].at == at(4)


def test_what_lay_there_before_was_not_fetched() -> None:
    (fact,) = seen(coming(250, index_mb=400), (1, coming(300, index_mb=400)))
    assert (fact.fetched_bytes, fact.total_bytes) == (50 * MB, 150 * MB)


def test_a_stalled_download_goes_on_until_its_file_is_whole() -> None:
    stalled = [(float(seconds), coming(100)) for seconds in range(1, 60)]
    facts = seen(NOTHING, *stalled)
    assert not any(fact.over for fact in facts)
    assert facts[-1].bytes_per_s == 0


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (coming(100), coming(100)),
        (done(100), done(100)),
        (done(100), replace(done(100), size_bytes=100 * MB + 60_000)),
        (done(100), done(40)),
    ],
    ids=["left unfinished long ago", "all here", "its configuration only", "thrown away"],
)
def test_no_download_is_told_of_none(first: Cached, then: Cached) -> None:
    assert seen(first, *((float(seconds), then) for seconds in range(1, 10))) == []


def test_a_file_that_begins_anew_takes_nothing_from_what_was_fetched() -> None:
    facts = seen(NOTHING, (1, coming(100)), (2, coming(0)), (3, coming(50)))
    assert [fact.fetched_bytes // MB for fact in facts] == [100, 100, 150]


def test_a_killed_keepers_download_is_closed_where_it_was_last_seen() -> None:
    open_one = DownloadSeen(at(3), at(1), 5, None, None)
    assert left_open([open_one]) == replace(open_one, over=True)
    assert left_open([replace(open_one, over=True)]) is None
    assert left_open([]) is None


def test_the_cache_is_that_of_the_servers_environment(tmp_path: Path) -> None:
    around = Surroundings(tmp_path, tmp_path, {"HF_HOME": str(tmp_path / "hf")})
    hub = tmp_path / "hf" / "hub" / "models--org--name"
    assert cache_folders(("vllm", "serve", "org/name"), around) == (hub,)
    api_equivalent = ("vllm", "serve", "org/name", "--download-dir", "/data")
    assert cache_folders(api_equivalent, around) == (hub, Path("/data/models--org--name"))
    (tmp_path / "local").mkdir()
    for model in ("local", "s3://bucket/model", str(tmp_path)):
        assert cache_folders(("vllm", "serve", model), around) == ()


def test_a_look_counts_what_came_not_what_was_made_room_for(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "whole").write_bytes(b"x" * 10_000)
    (snapshot / "model-00001-of-00002.safetensors").symlink_to("../../blobs/whole")
    with (blobs / "half.incomplete").open("wb") as file:
        file.truncate(50 * MB)
        file.write(b"x" * MB)
    weight_map = ", ".join(f'"layer.{n}": "model-00001-of-00002.safetensors"' for n in range(500))
    (snapshot / "model.safetensors.index.json").write_text(
        f'{{"weight_map": {{{weight_map}}}, "metadata": {{"total_size": 123456}}}}'
    )
    cached = look((tmp_path, tmp_path / "not-there"))
    assert cached.index_bytes == 123456
    assert MB <= cached.unfinished["half.incomplete"] < 2 * MB
    assert cached.size_bytes == 10_000 + cached.unfinished["half.incomplete"]
    assert cached.weights_bytes == cached.size_bytes


@pytest.mark.slow
async def test_a_start_that_fetches_its_model(bench: Bench, tmp_path: Path) -> None:
    facts = await _started(bench, tmp_path, INFERCTL_SIMULATED_DOWNLOAD=f"{24 * MB}@80")
    start = _start(facts)
    download = _phase(start, PhaseName.DOWNLOAD)
    assert download is not None
    assert download.duration_s == pytest.approx(2.0, abs=1.0)
    assert download.reported_s == pytest.approx(2.0)
    detail = dict(download.detail)
    assert (int(detail["bytes"]), int(detail["total_bytes"])) == (24 * MB, 24 * MB)
    assert float(detail["bytes_per_s"]) == pytest.approx(12 * MB, rel=0.5)
    named_s = sum(phase.duration_s or 0 for phase in start.phases)
    assert named_s + start.unlogged_s == pytest.approx(start.total_s, abs=1e-6)
    assert any(isinstance(fact, PhaseReported) for fact in facts)
    again = _start(await _started(bench, tmp_path))
    assert _phase(again, PhaseName.DOWNLOAD) is None


async def _started(bench: Bench, hub: Path, **environment: str) -> list[ServerFact]:
    port = free_port()
    command = "-m backends.simulated.vllm serve org/model --served-model-name simulated"
    order = LaunchOrder(
        server="simulated",
        argv=(sys.executable, *command.split(), "--port", str(port)),
        environment={
            "INFERCTL_SIMULATED_SPEED": "40",
            "HF_HUB_CACHE": str(hub),
            **environment,
        },
        host="127.0.0.1",
        port=port,
        model="simulated",
        start_id=uuid4().hex,
        term_grace_s=2.0,
    )
    folder = bench.launch(order)
    facts = await until(client.follow(folder), FirstTokenSeen, within_s=60)
    await everything(client.stop(folder, "test"))
    return facts


def _start(facts: list[ServerFact]) -> Start:
    state = begin("id", facts[0].at)
    for fact in facts:
        state = apply(state, fact)
    return as_start(state, facts[-1].at)


def _phase(start: Start, name: PhaseName) -> Phase | None:
    return next((phase for phase in start.phases if phase.name is name), None)


def test_a_download_is_told_of_from_its_first_mebibyte_on() -> None:
    one_less = replace(coming(1), size_bytes=MB - 1)
    assert seen(NOTHING, (1, one_less)) == []
    (fact,) = seen(NOTHING, (1, coming(1)))
    assert fact.fetched_bytes == MB


def test_a_download_is_told_of_once_a_second() -> None:
    facts = seen(NOTHING, (1, coming(5)), (1.9, coming(6)), (2.0, coming(7)))
    assert [fact.fetched_bytes // MB for fact in facts] == [5, 7]


def test_a_download_is_over_when_nothing_came_for_three_seconds() -> None:
    facts = seen(NOTHING, (1, done(5)), (3.9, done(5)), (4.0, done(5)))
    assert [fact.over for fact in facts] == [False, False, True]
    assert facts[-1].at == at(1)


def test_the_rate_of_a_download_is_that_of_its_last_five_seconds() -> None:
    looks = [(1.0 + second, coming(10 * (second + 1))) for second in range(5)]
    facts = seen(NOTHING, *looks, (6.0, coming(160)))
    # From the look at 1 s, when 10 MiB were there, to the one at 6 s.
    assert facts[-1].bytes_per_s == 150 / 5 * MB


def test_what_was_thrown_away_was_not_fetched() -> None:
    facts = seen(done(50), (1, done(20)), (2, coming(30)))
    assert [fact.fetched_bytes // MB for fact in facts] == [10]
