"""A start as Markdown that can be pasted into a bug report, without what identifies its owner."""

import re
from collections.abc import Callable, Iterable, Iterator

from backends.domain.format import plain_s
from backends.domain.reports.pseudonyms import Pseudonyms
from backends.domain.reports.table import markdown_table
from backends.domain.start import Failure, Phase, Start
from backends.domain.startup.lines import head_of
from backends.domain.startup.memory import memory_words
from backends.domain.startup.prefixes import Prefixes
from backends.domain.startup.reader import is_interesting
from backends.domain.visible import LONGEST_LINE, bounded

Lines = Callable[[], Iterable[tuple[int, str]]]
"""Reads the numbered lines of a log from the beginning."""

BEFORE_ROOT, AFTER_ROOT = 60, 20
"""Lines that are kept whole around the root line: a traceback stands before it."""

MOST_LINES = 250
"""Lines of the log that a report has room for; the first and the last are kept."""

_ARGUMENTS = re.compile(r"non-default args: |\bargs: Namespace\(|\bvllm serve ")
_GPU = re.compile(
    r"\b(?:NVIDIA|AMD Instinct|Radeon|GeForce|Tesla|Quadro) [A-Z][\w. /-]{1,40}\b|\bMI\d{3}X?\b|"
    r"\b(?:A|H|L|B|GH|GB)\d{1,3}0{1,2}[A-Z]?(?:[- ](?:SXM|PCIe|NVL|80GB|40GB)[\w-]*)?\b"
)
NOT_IN_LOG = "not in this log"


def bug_report(starts: list[Start], lines: Lines, hosts: Iterable[str] = ()) -> str:
    """Return the last start of a log, with what is wrong with it, as Markdown.

    Paths, hosts, addresses, keys and names of models that may be private are replaced; the report
    ends with what was.

    Args:
        starts: all starts of the log, at least one.
        lines: reads the log once more.
        hosts: names of hosts that are replaced wherever they stand.
    """
    names = Pseudonyms((start.model for start in starts if start.model), hosts)
    kept, gpus, command = _reduced(lines, starts[-1].failure, names)
    start = starts[-1]
    text = "\n".join(
        (
            f"# vLLM start: {start.outcome}",
            "",
            *_facts(start, len(starts), gpus, command),
            "",
            "## Phases",
            "",
            *(
                markdown_table(("phase", "start", "took", "vLLM says"), map(_phase, start.phases))
                if start.phases
                else ("The log tells of none.",)
            ),
            "",
            f"Unlogged {plain_s(start.unlogged_s)}, total {plain_s(start.total_s)}.",
            "",
            *_root(start.failure, start.standing),
            "## Log, reduced",
            "",
            *_fenced(kept),
        )
    )
    return f"{names.of(text)}\n\n{_replaced(names)}\n"


def _reduced(
    lines: Lines, failure: Failure | None, names: Pseudonyms
) -> tuple[list[str], tuple[str, ...], str]:
    """Return the lines that mean something and those around the root, the GPUs, the command."""
    root = failure.line_number if failure else None
    window = range(0) if root is None else range(root - BEFORE_ROOT, root + AFTER_ROOT + 1)
    prefixes, gpus = Prefixes(), dict[str, None]()
    kept: list[str] = []
    command, before = "", 0
    for number, line in lines():
        names.learn(line)
        text = prefixes.without(line)
        glimpse = head_of(text)
        if not command and _ARGUMENTS.search(text):
            command = text[glimpse.offset :].strip()
        gpus.update(dict.fromkeys(found[0].strip() for found in _GPU.finditer(text)))
        if number not in window and not is_interesting(glimpse.word):
            continue
        if before and number > before + 1:
            kept.append("…")
        before = number
        kept.append(f"{number:>6}  {bounded(text[glimpse.offset :], LONGEST_LINE)}")
    if len(kept) > MOST_LINES:
        half = MOST_LINES // 2
        kept = [*kept[:half], f"… {len(kept) - 2 * half} lines left out", *kept[-half:]]
    return kept, tuple(gpus)[:4], command


def _facts(start: Start, starts: int, gpus: tuple[str, ...], command: str) -> Iterator[str]:
    yield f"- vLLM: {start.vllm_version or NOT_IN_LOG}"
    yield f"- model: {start.model or NOT_IN_LOG}"
    yield f"- GPUs: {', '.join(gpus) or NOT_IN_LOG}"
    yield f"- starts in this log: {starts}; this is the last"
    yield f"- memory: {memory_words(start.memory) or NOT_IN_LOG}"
    settings = ", ".join(f"{name}={value}" for name, value in start.settings)
    yield f"- settings: {settings or NOT_IN_LOG}"
    yield f"- command: {NOT_IN_LOG}" if not command else "- command:"
    if command:
        yield from ("", *_fenced([bounded(command, LONGEST_LINE)]))


def _phase(phase: Phase) -> tuple[str, ...]:
    says = "" if phase.reported_s is None else f"{phase.reported_s:.2f} s"
    return phase.name.value, f"{phase.start_s:.1f} s", plain_s(phase.duration_s), says


def _root(failure: Failure | None, standing: str | None) -> Iterator[str]:
    if failure is not None:
        yield from (f"## Failure: {failure.kind}", "")
        yield from _fenced([failure.line])
        yield from ("", f"Line {failure.line_number or 'unknown'}. {failure.cause}", "")
        yield from (f"Suggested by inferctl: {failure.remedy}", "")
    elif standing is not None:
        yield from ("## Unfinished", "", standing, "")


def _fenced(lines: list[str]) -> Iterator[str]:
    """Yield lines as a block of code that no backticks inside it can end."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence, *lines, fence)


def _replaced(names: Pseudonyms) -> str:
    found = names.replaced()
    if not found:
        return "Nothing in this report had to be replaced. Read it before you post it."
    listed = ", ".join(f"{kind}: {count}" for kind, count in found)
    return f"Replaced in this report ({listed} places). Read it before you post it."
