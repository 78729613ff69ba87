"""The recorded logs, and what was read in them."""

from pathlib import Path

from backends.domain.start import Start
from backends.domain.startup.explain import explain
from backends.domain.startup.lines import numbered_lines

DATA = Path(__file__).resolve().parents[3] / "data" / "startup"
REDUCED = Path(__file__).resolve().parents[3] / "data" / "logs"


def recorded(name: str) -> bytes:
    return (DATA / f"vllm_0.32.0_cpu_{name}.log").read_bytes()


def starts_in(log: bytes | str) -> list[Start]:
    return explain(numbered_lines([log.encode() if isinstance(log, str) else log]))


def only_start(log: bytes | str) -> Start:
    (start,) = starts_in(log)
    return start


def durations(start: Start) -> dict[str, float | None]:
    return {phase.name.value: phase.duration_s for phase in start.phases}
