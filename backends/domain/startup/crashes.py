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
    r"Memory access fault by GPU|HSA_STATUS_ERROR\w*|HW Exception by GPU|NVRM: (?:Xid|.*ECC)|"
    r"^Xid \(|^GPU core dump|Callback: Queue .* aborting|Assertion [`'].*' failed"
)
NATIVE_WARNING = re.compile(r"NCCL WARN |\bRCCL WARN |\[W\d+ .*(?:socket|TCPStore)")


def is_native(word: str) -> bool:
    """Tell whether a first word may be that of a native library: ``host:3663:4044``, ``:0:hip``."""
    return word[:1] == ":" or (word.count(":") == 2 and word[-1:].isdigit())
