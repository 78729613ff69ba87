"""Judges what every vLLM host needs: files, memory, disk, compiler, clock and terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from backends.discovery.finding import Finding
from backends.domain.format import GIB

_WANTED_OPEN_FILES = 65_535  # the limit that vLLM raises itself to, as far as the hard one lets it
_LEAST_SHARED_MEMORY_BYTES = GIB
_LEAST_DISK_BYTES = GIB
_WANTED_DISK_BYTES = 20 * GIB
_EARLIEST_SANE_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_LATEST_SANE_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


def open_files(hard_limit: int | None) -> Finding:
    """Judge the hard limit of open files, None for no limit: each request holds one."""
    if hard_limit is None or hard_limit >= _WANTED_OPEN_FILES:
        return Finding("open files", "ok", f"limit {hard_limit or 'unlimited'}")
    return Finding(
        "open files",
        "warn",
        f"at most {hard_limit} files may be open, and each request at once takes one",
        f"raise the hard limit: ulimit -Hn {_WANTED_OPEN_FILES}, or LimitNOFILE of the service",
    )


def shared_memory(total_bytes: int | None) -> Finding:
    """Judge the size of ``/dev/shm``, None where there is none."""
    name = "/dev/shm"  # noqa: S108  named, not written to
    if total_bytes is not None and total_bytes >= _LEAST_SHARED_MEMORY_BYTES:
        return Finding(name, "ok", f"shared memory of {total_bytes / GIB:.1f} GiB")
    size = "missing" if total_bytes is None else f"of {total_bytes / 2**20:.0f} MiB"
    return Finding(
        name,
        "warn",
        f"shared memory is {size}, too little for several GPUs to exchange data",
        "start the container with --ipc=host or --shm-size=16g",
    )


def disk_for_models(folder: Path, free_bytes: int | None) -> Finding:
    """Judge the free space where models are downloaded to, None where it cannot be read."""
    remedy = "free some space, or name a larger disk with HF_HOME before a download"
    return _disk("disk for models", folder, free_bytes, _WANTED_DISK_BYTES, remedy)


def disk_for_state(folder: Path, free_bytes: int | None) -> Finding:
    """Judge the free space for logs and history, None where it cannot be read."""
    remedy = "free some space, or name a larger disk with XDG_STATE_HOME"
    return _disk("disk for state", folder, free_bytes, _LEAST_DISK_BYTES, remedy)


def _disk(
    name: str, folder: Path, free_bytes: int | None, wanted_bytes: int, remedy: str
) -> Finding:
    if free_bytes is None:
        return Finding(name, "warn", f"{folder} cannot be read", "make it readable for yourself")
    what = f"{free_bytes / GIB:.1f} GiB free for {folder}"
    if free_bytes >= wanted_bytes:
        return Finding(name, "ok", what)
    return Finding(name, "warn" if free_bytes >= _LEAST_DISK_BYTES else "fail", what, remedy)


def compiler(path: str | None) -> Finding:
    """Judge whether there is a C compiler, which Triton calls while a model is compiled."""
    if path:
        return Finding("C compiler", "ok", path)
    return Finding(
        "C compiler",
        "warn",
        "no cc, gcc or clang on PATH; on a GPU vLLM ends with 'Failed to find C compiler'",
        "install one, for example: apt-get install gcc",
    )


def clock(now_wall_s: float) -> Finding:
    """Judge the wall clock, by which starts are dated and bills counted."""
    if not _EARLIEST_SANE_S <= now_wall_s <= _LATEST_SANE_S:
        return Finding(
            "clock",
            "fail",
            f"the clock is {now_wall_s:.0f} s after 1970, which cannot be now",
            "set it: timedatectl set-ntp true",
        )
    return Finding("clock", "ok", f"{datetime.fromtimestamp(now_wall_s, UTC):%Y-%m-%d %H:%M} UTC")


def terminal(environ: Mapping[str, str]) -> Finding:
    """Judge the terminal: what it calls itself, and whether its locale is UTF-8."""
    term = environ.get("TERM", "")
    if term in {"", "dumb", "unknown"}:
        return Finding(
            "terminal",
            "warn",
            f"TERM is {term or 'not set'}, so the console cannot draw",
            "connect with a terminal (ssh -t) or set TERM=xterm-256color; the verbs work anyway",
        )
    given = (environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next(filter(None, given), "")
    if locale.lower().replace("-", "").endswith("utf8"):
        return Finding("terminal", "ok", f"{term}, {locale}")
    return Finding(
        "terminal",
        "warn",
        f"the locale {locale or 'is not set and'} does not say UTF-8, so lines may look broken",
        "run: export LANG=C.UTF-8",
    )
