"""The GPU table: every GPU with the processes on it and whose they are."""

from dataclasses import dataclass

from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.gpu import Gpu, GpuProcess, GpuSample
from widgets.columns import Column, FittedTable
from widgets.text import safe

_NOT_SAMPLED = GpuSample((), "not sampled yet")


@dataclass(frozen=True, slots=True)
class GpuTableView:
    """One sample of every GPU."""

    sample: GpuSample = _NOT_SAMPLED


@dataclass(frozen=True, slots=True)
class _Row:
    what: str
    memory: str = ""
    busy: str = ""
    power: str = ""
    heat: str = ""
    owner: str = ""
    source: str = ""
    reserved: str = ""


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("GPU / process", lambda row: row.what, 0, least=20, most=44),
    Column("GiB", lambda row: row.memory, 1, right=True),
    Column("owner", lambda row: row.owner, 2, least=11, most=24),
    Column("busy", lambda row: row.busy, 3, right=True),
    Column("power", lambda row: row.power, 4, right=True),
    Column("temp", lambda row: row.heat, 5, right=True),
    Column("reserved", lambda row: row.reserved, 7, right=True),
    Column("source", lambda row: row.source, 6, least=14, most=60),
)


class GpuTable(FittedTable[_Row]):
    """One row for each GPU, one for each process below it."""

    BORDER_TITLE = "GPUs"
    COLUMNS = _COLUMNS

    view: reactive[GpuTableView] = reactive(GpuTableView())

    def reason(self) -> str:
        """Return why there is no GPU."""
        return safe(self.view.sample.reason) or "no GPU"

    def records(self) -> list[tuple[str | None, _Row]]:
        """Return the rows of every GPU."""
        return [(None, row) for row in table_rows(self.view)]


def table_rows(view: GpuTableView) -> list[_Row]:
    """Return the rows of every GPU."""
    return [row for gpu in view.sample.gpus for row in _gpu_rows(gpu)]


def _gpu_rows(gpu: Gpu) -> list[_Row]:
    memory = gpu.memory
    partition = f" {gpu.partition}" if gpu.partition else ""
    head = _Row(
        what=f"▦ {gpu.index} {safe(gpu.name + partition)}",
        memory=f"{fmt.gib(memory.used_bytes)}/{fmt.gib(memory.total_bytes)}",
        busy=fmt.whole(gpu.busy_percent, "%"),
        power=fmt.whole(gpu.power_w, "W"),
        heat=fmt.whole(gpu.temperature_c, "°C"),
        owner="unified" if memory.unified else "",
        source=safe(memory.source),
        reserved=fmt.gib(memory.reserved_bytes),
    )
    rows = [_process_row(process) for process in gpu.processes or ()]
    if not rows:
        rows = [_Row(f"  └ {f'{UNKNOWN} processes' if gpu.processes is None else 'no process'}")]
    return [head, *rows]


def _process_row(process: GpuProcess) -> _Row:
    other = f"✖ {safe(process.whose) or 'not ours'}"
    owner = {"other": other, "": f"{UNKNOWN} unknown"}.get(
        process.owner, f"● {safe(process.owner)}"
    )
    return _Row(
        what=f"  └ {process.pid} {safe(process.name)}",
        memory=fmt.gib(process.used_bytes),
        owner=owner,
    )
