"""How often `explain` names what vLLM's own raises mean, and what it does without their words.

Run as ``python -m tests.backends.domain.startup.raises.score [nonsense]``. `unknown` is never
counted as wrong. With ``nonsense``, each failure collected from elsewhere is explained with the
words of its exceptions replaced, its frames kept: the same kind or `unknown` is right, another
is a guess.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.backends.domain.startup.logs import starts_in
from tests.backends.domain.startup.raises.labelled import FILES, Labelled, labelled
from tests.backends.domain.startup.raises.render import rendered
from tests.conftest import SHARED

FAILURES = SHARED / "wild" / "failures"
NONSENSE = "wibble zorp 17"
_HEAD = re.compile(
    r"(?P<head>(?:\([^)]*\) )*(?:[A-Z]+ [\d-]{5} [\d:]{8} \[[^\]]+\] )?)(?P<text>.*)", re.DOTALL
)
_EXCEPTION = re.compile(r"(?P<name>(?:[A-Za-z_]\w*\.)*[A-Z]\w*): (?P<words>\S.*)", re.DOTALL)
_RELAYED = "Engine core initialization failed."


@dataclass(frozen=True, slots=True)
class Answer:
    """What was explained of one log."""

    kind: str
    remedy: str
    line: str


@dataclass(frozen=True, slots=True)
class Score:
    """The shares of the labelled places, each in percent of all."""

    agreed: float
    """The label itself, or one that a reader accepts too."""
    exact: float
    """The label itself."""
    unknown: float
    wrong: float
    """Neither; with a remedy or without."""
    wrong_with_a_remedy: float
    right_line: float
    """The line that holds the message."""


def explained(log: str | bytes) -> Answer:
    """Return what the last start of a log failed of; `unknown` where no failure is found."""
    starts = starts_in(log)
    failure = starts[-1].failure if starts else None
    if failure is None:
        return Answer("unknown", "", "")
    return Answer(failure.kind.value, failure.remedy, failure.line)


def verdict(place: Labelled, answer: Answer) -> str:
    """Return `exact`, `accepted`, `unknown` or `wrong`."""
    if answer.kind == place.kind:
        return "exact"
    if answer.kind in place.also:
        return "accepted"
    return "unknown" if answer.kind == "unknown" else "wrong"


def score(answers: list[tuple[Labelled, Answer]]) -> Score:
    """Return the shares among these answers."""
    counted = Counter(verdict(place, answer) for place, answer in answers)
    remedies = sum(
        verdict(place, answer) == "wrong" and bool(answer.remedy) for place, answer in answers
    )

    def percent(count: int) -> float:
        return 100 * count / len(answers)

    return Score(
        agreed=percent(counted["exact"] + counted["accepted"]),
        exact=percent(counted["exact"]),
        unknown=percent(sum(answer.kind == "unknown" for _, answer in answers)),
        wrong=percent(counted["wrong"]),
        wrong_with_a_remedy=percent(remedies),
        right_line=percent(sum(place.message[:60] in answer.line for place, answer in answers)),
    )


def without_words(log: str) -> str:
    """Return a log whose exceptions say nothing; the frames and their classes are kept."""
    return "\n".join(_without_words(log.split("\n")))


def _without_words(lines: list[str]) -> Iterator[str]:
    within = ""
    for line in lines:
        match = _HEAD.fullmatch(line)
        assert match is not None
        head, text = match["head"], match["text"]
        found = _EXCEPTION.fullmatch(text)
        if found and not found["words"].startswith(_RELAYED):
            within = head
            yield f"{head}{found['name']}: {NONSENSE}"
        elif within and head == within and text and not _of_a_traceback(text):
            yield f"{head}{NONSENSE}"
        else:
            within = within if head == within and not text else ""
            yield line


def _of_a_traceback(text: str) -> bool:
    return text.startswith(("Traceback ", "  File ", "EngineCore ", "WorkerProc ", _RELAYED)) or (
        _EXCEPTION.fullmatch(text) is not None
    )


def nonsense(folder: Path) -> Iterator[tuple[str, str, Answer | None]]:
    """Yield each failure's name, its kind, and what is explained without its words.

    None where a log has no exception whose words could be replaced.
    """
    for name, expected in json.loads((folder / "expected.json").read_text()).items():
        kind = (expected.get("failure") or {}).get("kind")
        if kind is None:
            continue
        log = (folder / f"{name}.log").read_text(encoding="utf-8")
        bare = without_words(log)
        yield name, kind, explained(bare) if bare != log else None


def main() -> None:
    """Print the figures and what was not agreed upon."""
    if sys.argv[1:] == ["nonsense"]:
        _show_nonsense()
        return
    for seed in FILES.values():
        _show(seed)


def _show(seed: int) -> None:
    answers = [(place, explained(rendered(place))) for place in labelled(seed)]
    found = score(answers)
    print(f"{len(answers)} labelled raises of seed {seed}, in percent:")
    print(f"  agreed {found.agreed:.1f} (the label itself {found.exact:.1f})")
    print(f"  wrong with a remedy {found.wrong_with_a_remedy:.1f} (wrong {found.wrong:.1f})")
    print(f"  unknown {found.unknown:.1f}")
    print(f"  the line that holds the message {found.right_line:.1f}")
    for place, answer in answers:
        how = verdict(place, answer)
        if how in {"wrong", "unknown"}:
            remedy = "remedy" if answer.remedy else "no remedy"
            print(f"{how:8}{place.kind:26}{answer.kind:26}{remedy:10}{_place(place)}")


def _show_nonsense() -> None:
    if not FAILURES.is_dir():
        raise SystemExit(f"there are no collected failures at {FAILURES}")
    answers = list(nonsense(FAILURES))
    read = [(name, kind, answer) for name, kind, answer in answers if answer]
    guessed = [each for each in read if each[2].kind not in {each[1], "unknown"}]
    same = sum(answer.kind == kind for _, kind, answer in read)
    print(
        f"{len(read)} failures without their words: {same} the same kind, "
        f"{len(read) - same - len(guessed)} unknown, {len(guessed)} another kind; "
        f"{len(answers) - len(read)} have no exception"
    )
    for name, kind, answer in read:
        print(f"{name:34}{kind:26}{answer.kind}")


def _place(place: Labelled) -> str:
    return f"{place.file}:{place.line} {place.message[:70]}"


if __name__ == "__main__":
    main()
