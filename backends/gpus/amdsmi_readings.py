"""What AMD's binding says of each GPU, whichever version of it answers, and what to doubt.

Versions differ in keys and units, write ``"N/A"`` for unknown, and read garbage from a library
whose structures have other sizes. So every answer is looked up by all its known names and held
against what is physically possible.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_POWER_KEYS = ("socket_power", "current_socket_power", "average_socket_power")
_MOST_POWER_W = 5000
_MOST_CELSIUS = 150
_FIRST_LIBRARY = 23
_LISTS_OWN_PROCESSES_SINCE = 27
"""Library 27 is ROCm 10; before it a process is listed under every GPU."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One GPU or partition as the binding sees it; None for what it does not say.

    Attributes:
        processes: pid and bytes of video memory; None where they were not asked or not given.
        reasons: why a figure is None, as field name and sentence.
        doubts: figures that cannot be, which show a binding that does not fit its library.
    """

    bdf: str
    name: str = ""
    uuid: str = ""
    vram_total: int | None = None
    vram_used: int | None = None
    gtt_total: int | None = None
    gtt_used: int | None = None
    busy_percent: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    partition: str = ""
    processes: tuple[tuple[int, int | None], ...] | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One line from the child process: readings, or the sentence that says why there are none."""

    readings: tuple[Reading, ...] = ()
    library: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


def library_version(binding: Any) -> str:
    """Return the library's version such as ``26.0.2``, empty if it does not tell."""
    version = _ask(binding, "amdsmi_get_lib_version")
    if not isinstance(version, dict):
        return ""
    return ".".join(str(version.get(key, "?")) for key in ("major", "minor", "release"))


def is_library_version(library: str) -> bool:
    """Return whether a version can be one; AMD's libraries began with 23 (ROCm 5.7)."""
    major = library.partition(".")[0]
    return not library or (major.isdigit() and int(major) >= _FIRST_LIBRARY)


def read_all(binding: Any, library: str, *, processes: bool) -> Answer:
    """Return one reading for each processor handle."""
    handles = _ask(binding, "amdsmi_get_processor_handles")
    if isinstance(handles, _Failure):
        return Answer(library=library, failed=handles.reason)
    major = library.partition(".")[0]
    shared = len(handles) > 1 and major.isdigit() and int(major) < _LISTS_OWN_PROCESSES_SINCE
    readings = tuple(
        _read(binding, handle, processes=processes, shared=shared) for handle in handles
    )
    return Answer(readings, library)


def _read(binding: Any, handle: Any, *, processes: bool, shared: bool) -> Reading:
    figures: dict[str, Any] = {
        "busy_percent": _busy(binding, handle),
        "power_w": _power(binding, handle),
        "temperature_c": _temperature(binding, handle),
    }
    for kind in ("vram", "gtt"):
        for what, call in (("total", "memory_total"), ("used", "memory_usage")):
            figures[f"{kind}_{what}"] = _memory(binding, handle, f"amdsmi_get_gpu_{call}", kind)
    if processes:
        figures["processes"] = _processes(binding, handle, shared=shared)
    asic = _ask(binding, "amdsmi_get_gpu_asic_info", handle)
    known = {name: None if isinstance(it, _Failure) else it for name, it in figures.items()}
    return Reading(
        bdf=_word(_ask(binding, "amdsmi_get_gpu_device_bdf", handle)).lower(),
        name=_word(asic.get("market_name", "")) if isinstance(asic, dict) else "",
        uuid=_word(_ask(binding, "amdsmi_get_gpu_device_uuid", handle)),
        partition=_partition(binding, handle),
        reasons=tuple(
            (name, it.reason) for name, it in figures.items() if isinstance(it, _Failure)
        ),
        doubts=tuple(_doubts(known)),
        **known,
    )


def _doubts(known: dict[str, Any]) -> Iterator[str]:
    power, celsius, busy = (known[name] for name in ("power_w", "temperature_c", "busy_percent"))
    if power is not None and not 0 <= power < _MOST_POWER_W:
        yield f"a power of {power:.0f} W"
    if celsius is not None and not -50 < celsius < _MOST_CELSIUS:
        yield f"a temperature of {celsius:.0f} °C"
    if busy is not None and not 0 <= busy <= 100:
        yield f"an activity of {busy:.0f} %"
    for kind in ("vram", "gtt"):
        total, used = known[f"{kind}_total"], known[f"{kind}_used"]
        if total is not None and used is not None and used > total:
            yield f"{used} of {total} bytes of {kind} used"
    for pid, used in known.get("processes") or ():
        if pid <= 0:
            yield f"a process with pid {pid}"
        elif used is not None and used > max(known["vram_total"] or 0, known["gtt_total"] or 0):
            yield f"a process with {used} bytes"


def _busy(binding: Any, handle: Any) -> float | _Failure:
    activity = _ask(binding, "amdsmi_get_gpu_activity", handle)
    return _first_number(activity, ("gfx_activity",), "activity")


def _power(binding: Any, handle: Any) -> float | _Failure:
    return _first_number(_ask(binding, "amdsmi_get_power_info", handle), _POWER_KEYS, "power")


def _temperature(binding: Any, handle: Any) -> float | _Failure:
    kinds = getattr(binding, "AmdSmiTemperatureType", None)
    metric = getattr(binding, "AmdSmiTemperatureMetric", None)
    answer: Any = _Failure("the binding has no temperature types")
    for kind in ("JUNCTION", "HOTSPOT", "EDGE"):
        if hasattr(kinds, kind) and hasattr(metric, "CURRENT"):
            chosen = (getattr(kinds, kind), getattr(metric, "CURRENT", None))
            answer = _ask(binding, "amdsmi_get_temp_metric", handle, *chosen)
            if isinstance(answer, int | float):
                return float(answer)
    return answer if isinstance(answer, _Failure) else _Failure(f"temperature is {answer!r}")


def _memory(binding: Any, handle: Any, call: str, kind: str) -> int | _Failure:
    chosen = getattr(getattr(binding, "AmdSmiMemoryType", None), kind.upper(), None)
    answer = _ask(binding, call, handle, chosen)
    if isinstance(answer, int):
        return answer
    return answer if isinstance(answer, _Failure) else _Failure(f"{kind} is {answer!r}")


def _processes(
    binding: Any, handle: Any, *, shared: bool
) -> tuple[tuple[int, int | None], ...] | _Failure:
    if shared:
        return _Failure("this ROCm lists every process under every GPU (fixed in ROCm 10)")
    listed = _ask(binding, "amdsmi_get_gpu_process_list", handle)
    if isinstance(listed, _Failure):
        return listed
    found = []
    for entry in listed:
        if not isinstance(entry, dict) or not isinstance(entry.get("pid"), int):
            return _Failure(f"the binding lists processes as {type(entry).__name__}")
        memory = entry.get("memory_usage")
        used = memory.get("vram_mem") if isinstance(memory, dict) else entry.get("mem")
        found.append((entry["pid"], used if isinstance(used, int) else None))
    return tuple(found)


def _partition(binding: Any, handle: Any) -> str:
    modes = (
        _word(_ask(binding, f"amdsmi_get_gpu_{kind}_partition", handle))
        for kind in ("compute", "memory")
    )
    return "/".join(mode for mode in modes if mode and mode != "UNKNOWN")


def _first_number(answer: Any, keys: tuple[str, ...], what: str) -> float | _Failure:
    if isinstance(answer, _Failure):
        return answer
    for key in keys:
        value = answer.get(key) if isinstance(answer, dict) else None
        if isinstance(value, int | float):
            return float(value)
    return _Failure(f"this GPU does not report its {what}")


def _word(answer: Any) -> str:
    return answer if isinstance(answer, str) and answer != "N/A" else ""


def _ask(binding: Any, call: str, *arguments: Any) -> Any:
    """Return what a call gives, or a failure that tells the exception, of whatever class it is.

    The bindings raise KeyError, AttributeError, UnicodeDecodeError and their own classes, which
    differ by version; none of them is worth losing the other figures for.
    """
    try:
        return getattr(binding, call)(*arguments)
    except Exception as error:
        return _Failure(f"{call}: {' '.join(str(error).split()) or type(error).__name__}")
