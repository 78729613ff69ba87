"""A failure keeps its kind in any shape of its log; where lines are missing it may lose it."""

import gzip
import json
import lzma
from collections.abc import Callable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.start import FailureKind, Start
from tests.backends.domain.startup.logs import REDUCED, starts_in
from tests.backends.domain.startup.test_collected import FIELDS

LOGS = sorted(path.stem for path in REDUCED.glob("*fail*.log"))

PREFIXES: dict[str, Callable[[int], str]] = {
    "none": lambda _: "",
    "docker": lambda n: f"2026-09-14T07:{n // 60 % 60:02}:{n % 60:02}.{n:09}Z ",
    "docker compose": lambda _: "vllm-1  | ",
    "kubernetes": lambda _: "[pod/vllm-0/vllm] ",
    "kubelet": lambda n: f"2026-09-14T07:{n // 60 % 60:02}:{n % 60:02}.{n:09}Z stderr F ",
    "journald": lambda n: f"Sep 14 07:{n // 60 % 60:02}:{n % 60:02} host vllm[77]: ",
    "stern": lambda _: "vllm-6d9f vllm ",
    "grep": lambda n: f"server.log:{n}:",
    "srun": lambda _: "0: ",
    "indentation": lambda _: "    ",
}

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "carriage returns": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode(), 1),
    "xz": lambda text: lzma.compress(text.encode(), preset=0),
}


def _lines(name: str) -> list[str]:
    # Progress bars redraw a line by carriage returns, which a collector writes as lines.
    text = (REDUCED / f"{name}.log").read_bytes().decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _shaped(lines: list[str], prefix: str, encoding: str) -> bytes:
    put = PREFIXES[prefix]
    text = "\n".join(put(n) + line for n, line in zip(count(1), lines, strict=False))
    return ENCODINGS[encoding](text + "\n")


def _kinds(starts: list[Start]) -> set[FailureKind]:
    return {start.failure.kind for start in starts if start.failure is not None}


WHOLE = {name: _kinds(starts_in((REDUCED / f"{name}.log").read_bytes())) for name in LOGS}


@given(st.sampled_from(LOGS), st.sampled_from(sorted(PREFIXES)), st.sampled_from(sorted(ENCODINGS)))
def test_a_whole_log_gives_its_kinds_in_any_shape(name: str, prefix: str, encoding: str) -> None:
    assert _kinds(starts_in(_shaped(_lines(name), prefix, encoding))) == WHOLE[name]


@given(st.data(), st.sampled_from(LOGS), st.sampled_from(sorted(PREFIXES)))
def test_a_log_of_which_lines_are_missing_gives_no_other_kind(
    data: st.DataObject, name: str, prefix: str
) -> None:
    lines = _lines(name)
    begin = data.draw(st.integers(0, len(lines)), label="cut before")
    end = data.draw(st.integers(begin, len(lines)), label="cut behind")
    found = _kinds(starts_in(_shaped(lines[begin:end], prefix, "utf-8")))
    assert found <= WHOLE[name] | {FailureKind.UNKNOWN}
    hole = data.draw(st.integers(begin, end), label="hole from")
    over = data.draw(st.integers(hole, end), label="hole to")
    found = _kinds(starts_in(_shaped(lines[begin:hole] + lines[over:end], prefix, "utf-8")))
    # Nothing shows that the error of a process that then died was taken out.
    assert found <= WHOLE[name] | {FailureKind.UNKNOWN, FailureKind.ENGINE_DIED}


@given(st.data(), st.sampled_from(LOGS), st.sampled_from(sorted(FIELDS)))
def test_a_log_in_a_collector_s_fields_gives_the_same_wherever_it_is_cut(
    data: st.DataObject, name: str, collector: str
) -> None:
    lines = _lines(name)
    begin = data.draw(st.integers(0, len(lines)), label="cut before")
    end = data.draw(st.integers(begin, len(lines)), label="cut behind")
    kept = [json.dumps(FIELDS[collector](n, line)) for n, line in enumerate(lines[begin:end])]
    assert _kinds(starts_in("\n".join(kept))) == _kinds(starts_in("\n".join(lines[begin:end])))


@given(st.sampled_from(LOGS), st.sampled_from([" ", "  ", "\\n"]), st.integers(2, 400))
def test_lines_put_together_give_no_other_kind(name: str, between: str, together: int) -> None:
    lines = _lines(name)
    events = [lines[at : at + together] for at in range(0, len(lines), together)]
    found = _kinds(starts_in("\n".join(between.join(event) for event in events)))
    assert found <= WHOLE[name] | {FailureKind.UNKNOWN, FailureKind.ENGINE_DIED}
