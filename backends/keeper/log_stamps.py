r"""When each log record was made, to the microsecond; vLLM's own lines show the second only.

vLLM puts ``VLLM_LOGGING_PREFIX`` into the format of its records (vllm/logger.py), so a prefix that
holds a field of ``logging`` is filled in for each record: ``\x02%(created)f\x03`` becomes the
seconds since 1970 between two control characters. The keeper takes them out again before anything
is written to the log, so the operator sees every line as vLLM would have written it.

Why not the other ways that vLLM has: a file in ``VLLM_LOGGING_CONFIG_PATH`` replaces vLLM's own
configuration and uvicorn's with it: vLLM 0.32 then leaves out its logo (it looks for exactly one
handler), changes uvicorn's lines, and ignores ``--log-level``, ``--logging-config`` and
``--disable-access-log-for-endpoints``. Start-up spans need ``--otlp-traces-endpoint``, which traces
every later request too, and each span comes only when it is over. The prefix is known to all
versions from 0.8 on, is no part of the key of the compilation cache (``compile_factors`` in
vllm/envs.py), and where the user configures the logging differently it has no effect: the lines
then carry the instants at which they arrived.
"""

import re
from collections.abc import Mapping

from backends.domain.stamp import Stamp
from backends.domain.vllm_arguments import value_of

VARIABLE = "VLLM_LOGGING_PREFIX"
STAMP_FORMAT = "\x02%(created)f\x03"
LONGEST_ON_THE_WAY_S = 60.0
"""A record that seems to have been on its way for longer was stamped before the clock was set."""

_OWN_FLAGS = ("--logging-config", "--log-config-file")
_LONGEST_STAMP = 32
_STAMP = re.compile(rb"\x02\d{1,12}\.\d{1,9}\x03")
_STAMP_IN_TEXT = re.compile("\x02(\\d{1,12}\\.\\d{1,9})\x03")
_CUT_STAMP = re.compile(rb"\x02[\d.]{0,30}\Z")


def stamping(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what makes a vLLM with this environment stamp its records; its own prefix is kept."""
    return {VARIABLE: environment.get(VARIABLE, "") + STAMP_FORMAT}


def unstamped_because(argv: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """Return what of the user's own configures the logging, so that no record is stamped."""
    flags = tuple(argument.partition(".")[0] for argument in argv)
    if value_of(_OWN_FLAGS, flags) is not None:
        return "--logging-config"
    if environment.get("VLLM_CONFIGURE_LOGGING", "1") != "1":
        return "VLLM_CONFIGURE_LOGGING"
    return "VLLM_LOGGING_CONFIG_PATH" if environment.get("VLLM_LOGGING_CONFIG_PATH") else ""


class StampRemover:
    """Takes the stamps out of a stream of bytes, in whatever pieces it arrives."""

    def __init__(self) -> None:
        self._cut = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes without stamps; the beginning of one at the end waits for the rest."""
        data, self._cut = self._cut + data, b""
        if b"\x02" not in data:
            return data
        data = _STAMP.sub(b"", data)
        cut = _CUT_STAMP.search(data, max(0, len(data) - _LONGEST_STAMP))
        if cut is not None:
            data, self._cut = data[: cut.start()], data[cut.start() :]
        return data

    def rest(self) -> bytes:
        """Return what waited for bytes that do not come any more, and forget it."""
        rest, self._cut = self._cut, b""
        return rest


def take_stamp(at: Stamp, line: str, longest_s: float = LONGEST_ON_THE_WAY_S) -> tuple[Stamp, str]:
    """Return when the record of a line was made, `at` where it does not tell, and the bare line."""
    if "\x02" not in line:
        return at, line
    found = _STAMP_IN_TEXT.search(line)
    if found is None:
        return at, line
    bare = _STAMP_IN_TEXT.sub("", line)
    on_the_way_s = at.wall_s - float(found[1])
    if not 0.0 <= on_the_way_s <= longest_s:
        return at, bare
    return Stamp(at.mono_s - on_the_way_s, at.wall_s - on_the_way_s), bare
