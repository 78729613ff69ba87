import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.facts import PhaseProgressed
from backends.domain.session import Session, advance
from backends.domain.start import PhaseName
from backends.gpus.source import GpuSource
from backends.settings.config import Profile, Settings
from console import sources
from console.desk import Desk
from console.machine import Machine
from console.views.startup import startup_view
from tests.console import sessions

MODEL = "org/model"


def _no_gpus() -> GpuSource:
    raise AssertionError("a download samples no GPU")


async def test_what_is_fetched_during_a_start_is_told_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "DOWNLOAD_S", 0.01)
    blobs = tmp_path / "models--org--model" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "here-before").write_bytes(b"x" * 1000)
    starting = sessions.STARTING
    assert starting.life is not None
    profile = Profile(
        name=starting.life.server.name,
        model=MODEL,
        environment=(("HF_HUB_CACHE", str(tmp_path)),),
    )
    machine = Machine(Settings(servers=(profile,)), tmp_path, tmp_path / "history", _no_gpus)
    looked = asyncio.Event()

    def look() -> Session:
        looked.set()
        return starting

    async def grow() -> None:
        await looked.wait()
        while True:
            with (blobs / "weights.incomplete").open("ab") as file:
                file.write(b"x" * 4096)
            await asyncio.sleep(0.05)

    growing = asyncio.create_task(grow())
    async with asyncio.timeout(20), aclosing(sources.downloads(machine, look)) as facts:
        fact = await anext(facts)
    growing.cancel()
    assert isinstance(fact, PhaseProgressed)
    assert fact.item == "bytes"
    assert fact.total is None
    shown = startup_view(advance(starting, replace(fact, done=2_500_000_000)), Desk(Settings()))
    (running,) = [row for row in shown.phases if row.duration_s is None and row.start_s is not None]
    assert (running.name, running.item) == (PhaseName.LOAD_WEIGHTS, "fetched 2.5 GB")
