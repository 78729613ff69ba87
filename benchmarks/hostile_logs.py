"""What logs cost that are made to cost much, in `inferctl explain`: `make bench`.

Each is piped into the command as it is made, so that no disk holds it. What counts is that memory
stays where it is and that the time follows the bytes.
"""

import argparse
import bz2
import lzma
import os
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.console import INFERCTL
from benchmarks.logs import MIB, START

RECORD = b"ERROR 11-21 08:02:12 [core.py:1] ValueError: x\n"
OTHER_PREFIX = b"vllm-1  | 2026-11-05T09:12:00Z "


def one_line(mebibytes: int) -> Iterator[bytes]:
    """Yield a line that never ends."""
    for _ in range(mebibytes):
        yield b"x" * MIB


def one_exception(mebibytes: int) -> Iterator[bytes]:
    """Yield an exception whose message never ends, full of words that patterns look for."""
    yield b"Traceback (most recent call last):\nValueError: "
    for _ in range(mebibytes):
        yield (b"failed cutlass error VLLM_X=1 not supported " * (MIB // 44 + 1))[:MIB]


def returns(mebibytes: int) -> Iterator[bytes]:
    r"""Yield progress bars that only ``\r`` separates."""
    bars = b"".join(b"Loading: %d%%|##| %d/9 [00:01<00:03]\r" % (n % 100, n) for n in range(27_000))
    for _ in range(mebibytes):
        yield bars[:MIB]


def empty_lines(mebibytes: int) -> Iterator[bytes]:
    """Yield nothing but ends of lines."""
    for _ in range(mebibytes):
        yield b"\n" * MIB


def nested_json(mebibytes: int) -> Iterator[bytes]:
    """Yield records in JSON that are nested as deep as a line may be long."""
    opening = b'{"asctime": "2026-11-21 08:02:12,000", "message": "ERROR x", "x": '
    for _ in range(mebibytes * 4):
        yield opening + b"[" * (MIB // 4 - len(opening) - 1) + b"\n"


def nested_prefixes(mebibytes: int) -> Iterator[bytes]:
    """Yield records behind a thousand prefixes of processes, and of collectors."""
    for prefix in (b"(EngineCore pid=1) ", OTHER_PREFIX):
        line = prefix * 1000 + RECORD
        for _ in range(mebibytes // 2):
            yield line * (MIB // len(line))


def tracebacks(mebibytes: int) -> Iterator[bytes]:
    """Yield tracebacks of thousands of processes."""
    frame = b'(Worker_TP%d pid=%d)   File "/x/vllm/y.py", line 3, in step\n'
    block = b"".join(
        b"(Worker_TP%d pid=%d) Traceback (most recent call last):\n" % (n, n)
        + frame % (n, n) * 20
        + b"(Worker_TP%d pid=%d) ValueError: shape %d must be another\n" % (n, n, n)
        for n in range(800)
    )
    for _ in range(mebibytes):
        yield block[:MIB]


def records_on_a_line(mebibytes: int) -> Iterator[bytes]:
    """Yield records, and a traceback, as a collector puts them on one line without an end."""
    block = b"(EngineCore pid=1) " + RECORD.replace(b"\n", b" ")
    block += b'Traceback (most recent call last): File "/x/vllm/y.py", line 3, in f KeyError: x '
    for _ in range(mebibytes):
        yield block * (MIB // len(block))


def fields(mebibytes: int) -> Iterator[bytes]:
    """Yield lines of a traceback as fields of JSON, full of what a field escapes."""
    line = rb'{"log":"  File \"/x/vllm/y.py\", line 3, in f\n' + rb"\\n\u001b[31m" * 8 + b'"}\n'
    for _ in range(mebibytes):
        yield line * (MIB // len(line))


def crashes(mebibytes: int) -> Iterator[bytes]:
    """Yield crashes, each with what native code said before it."""
    block = b"".join(
        b"/src/file_%d.cpp:%d: operation failed\nAborted\n" % (n, n) for n in range(22_000)
    )
    for _ in range(mebibytes):
        yield block[:MIB]


LOGS: dict[str, tuple[Callable[[int], Iterator[bytes]], int]] = {
    "one line": (one_line, 2048),
    "one exception": (one_exception, 256),
    "carriage returns": (returns, 128),
    "empty lines": (empty_lines, 64),
    "nested JSON": (nested_json, 64),
    "nested prefixes": (nested_prefixes, 64),
    "tracebacks": (tracebacks, 16),
    "records on a line": (records_on_a_line, 16),
    "fields of JSON": (fields, 16),
    "crashes": (crashes, 4),
}
"""The logs, each with the mebibytes of it that are made."""


def zstd_bomb(mebibytes: int) -> bytes:
    """Return a zstd frame of blocks that each repeat one byte: four bytes for 128 KiB.

    The layout is that of RFC 8878, sections 3.1.1.1 and 3.1.1.2.
    """
    block = (2 | (128 * 1024) << 3).to_bytes(3, "little") + b"x"
    last = (3 | 1 << 3).to_bytes(3, "little") + b"\n"
    return b"\x28\xb5\x2f\xfd\x00\x58" + block * (mebibytes * 8) + last


def gzip_bomb(mebibytes: int) -> bytes:
    """Return a gzip member that unpacks to one line of this size."""
    packed = zlib.compressobj(9, wbits=31)
    return b"".join(packed.compress(b"x" * MIB) for _ in range(mebibytes)) + packed.flush()


def xz_bomb(mebibytes: int) -> bytes:
    """Return an xz stream that unpacks to one line of this size."""
    packed = lzma.LZMACompressor(preset=0)
    return b"".join(packed.compress(b"x" * MIB) for _ in range(mebibytes)) + packed.flush()


def bzip2_bomb(mebibytes: int) -> bytes:
    """Return a bzip2 stream that unpacks to one line of this size."""
    packed = bz2.BZ2Compressor(1)
    return b"".join(packed.compress(b"x" * MIB) for _ in range(mebibytes)) + packed.flush()


BOMBS = {"gzip": gzip_bomb, "xz": xz_bomb, "bzip2": bzip2_bomb, "zstd": zstd_bomb}


def _explained(name: str, chunks: Iterator[bytes] | None, log: str, mebibytes: int) -> None:
    began = time.monotonic()
    command = subprocess.Popen(
        [INFERCTL, "explain", log, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert command.stdin is not None
    for chunk in chunks or ():
        command.stdin.write(chunk)
    command.stdin.close()
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    assert command.returncode in {0, 1}, command.returncode
    cpu_s = used.ru_utime + used.ru_stime
    print(
        f"explain {mebibytes} MiB of {name}: {time.monotonic() - began:.1f} s, {cpu_s:.1f} s of"
        f" CPU, peak {used.ru_maxrss * 1024 / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="measure only these")
    parser.add_argument("--bomb-mebibytes", type=int, default=4096)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    for name, (make, mebibytes) in LOGS.items():
        if not options.names or name in options.names:
            made = make(mebibytes)
            _explained(name, _after(START, made), "-", mebibytes)
    with TemporaryDirectory() as folder:
        for name, pack in BOMBS.items():
            if not options.names or name in options.names:
                log = Path(folder) / f"log.{name}"
                log.write_bytes(pack(options.bomb_mebibytes))
                label = f"a {name} file of {log.stat().st_size / 1e6:.1f} MB"
                _explained(label, None, str(log), options.bomb_mebibytes)


def _after(start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield start
    yield from chunks


if __name__ == "__main__":
    main()
