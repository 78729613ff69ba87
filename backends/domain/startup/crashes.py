"""Lines that a runtime under Python writes when it crashes or its GPU does."""

import re

CRASH_WORDS = frozenset(
    [
        "Fatal",
        "Segmentation",
        "Bus",
        "Aborted",
        "Aborted!",
        "Memory",
        "terminate",
        "HSA",
        "GPU",
        "NVRM:",
        "Illegal",
        "Floating",
        "***",
        "double",
        "free():",
        "malloc():",
        "corrupted",
        "munmap_chunk():",
        "realloc():",
        "HW",
        "Exception:",
        "!!!!!!!",
        "ERROR:",
        "Xid",
        "raylet",
        "terminating",
        "libc++abi:",
        "Assertion",
    ]
)
"""Their first words, beyond names that no table can hold (``:0:rocdevice.cpp``, a host's name)."""

CRASH = re.compile(
    r"^Fatal Python error: |^Segmentation fault|^Bus error|^Aborted\b|^Illegal instruction|"
    r"^Floating point exception|^terminate called|^terminating due to|^libc\+\+abi: |"
    r"^!!!!!!! Segfault|^\*\*\* (?:SIG\w+|Process received signal|Aborted|stack smashing)|"
    r"^(?:double free|free\(\)|malloc\(\)|realloc\(\)|munmap_chunk\(\)|corrupted) ?\S* |"
    r"\[[EF]\d{4} .*\] .*(?:terminated with exception|Watchdog caught)|"
    r"hipErrorNoBinaryForGpu|Unable to find code object for|"
    r"Memory access fault by GPU|HSA_STATUS_ERROR\w*|HW Exception by GPU|NVRM: (?:Xid|.*ECC)|"
    r"^Xid \(|^GPU core dump|Callback: Queue .* aborting|Assertion [`'].*' failed"
)
NATIVE_WARNING = re.compile(r"NCCL WARN |\bRCCL WARN |\[W\d+ .*(?:socket|TCPStore)")
NATIVE_PLACE = re.compile(r"[^\s:]+\.(?:cpp|cc|cu|cuh|c|h|hpp|inl|rs):(?:[\w~]+:)?\d+:?$")
NATIVE_ERROR = re.compile(
    r"(?P<file>[^\s:]*\.(?:cpp|cc|cu|cuh|c|h|hpp|inl|rs)):(?:[\w~]+:)?\d+:? "
    r".*(?:fail|error|non-zero status|exiting|cannot|unable)"
)
"""What native code says of itself, with the place in its source first."""
COMPLAINT = re.compile(
    r"\b(?:error|fail(?:ed|ure)?|fatal|cannot|could not|unable|not found|abort\w*|out of memory|"
    r"exceeded|RLIMIT_\w+)\b",
    re.IGNORECASE,
)
"""What a line without a form of its own says where it tells why its process is about to end."""


def is_native(word: str) -> bool:
    """Tell whether a first word may be that of native code.

    ``host:3663:4044``, ``:0:hip``, ``[E1105`` and ``/src/mem_heap.cpp:868:`` are.
    """
    if word[:2] in {"[E", "[F"}:
        return word[2:].isdigit()
    return ":" in word and (
        word.startswith((":", "hipError"))
        or (word.count(":") == 2 and word[-1:].isdigit())
        or NATIVE_PLACE.match(word) is not None
    )
