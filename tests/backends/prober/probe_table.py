"""The cold-start probe against fifty kinds of endpoint, on a made-up clock: `make probe-table`."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backends.domain.ab.cold import limits_of
from backends.domain.format import pause
from backends.domain.reports.cold_probe import verdict_line
from tests.backends.prober.cold_endpoints import (
    GAPS,
    LASTING,
    NEVER,
    REFUSALS,
    Endpoint,
    plan,
    probed,
)

COLD, NONE, ENDED = "COLD after", "no cold start observed", "ended early"


@dataclass(frozen=True)
class Kind:
    """An endpoint, and the answer that is right for it."""

    endpoint: Endpoint
    answer: str


@dataclass(frozen=True)
class Row:
    """What a probe of one kind came to; times in seconds of the simulated clock."""

    name: str
    planned: int
    most: int
    sent: int
    took_s: float
    most_s: float
    answer: str
    expected: str

    @property
    def right(self) -> bool:
        """Whether it ended within its bounds with the right answer."""
        within = self.sent <= self.most and self.took_s <= self.most_s
        return within and self.answer == self.expected


def _kinds() -> dict[str, Kind]:
    kinds = {
        "always awake": Kind(Endpoint(), NONE),
        "awake, a reply takes 20 s": Kind(Endpoint(takes_s=20.0), NONE),
        "asleep after 20 min, longer than any pause": Kind(Endpoint(asleep_after_s=1200.0), NONE),
        "a key that is refused": Kind(Endpoint(LASTING, fails_from=0), ENDED),
        "a key that is refused later": Kind(Endpoint(LASTING, fails_from=9), ENDED),
        "charges more than was said": Kind(Endpoint(cost_usd="0.01"), ENDED),
        "ten minutes for each reply": Kind(Endpoint(takes_s=600.0), ENDED),
    }
    for after_s, gap_s in ((30.0, GAPS[0]), (300.0, GAPS[1])):
        for awake_s in (3.0, 60.0, 900.0):
            kinds[f"asleep after {after_s:g} s, holds a request {awake_s:g} s"] = Kind(
                Endpoint(asleep_after_s=after_s, awake_after_s=awake_s, holds=True),
                f"{COLD} {pause(gap_s)}",
            )
    for name, refusal in REFUSALS.items():
        for after_s, awake_s, gap_s in ((30.0, 20.0, GAPS[0]), (300.0, 90.0, GAPS[1])):
            kinds[f"{name}: asleep after {after_s:g} s, awake after {awake_s:g} s"] = Kind(
                Endpoint(*refusal, after_s, awake_s), f"{COLD} {pause(gap_s)}"
            )
        kinds[f"{name}: never wakes up"] = Kind(Endpoint(*refusal, 300.0, NEVER), ENDED)
        kinds[f"{name}: always down"] = Kind(Endpoint(*refusal, fails_from=0), ENDED)
        kinds[f"{name}: every fourth request"] = Kind(
            Endpoint(*refusal, fails_each=4), "not called cold"
        )
    return kinds


KINDS = tuple(_kinds())


async def measured(name: str, state: Path) -> Row:
    """Probe one kind to the end."""
    kind, planned = _kinds()[name], plan()
    limits = limits_of(planned)
    report = await probed(kind.endpoint, planned, state)
    cold_s, verdict = report.finding.cold_after_s, verdict_line(report)
    answer = NONE if NONE in verdict and report.complete else ENDED if report.ended else "unsure"
    if cold_s is not None:
        answer = f"{COLD} {pause(cold_s)}"
    if kind.answer == "not called cold" and cold_s is None:
        answer = kind.answer
    began_s = Endpoint().now_s
    took_s = kind.endpoint.now_s - began_s
    return Row(
        name,
        planned.requests,
        limits.requests,
        kind.endpoint.sent,
        took_s,
        limits.lasts_s,
        answer,
        kind.answer,
    )


def show(row: Row) -> str:
    """One line of the table."""
    right = "right" if row.right else f"WRONG: {row.expected}"
    return (
        f"{row.name:46} {row.planned:7} {row.most:5} {row.sent:5} {pause(round(row.took_s)):>8}"
        f" {pause(row.most_s):>8}  {row.answer:24} {right}"
    )


def main() -> int:
    """Print the table; 1 where a row is wrong."""
    print(
        f"{'endpoint':46} {'planned':>7} {'most':>5} {'sent':>5} {'ended':>8} {'by':>8}"
        f"  {'answer':24} right"
    )
    wrong = 0
    for name in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            row = asyncio.run(measured(name, Path(folder) / "probes.jsonl"))
        print(show(row), flush=True)
        wrong += not row.right
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
