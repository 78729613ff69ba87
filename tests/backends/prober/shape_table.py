"""What the prober reports of every shape of stream beside what is true: `make stream-shapes`."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from backends.domain.ab.run import Run
from backends.prober.audit import CLIENT_LIMITED
from tests.backends.prober.scripted_server import (
    Conversation,
    measure,
    order_for,
    runs_of,
    serving,
)
from tests.backends.prober.shapes import SHAPES
from tests.backends.prober.shapes.shape import Shape
from tests.backends.prober.truth_programs import PROGRAMS, measured_program, running

# Threads on a shared machine wake late; the engine's own error is what `make bench-ab` shows.
TOLERANCE_S = 0.03
LOOKS = 3


@dataclass(frozen=True)
class Row:
    """One shape: reported against true, times in seconds from the arrival of the request.

    `looks` says how often it was measured until it was right.
    """

    name: str
    run: Run
    ttft_s: float | None
    visible_s: float | None
    itl_s: tuple[float, ...]
    tokens: int | None
    gaps: int
    text: str | None
    finish: str | None
    error: str
    flags: tuple[str, ...]
    looks: int = 1

    def mistakes(self) -> list[str]:
        """In what the report is wrong; empty where it is right."""
        run = self.run
        pairs = (
            ("TTFT", _near(run.ttft_s, self.ttft_s)),
            ("visible", _near(run.ttft_visible_s, self.visible_s)),
            ("ITL", self._gaps_are_right()),
            ("tokens", run.output_tokens == self.tokens),
            ("gaps", len(run.itl_s) == self.gaps),
            ("text", self.text is None or run.text == self.text),
            ("finish", run.finish_reason == self.finish),
            ("flags", {*run.flags} - {CLIENT_LIMITED} == {*self.flags}),
            ("error", bool(self.error) == bool(run.error)),
            ("why", re.search(self.error, run.error or "") is not None),
        )
        return [name for name, right in pairs if not right]

    def _gaps_are_right(self) -> bool:
        """Each by itself where every token came alone, else all together."""
        told = self.run.itl_s
        if len(told) == len(self.itl_s):
            return all(_near(one, other) for one, other in zip(told, self.itl_s, strict=True))
        return _near(sum(told), sum(self.itl_s) if self.gaps else 0.0)


def measured(shape: Shape) -> Row:
    """Ask a server that answers in this shape."""
    with serving(shape.reply) as server:
        (run,) = runs_of(measure(order_for(server.base_url, runs=1, warm_up=shape.warm_up)))
        true = server.requests[-1]
    expected = shape.expected
    first_s = true.tokens_s[0] if true.tokens_s else None
    return Row(
        name=shape.name,
        run=run,
        ttft_s=_since(true, first_s),
        visible_s=_since(true, true.visible_s),
        itl_s=_gaps(true.tokens_s) if expected.gaps else (),
        tokens=expected.tokens,
        gaps=expected.gaps,
        text=expected.text,
        finish=expected.finish,
        error=expected.error,
        flags=expected.flags,
    )


def of_program(name: str, run: Run, true: dict[str, Any]) -> Row:
    """A row from a record of the truth server, which tells nanoseconds."""
    program = PROGRAMS[name]
    written_s = [(at_ns - true["t_arr"]) / 1e9 for at_ns in true["w"]]
    return Row(
        name=program,
        run=run,
        ttft_s=written_s[0],
        visible_s=written_s[8 if re.search("-[rq]8", program) else 0],
        itl_s=_gaps(written_s),
        tokens=16,
        gaps=16 - (4 if re.search("-[kg]4", program) else 1),
        text=None,
        finish="length",
        error="",
        flags=(),
    )


def _since(true: Conversation, at_s: float | None) -> float | None:
    return None if at_s is None else at_s - true.arrived_s


def _gaps(times_s: Sequence[float]) -> tuple[float, ...]:
    return tuple(later - before for before, later in pairwise(times_s))


def _near(reported: float | None, true: float | None) -> bool:
    if reported is None or true is None:
        return reported is true
    return abs(reported - true) <= TOLERANCE_S


def rows() -> Iterator[Row]:
    """Every shape; the truth server's programs only where its script is."""
    for shape in SHAPES:
        yield looked_at(partial(measured, shape))
    script = Path(__file__).resolve().parents[4] / "shared" / "truth" / "truth_server.py"
    if script.exists():
        yield from program_rows(script)


def program_rows(script: Path) -> Iterator[Row]:
    """Every program of the truth server."""
    with running(script) as url:
        for name in PROGRAMS:
            yield looked_at(lambda: of_program(name, *measured_program(url, name)))  # noqa: B023


def looked_at(look: Callable[[], Row]) -> Row:
    """Return a row that is right, or the last of a few looks that were all wrong.

    A reader that is wrong is wrong each time. A busy machine, on which the server itself wakes
    late and its tokens come together, is not.
    """
    for looks in range(1, LOOKS + 1):
        row = replace(look(), looks=looks)
        if not row.mistakes():
            break
    return row


def show(row: Row) -> str:
    """One line of the table."""
    run = row.run
    times = ((row.ttft_s, run.ttft_s), (row.visible_s, run.ttft_visible_s))
    cells = " ".join(f"{_ms(true)} {_ms(told)}" for true, told in times)
    tokens = f"{_or_dash(row.tokens):>4} {_or_dash(run.output_tokens):>4}"
    counts = f"{tokens} {row.gaps:3} {len(run.itl_s):3}"
    sums = f"{_ms(sum(row.itl_s))} {_ms(sum(run.itl_s))}"
    wrong = row.mistakes()
    again = f" at look {row.looks}" if row.looks > 1 else ""
    verdict = f"WRONG: {', '.join(wrong)}" if wrong else f"right{again}"
    ending = run.error or " ".join((_or_dash(run.finish_reason), *run.flags))
    return f"{row.name:28} {cells} {sums} {counts}  {verdict:6} {ending[:70]}"


def _ms(value_s: float | None) -> str:
    return f"{'—':>6}" if value_s is None else f"{value_s * 1e3:6.1f}"


def _or_dash(value: object) -> str:
    return "—" if value is None else str(value)


def main() -> int:
    """Print the table; 1 where a row is wrong."""
    print("true and reported; times in ms from the request, tokens, and gaps between them")
    print(
        f"{'shape':28} {'first token':>13} {'first visible':>13} {'sum of ITL':>13}"
        f" {'tokens':>9} {'gaps':>7}"
    )
    wrong = 0
    for row in rows():
        print(show(row), flush=True)
        wrong += bool(row.mistakes())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
