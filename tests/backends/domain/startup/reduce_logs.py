"""Real logs -> the lines that a start is read from, with neutral names, and what they must give.

``python -m tests.backends.domain.startup.reduce_logs FOLDER [--into FOLDER]`` reads every ``*.log``
of a folder and writes each as ``NAME.log`` and ``NAME.json``. A log is refused where its reduced
form does not give the same versions, phases, figures, settings and failures as the whole.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backends.domain.server import Exit
from backends.domain.start import Start
from backends.domain.startup.diagnosis import Suspects
from backends.domain.startup.document import start_document
from backends.domain.startup.lines import Glimpse, Record, clean, head_of, numbered_lines, read
from backends.domain.startup.reader import is_interesting
from backends.domain.startup.root import refuses_arguments
from backends.domain.startup.wording import Event, Wording
from backends.domain.startup.wordings import find
from tests.backends.domain.startup.logs import REDUCED, starts_in
from tests.backends.domain.startup.neutral import Names, neutral_settings

_BEHIND_A_BAR = re.compile(r"(?<=(?:it/s|s/it)\])(?=[(A-Z])")
_CHAIN = ("During handling of", "The above exception was")
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|)")
_NOTHING = "..."
"""The message of a line of which only the time is kept."""


def rows_of(log: bytes) -> Iterator[Wording]:
    """Yield the row of the table of wordings that each line of a log is found by."""
    for _, line in numbered_lines([log]):
        for part in _BEHIND_A_BAR.split(line):
            found = _Part(part).found
            if found is not None:
                yield found[0]


def document(start: Start) -> dict[str, Any]:
    """Return what a reduced log is held against: of ``explain --json`` the start without sentences.

    What a server served afterwards is left out, as its lines are.
    """
    entry = start_document(start) | {"settings": dict(start.settings)}
    del entry["reason"], entry["standing"], entry["memory"]["reason"]
    del entry["served_s"], entry["request_errors"]
    if entry["failure"] is not None:
        del entry["failure"]["cause"], entry["failure"]["remedy"]
    return entry


class _Part:
    """A line, or what stands before or behind a progress bar in one."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.text = clean(raw.encode())
        self.glimpse: Glimpse = head_of(self.text)
        self.record: Record = read(self.text, self.glimpse)
        interesting = is_interesting(self.glimpse.word)
        record = self.record
        self.found = find(record.word, record.tag, record.message) if interesting else None
        self.suspicious = (
            interesting
            and (self.found is None or self.found[0].event is Event.DIED)
            and any(map(self._is_suspicious, (record.message, *record.trace)))
        )

    @property
    def is_bar(self) -> bool:
        """Whether this is a progress bar, complete or not."""
        return self.found is not None and "done" in self.found[1].groupdict()

    @property
    def counts(self) -> tuple[Wording, str, str] | None:
        """The row, process and total of a bar that is neither its first nor its last one."""
        if self.found is None or not self.is_bar:
            return None
        row, match = self.found
        between = int(match["done"]) not in {0, 1, int(match["total"])}
        return (row, self.record.process, match["total"]) if between else None

    def _is_suspicious(self, message: str) -> bool:
        suspects = Suspects()
        ordered = suspects.consider(1, self.record, "", died=self.found is not None)
        seen = ordered or suspects.hopeless or suspects.doubtful or suspects.died
        verdict = suspects.verdict(Exit(1, None), ready=False, stopping=False, settings={})
        named = verdict is not None and verdict.line_number is not None
        return seen or named or message.startswith(_CHAIN) or refuses_arguments(message)

    def reduced(self, names: Names) -> str:
        """Return this part with its own head, neutral names, and only the words that are read."""
        message = self.record.message
        if self.text.startswith('{"') and message != self.text:
            return self._json(names)
        head_length = len(self.text.rstrip()) - len(message)
        head = names.neutral_head(self._raw_until(head_length))
        return head + self._message(message, names)

    def _message(self, message: str, names: Names) -> str:
        if self.found is not None and not self.suspicious:
            match = self.found[1]
            end = message.find("]", match.end()) + 1 or match.end()
            return message[:end] if self.is_bar else _wording(match, names)
        return names.neutral(message) if self.suspicious else _NOTHING

    def _json(self, names: Names) -> str:
        entry = json.loads(self.text)
        kept = {
            key: entry[key] for key in ("asctime", "levelname", "vllm_process_name") if key in entry
        }
        tag = f"[{self.record.tag}] " if self.record.tag else ""
        kept["message"] = tag + self._message(self.record.message, names)
        if self.record.trace:
            kept["exc_info"] = "\n".join(names.neutral(line) for line in self.record.trace)
        return json.dumps(kept)

    def _raw_until(self, length: int) -> str:
        taken, place = 0, 0
        while place < len(self.raw):
            if escape := _ESCAPE.match(self.raw, place):
                place = escape.end()
            elif taken == length:
                break
            else:
                taken, place = taken + 1, place + 1
        return self.raw[:place]


def _wording(match: re.Match[str], names: Names) -> str:
    """Return the words that a row knows, without what stands behind them."""
    text, before = match[0], match.start()
    for name in ("args", "config"):
        if name in match.groupdict():
            start, end = (place - before for place in match.span(name))
            settings = neutral_settings(text[start:end])
            return names.without_models(text[:start] + settings + text[end:])
    more = match.string[match.end() :].strip()
    return names.neutral(text).rstrip() + (f" {_NOTHING}" if more else "")


class _Reduction:
    """The lines kept so far, and the latest one of which nothing but the time may be wanted."""

    def __init__(self, names: Names) -> None:
        self.kept: list[str] = []
        self._names = names
        self._timed: _Part | None = None
        self._bar: tuple[Wording, str, str] | None = None
        self._latest_bar: _Part | None = None

    def add(self, line: str) -> None:
        """Keep of one line what means something."""
        kept = [text for piece in line.rstrip("\r").split("\r") if (text := self._piece(piece))]
        if kept:
            self.kept.append("\r".join(kept))

    def end(self) -> None:
        """Keep how far the log's last bar got, and the time at which it ends."""
        if self._latest_bar is not None:
            self.kept.append(self._latest_bar.reduced(self._names))
        if self._timed is not None:
            self.kept.append(self._timed.reduced(self._names))

    def _piece(self, piece: str) -> str:
        parts = [_Part(part) for part in _BEHIND_A_BAR.split(piece) if part]
        meant = [part for part in parts if part.found is not None or part.suspicious]
        if not meant:
            # The first time is when the log begins, of the others the latest counts.
            if parts and parts[0].glimpse.stamp and (self.kept or self._timed is None):
                self._timed = parts[0]
            return ""
        if len(parts) == 1 and meant[0].counts is not None and meant[0].counts == self._bar:
            self._latest_bar = meant[0]
            return ""
        self._latest_bar = None
        self._bar = meant[0].counts
        if self._timed is not None and not (self.kept and parts[0].glimpse.stamp):
            self.kept.append(self._timed.reduced(self._names))
        self._timed = None
        return "".join(part.reduced(self._names) for part in parts)


def reduced(log: bytes, names: Names) -> bytes:
    """Return the lines of a log that mean something, each with the time that it is read at."""
    reduction = _Reduction(names)
    for line in log.decode("utf-8", "replace").split("\n"):
        reduction.add(line)
    reduction.end()
    return "".join(f"{line}\n" for line in reduction.kept).encode()


def without_line_numbers(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the documents without the one figure that a reduced log has of its own."""
    return [
        entry | {"failure": entry["failure"] and {**entry["failure"], "line_number": None}}
        for entry in documents
    ]


def differences(whole: Any, less: Any, path: str = "") -> Iterator[str]:
    """Yield where two documents differ, and how."""
    if isinstance(whole, dict) and isinstance(less, dict) and whole.keys() == less.keys():
        for key in whole:
            yield from differences(whole[key], less[key], f"{path}.{key}")
    elif isinstance(whole, list) and isinstance(less, list) and len(whole) == len(less):
        for place, (one, other) in enumerate(zip(whole, less, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
    elif whole != less:
        yield f"{path}: {whole!r} in the whole log, {less!r} in the reduced one"


def reduced_name(path: Path) -> str:
    """Return what a log is called here, without the end of the name."""
    return path.stem.replace("_ok", "_ready")


def reduce_file(path: Path, into: Path) -> list[str]:
    """Write one reduced log and its document; return why not, where it was refused."""
    whole = path.read_bytes()
    names = Names.of(whole.decode("utf-8", "replace"), starts_in(whole))
    less = reduced(whole, names)
    of_whole = [_texts(names.neutral, document(start)) for start in starts_in(whole)]
    of_less = [document(start) for start in starts_in(less)]
    wrong = list(differences(without_line_numbers(of_whole), without_line_numbers(of_less)))
    lost = set(rows_of(whole)) - set(rows_of(less))
    wrong += [f"no line is left of {row.pattern.pattern}" for row in lost]
    if not wrong:
        name = reduced_name(path)
        (into / f"{name}.log").write_bytes(less)
        (into / f"{name}.json").write_text(json.dumps(of_less, indent=1) + "\n")
    return wrong


def _texts(change: Callable[[str], str], value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(change, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(change, each) for each in value]
    return change(value) if isinstance(value, str) else value


def main() -> int:
    """Reduce a folder of logs; the exit status is 1 where any was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--into", type=Path, default=REDUCED)
    order = parser.parse_args()
    refused = 0
    for path in sorted(order.folder.glob("*.log")):
        wrong = reduce_file(path, order.into)
        refused += bool(wrong)
        for reason in wrong:
            print(f"{path.name} refused: {reason}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
