"""What drivers may do, what the console then shows, and whether it lives: `make stub-matrix`.

Each row runs in a process of its own that watches the GPUs as the console does, over NVIDIA's real
binding and a library compiled here, a made tree of an AMD card, and four published generations of
AMD's binding over libraries of the same and of other generations. Needs gcc, but no GPU. A row
tells what was simulated, what was shown, how it ended, the longest time its event loop stood still,
how long it took to leave, and how soon after the fault was mended the next good sample came.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.domain.gpu import Gpu, GpuSample
from backends.domain.gpu_remarks import remarks
from backends.gpus.detect import open_gpus
from backends.gpus.proc import Proc
from backends.gpus.watch import watch_gpus
from tests.backends.gpus import amdsmi_bindings, amdsmi_library, nvml_stub
from tests.backends.gpus.amd_tree import GIB, add_card, add_node, add_process
from tests.backends.gpus.situations import SITUATIONS, Keys, Situation

ROOT = Path(__file__).resolve().parents[3]
BDF = "0000:c1:00.0"
SHOWN_WITHIN_S = 15.0
MENDED_WITHIN_S = 75.0
AT_ONCE = 6


@dataclass(frozen=True)
class Row:
    """One line of the table; `good_again_s` is None where nothing was to be mended."""

    name: str
    simulated: str
    shown: str
    as_expected: bool
    lived: bool
    longest_stall_s: float
    left_s: float
    good_again_s: float | None


def main(arguments: list[str]) -> None:
    """Print the table; ``--row NAME FOLDER`` is one row of it, as JSON."""
    if arguments[:1] == ["--row"]:
        print(json.dumps(asdict(asyncio.run(_observe(_named(arguments[1]), Path(arguments[2]))))))
        return
    amdsmi_bindings.fetch()
    rows = list(run_rows(SITUATIONS))
    print(f"{'situation':33} {'lived':5} {'stall':>6} {'left':>6} {'good again':>10}  shown")
    for row in rows:
        again = "—" if row.good_again_s is None else f"{row.good_again_s:.1f} s"
        stall, left = f"{row.longest_stall_s * 1000:.0f} ms", f"{row.left_s * 1000:.0f} ms"
        verdict = "yes" if row.lived else "NO"
        wrong = "" if row.as_expected else "NOT AS EXPECTED: "
        print(f"{row.name:33} {verdict:5} {stall:>6} {left:>6} {again:>10}  {wrong}{row.shown}")
    failed = [row.name for row in rows if not (row.lived and row.as_expected)]
    print(f"{len(rows)} situations, {len(failed)} not as expected")
    sys.exit(bool(failed))


def run_rows(situations: Iterable[Situation]) -> Iterator[Row]:
    """Yield a row for each situation; the libraries are compiled once."""
    chosen = sorted(situations, key=lambda each: not each.slow)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = Path(name)
        _compile(folder, chosen)
        yield from pool.map(lambda each: _run(each, folder), chosen)


def _compile(folder: Path, situations: list[Situation]) -> None:
    (folder / "nvml").mkdir()
    (folder / "amdsmi").mkdir()
    nvml_stub.build(folder / "nvml")
    for kind, content in (("empty", b""), ("text", b"version 580\n")):
        (folder / "nvml" / kind).mkdir()
        (folder / "nvml" / kind / "libnvidia-ml.so.1").write_bytes(content)
    (folder / "nvml/external").mkdir()
    (folder / "nothing.c").write_text("int nothing(void) { return 0; }\n")
    order = ["gcc", "-shared", "-fPIC", "-o", str(folder / "nvml/external/libnvidia-ml.so.1")]
    subprocess.run([*order, str(folder / "nothing.c")], check=True)
    for library in {each.binding[1] for each in situations if each.binding and each.binding[1]}:
        gone = ("amdsmi_gpu_driver_reload", "amdsmi_set_gpu_clk_range") if library == "10" else ()
        place = folder / "amdsmi" / library
        amdsmi_library.build(place, "7.0.2" if library == "10" else library, without=gone)


def _run(situation: Situation, libraries: Path) -> Row:
    folder = Path(tempfile.mkdtemp(dir=libraries))
    environment = os.environ | {
        "NVML_STUB": str(folder / "nvml-state"),
        "LD_LIBRARY_PATH": str(libraries / "nvml" / (situation.library or "none")),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("ROCM_HOME", None)
    if situation.binding:
        version, library = situation.binding
        (folder / "rocm/share").mkdir(parents=True)
        (folder / "rocm/share/amd_smi").symlink_to(amdsmi_bindings.folder(version))
        if library:
            (folder / "rocm/lib").symlink_to(libraries / "amdsmi" / library / "lib")
            for each in (libraries / "amdsmi" / library).glob("*.bin"):
                (folder / each.name).symlink_to(each)
            amdsmi_library.say(folder, {})
        environment |= {"ROCM_PATH": str(folder / "rocm"), "AMDSMI_LIBRARY": str(folder)}
    order = [sys.executable, "-m", "tests.backends.gpus.stub_matrix", "--row"]
    try:
        done = subprocess.run(
            [*order, situation.name, str(folder)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=2 * SHOWN_WITHIN_S + MENDED_WITHIN_S + 20,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Row(situation.name, situation.simulated, "hung", False, False, 0.0, 0.0, None)
    if done.returncode != 0:
        told = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return Row(situation.name, situation.simulated, told[0], False, False, 0.0, 0.0, None)
    return Row(**json.loads(done.stdout))


def _named(name: str) -> Situation:
    return next(each for each in SITUATIONS if each.name == name)


class _Pulse:
    """Measures how long the event loop stands still, as a frame would wait for it."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def beat(self) -> None:
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(0.01)
            self.longest_s = max(self.longest_s, time.monotonic() - before_s - 0.01)


async def _observe(situation: Situation, folder: Path) -> Row:
    driver = nvml_stub.Driver(folder / "nvml-state")
    driver.put({**nvml_stub.H200, **situation.nvidia})
    source = open_gpus(sysfs=_made_sysfs(folder, situation), proc=made_proc(folder / "proc"))
    pulse = _Pulse()
    beating = asyncio.create_task(pulse.beat())
    watching = watch_gpus(source, every_s=lambda: 0.25, processes_every_s=lambda: 0.5)
    good_again_s = None
    async with aclosing(watching) as facts:
        if situation.breaks is not None:
            await _until(facts, _is_good, SHOWN_WITHIN_S)
            _change(situation, driver, folder, situation.breaks)
        expected = situation.shown
        shown = await _until(
            facts, lambda text: all(word in text for word in expected), SHOWN_WITHIN_S
        )
        if situation.mends:
            mended_s = time.monotonic()
            keys = situation.breaks if situation.breaks is not None else situation.nvidia
            _change(situation, driver, folder, dict.fromkeys(keys))
            if "—" not in await _until(facts, _is_good, MENDED_WITHIN_S):
                good_again_s = time.monotonic() - mended_s
        leaving_s = time.monotonic()
    beating.cancel()
    return Row(
        situation.name,
        situation.simulated,
        shown,
        all(word in shown for word in expected) and situation.mends == (good_again_s is not None),
        True,
        pulse.longest_s,
        time.monotonic() - leaving_s,
        good_again_s,
    )


def _change(situation: Situation, driver: nvml_stub.Driver, folder: Path, keys: Keys) -> None:
    if situation.in_binding:
        amdsmi_library.say(folder, {name: value for name, value in keys.items() if value})
    else:
        driver.put(dict(keys))


async def _until(facts, holds, within_s: float) -> str:  # type: ignore[no-untyped-def]
    """Return what is shown when it holds, or what was shown last."""
    text, deadline_s = "", time.monotonic() + within_s
    async for fact in facts:
        text = shown_of(fact.sample)
        if holds(text) or time.monotonic() > deadline_s:
            break
    return text


def _is_good(text: str) -> bool:
    return "GiB" in text and "—" not in text and "no power" not in text


def shown_of(sample: GpuSample) -> str:
    """Return a sample as one line of the table."""
    told = [_told(gpu) for gpu in sample.gpus]
    return " | ".join([*told, sample.reason] if sample.reason else told)


def _told(gpu: Gpu) -> str:
    memory = gpu.memory
    used, total, reserved = (
        "—" if size is None else f"{size / GIB:.1f}"
        for size in (memory.used_bytes, memory.total_bytes, memory.reserved_bytes)
    )
    held = [
        f"{each.pid} {'—' if each.used_bytes is None else f'{each.used_bytes / GIB:.0f}'} GiB"
        for each in gpu.processes or ()
    ]
    words = [
        f"{gpu.name} {gpu.partition}".strip(),
        f"{used}/{total} GiB",
        "" if reserved == "—" else f"{reserved} GiB reserved",
        "" if gpu.power_w is None else f"{gpu.power_w:.0f} W",
        memory.source,
        *held,
        *remarks(gpu),
    ]
    return "; ".join(word for word in words if word)


def _made_sysfs(folder: Path, situation: Situation) -> Path:
    root = folder / "sys"
    root.mkdir()
    if situation.amd is None:
        return root
    if situation.binding:
        (root / "module/amdgpu").mkdir(parents=True)
    files = dict(situation.amd)
    add_card(root, 0, BDF, files)
    for node in range(8 if files.get("current_compute_partition") == "CPX" else 1):
        add_node(root, node + 1, 100 + node, 0xC100 | node)
    add_process(root, 4711, {100: 30 * GIB})
    return root


def made_proc(root: Path) -> Proc:
    """Make a process file system with one process, on a host with 121 GiB."""
    (root / "4711").mkdir(parents=True)
    (root / "4711/cmdline").write_bytes(b"VLLM::EngineCore\0")
    kib = 121 * 1024 * 1024
    (root / "meminfo").write_text(f"MemTotal: {kib} kB\nMemAvailable: {kib // 4} kB\n")
    return Proc(root)


if __name__ == "__main__":
    main(sys.argv[1:])
