"""What stands before every line of a log because of how it was collected: stern, grep, srun."""

import re

from backends.domain.startup.lines import is_outer_prefix

_RECORD = re.compile(
    r"\([A-Za-z][\w.:-]{0,80}(?: rank=\d{1,6}| [A-Z]P\d{1,4})? pid=\d+[^)]{0,60}\) |"
    r"(?:INFO|WARNING|ERROR) \d\d-\d\d \d\d:\d\d:\d\d (?:\[|\w+\.py:\d)|"
    r"usage: (?:vllm|api_server)|(?:vllm(?: \w+)?|api_server\.py): error: |"
    r"(?<!\d\]: )Traceback \(most recent call last\):"
)
"""What begins a line: a record of vLLM, how its command line is used, Python's traceback."""
_OWN = re.compile(
    r"\((?:[A-Za-z][\w.:-]*(?: rank=\d{1,6}| [A-Z]P\d{1,4})? )?pid=\d|"
    r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ :]|"
    r"Traceback|\{|\[aiter\]|[ \t]*$"
)
"""How vLLM's own lines begin."""
_MOST_OWN = 20_000
"""Lines that begin so, after which no other beginning is expected any more."""
_LONGEST = 120
_MOST_TRIES, _MOST_PREFIXES = 5000, 8


_SOURCE = re.compile(
    r"(?P<compose>[\w.-]+) +\| |\[pod/(?P<pod>[^\]]{1,200})\]|"
    r"(?P<stern>[a-z0-9][a-z0-9.]*-[a-z0-9.-]+ [a-z0-9.-]+) (?=[(A-Z\[])|"
    r"\((?P<replica>ServeReplica:[^ )]{1,100} pid=\d+)|"
    r"[A-Z][a-z]{2} [ \d]\d [\d:.]{8,15} (?P<unit>[\w.-]+ [\w@./-]+\[\d+\]): "
)


def source_of(line: str) -> str:
    """Return which service, pod, replica or unit a line's prefix names; empty where none does."""
    found = _SOURCE.match(line)
    return "" if found is None else f"{found.lastgroup} {found[found.lastgroup or 0]}"


class Prefixes:
    """Learns, from lines behind which a record of vLLM stands, what to leave out of all lines.

    Numbers in it may change from line to line, as those of lines and ranks do. Prefixes of which
    the time is read are left alone.

    Attributes:
        any: a line may still have a prefix to leave out: one is known, or may be learnt.
    """

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None
        self._learnt: list[str] = []
        self._tries, self._own_left = _MOST_TRIES, _MOST_OWN
        self.any = True

    def without(self, line: str) -> str:
        """Return the line as vLLM wrote it."""
        if self._known is not None and (known := self._known.match(line)):
            return line[known.end() :]
        if not self._tries or not self._own_left:
            return line
        if _OWN.match(line):
            self._own_left -= 1
            self.any = self._known is not None or self._own_left > 0
            return line
        self._tries -= 1
        record = _RECORD.search(line, 1, _LONGEST + 40)
        learnt = record is not None and self._learns(line, record.start())
        self.any = self._tries > 0 or self._known is not None
        if record is None or not learnt:
            return line
        return line[record.start() :]

    def _learns(self, line: str, end: int) -> bool:
        prefix = line[:end]
        glued = "%" in prefix or "it]" in prefix or "it/s" in prefix
        if glued or end > _LONGEST or is_outer_prefix(line, end):
            return False
        if len(self._learnt) < _MOST_PREFIXES:
            self._learnt.append(re.sub(r"\d+", r"\\d+", re.escape(prefix)))
            self._known = re.compile("|".join(self._learnt))
        return True
