"""How vLLM writes a line: record header, process prefix and colour, by version.

Up to 0.10.0 only workers have a prefix; 0.10.1 to 0.30 put ``(EngineCore pid=N)`` before every
line of a process, progress bars and tracebacks included; from 0.31 on only before log records.
Up to 0.11 the prefix is coloured even in a pipe. ``VLLM_LOGGING_PREFIX`` is part of the format of
records, so that ``%(created)f`` in it becomes the time. Source: vllm/logger.py and
vllm/utils/system_utils.py of the versions named.
"""

import os
import sys
import time
from dataclasses import dataclass

_BLOCKS = "▏▎▍▌▋▊▉█"
_CYAN, _PLAIN = "\x1b[1;36m", "\x1b[0;0m"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One process of a server as its lines name it."""

    name: str
    pid: int


def api_server() -> Speaker:
    """Return the speaker for the API server, which is this process."""
    return Speaker("APIServer", os.getpid())


def engine_core(version: tuple[int, int], pid: int) -> Speaker:
    """Return the speaker for the engine: ``EngineCore_DP0`` from 0.10.2 to 0.17."""
    if version >= (0, 18):
        return Speaker("EngineCore", pid)
    return Speaker("EngineCore_DP0" if version >= (0, 11) else "EngineCore_0", pid)


@dataclass(frozen=True, slots=True)
class Wording:
    """The style of one version, written to this process's own streams."""

    version: tuple[int, int]

    def record(
        self, who: Speaker, text: str, *, source: str, level: str = "INFO", bare: bool = False
    ) -> None:
        """Write a log record to stdout; every line of `text` gets the header again."""
        prefix = "" if bare else self._prefix(who)
        own = os.environ.get("VLLM_LOGGING_PREFIX", "") % {"created": time.time()}
        name = f"{own}{prefix}" if self.version >= (0, 31) else f"{prefix}{own}"
        header = f"{name}{level} {time.strftime('%m-%d %H:%M:%S')} [{source}] "
        self._write(1, header + f"\r\n{header}".join(text.split("\n")) + "\n")

    def raw(self, who: Speaker, text: str, *, stream: str = "stderr") -> None:
        """Write lines that pass by the logger: uvicorn's, warnings, tracebacks."""
        prefix = self._raw_prefix(who)
        lines = text.split("\n")
        self._write(2 if stream == "stderr" else 1, "".join(f"{prefix}{x}\n" for x in lines))

    def shards(self, who: Speaker, done: int, total: int, elapsed_s: float) -> None:
        """Draw the bar of checkpoint shards, whose format ends every redraw with a newline."""
        bar = (
            f"Loading safetensors checkpoint shards: {done / total:4.0%} Completed | "
            f"{done}/{total} [{_meter(done, total, elapsed_s)}]"
        )
        self._write(2, f"{self._raw_prefix(who)}\r{bar}\n")
        if done == total:
            self._write(2, f"{self._raw_prefix(who)}\n")

    def bar(self, who: Speaker, caption: str, done: int, total: int, elapsed_s: float) -> None:
        """Redraw an ordinary bar in place; it ends its line only when it is complete."""
        filled = done / total * 10
        blocks = "█" * int(filled)
        if filled % 1:
            blocks += _BLOCKS[int(filled % 1 * 8)]
        drawn = f"{caption}: {done / total:4.0%}|{blocks:<10}| {done}/{total} "
        self._write(
            2,
            f"{self._raw_prefix(who)}\r{drawn}[{_meter(done, total, elapsed_s)}]"
            + ("\n" if done == total else ""),
        )

    def _prefix(self, who: Speaker) -> str:
        if self.version < (0, 10):
            return ""
        prefix = f"({who.name} pid={who.pid})"
        return f"{_CYAN}{prefix}{_PLAIN} " if self.version <= (0, 11) else f"{prefix} "

    def _raw_prefix(self, who: Speaker) -> str:
        return self._prefix(who) if self.version < (0, 31) else ""

    @staticmethod
    def _write(descriptor: int, text: str) -> None:
        (sys.stdout if descriptor == 1 else sys.stderr).flush()
        _write_all(descriptor, text.encode())


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _meter(done: int, total: int, elapsed_s: float) -> str:
    if not done:
        return "00:00<?, ?it/s"
    each = max(elapsed_s, 1e-6) / done
    rate = f"{each:5.2f}s/it" if each > 1 else f"{1 / each:5.2f}it/s"
    return f"{_clock(elapsed_s)}<{_clock(each * (total - done))}, {rate}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
