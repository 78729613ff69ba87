"""What whoever ran a server wrote behind its log: a shell, systemd, docker, Slurm, the kubelet."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from signal import SIGABRT, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGKILL, SIGSEGV, SIGTERM

from backends.domain.server import Exit

MOST_LINES = 12
"""Lines at the end of a start in which its ending is looked for."""

_SHELL_WORDS = {
    "killed": SIGKILL,
    "segmentation fault": SIGSEGV,
    "bus error": SIGBUS,
    "aborted": SIGABRT,
    "illegal instruction": SIGILL,
    "floating point exception": SIGFPE,
    "terminated": SIGTERM,
    "hangup": SIGHUP,
}
_SHELL = re.compile(
    r"^(?:[^\s:]+: (?:line )?\d+: +(?:\d+ )?|\[\d+\][+-]? +(?:\d+ +)?|\d+ +|zsh: )?"
    rf"(?P<word>{'|'.join(_SHELL_WORDS)})(?: +\(core dumped\))?(?: +\S.*)?$",
    re.IGNORECASE,
)
"""bash: ``run.sh: line 12:  1234 Killed   vllm serve``, dash: ``Killed``, zsh: ``zsh: killed``."""

_SYSTEMD = re.compile(
    r"process exited, code=(?:(?:killed|dumped), status=(?P<signal>\d+)|"
    r"exited, status=(?P<code>\d+))/"
)
_OUT_OF_MEMORY = re.compile(
    r"killed by the OOM killer|Failed with result 'oom-kill'|\bOOMKilled\b(?!['\"]?[:=] ?false)|"
    r"oom[_-]kill event"
)
_KNOWN = re.compile(
    r"failed (?:startup|liveness) probe|(?:Startup|Liveness) probe failed",
)
"""What Kubernetes says of a stop that it ordered for a reason of its own."""
_CODE = re.compile(
    r"\bExited \((\d+)\)|\bexit(?:ed)?(?: with)? (?:code|status)[:=]? ?(\d+)|\bExit Code: +(\d+)|"
    r'"exitCode": ?(\d+)',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server's first process ended, as a line behind its log tells it.

    Attributes:
        known: the line says why, and the table of failures knows it.
    """

    number: int
    line: str
    exit: Exit
    known: bool = False


def ending_in(lines: Iterable[tuple[int, str]]) -> Ending | None:
    """Return the ending that numbered lines tell; one that knows most, of several the first.

    An exit with code 0 is none.
    """
    found = [told for number, line in lines if (told := _told(number, line.strip()))]
    return min(found, key=_says_little, default=None)


def _says_little(told: Ending) -> tuple[bool, bool]:
    return (not told.known, told.exit.signal is None)


def _told(number: int, line: str) -> Ending | None:
    if _OUT_OF_MEMORY.search(line):
        return Ending(number, line, Exit(None, int(SIGKILL)), known=True)
    if _KNOWN.search(line):
        return Ending(number, line, Exit(None, int(SIGTERM)), known=True)
    if shell := _SHELL.match(line):
        return Ending(number, line, Exit(None, int(_SHELL_WORDS[shell["word"].lower()])))
    if (systemd := _SYSTEMD.search(line)) and systemd["signal"]:
        return Ending(number, line, Exit(None, int(systemd["signal"])))
    found = systemd or _CODE.search(line)
    code = next((int(group) for group in found.groups() if group), 0) if found else 0
    return Ending(number, line, Exit(code, None)) if code else None
