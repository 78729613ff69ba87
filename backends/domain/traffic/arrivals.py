"""Requests that come one after another: when, and of how many tokens, with what they share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

Part = tuple[int, int]
"""A stretch of a prompt: what it says, as a number, and how many tokens of it. Two stretches of one
number begin alike; stretches of different numbers do not."""

Shared = Literal["nothing", "cached tokens", "conversations", "blocks"]
"""By what a file says that prompts begin alike."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request.

    Attributes:
        at_s: since the first one.
        prompt: its stretches, in order.
    """

    at_s: float
    prompt: tuple[Part, ...]
    output_tokens: int

    @property
    def input_tokens(self) -> int:
        """How long its prompt is."""
        return sum(tokens for _, tokens in self.prompt)


@dataclass(frozen=True, slots=True)
class RecordedTraffic:
    """The requests of files, from their first one on.

    Attributes:
        named: the files, in a few words.
        recorded: how many requests the files have in all; `arrivals` may be the first of them.
        recorded_s: from the first of those to the last.
        shared: by what the files say that prompts begin alike.
        remarks: what was assumed, one clause each.
    """

    named: str
    arrivals: tuple[Arrival, ...]
    recorded: int
    recorded_s: float
    shared: Shared = "nothing"
    remarks: tuple[str, ...] = ()

    @property
    def lasts_s(self) -> float:
        """How long the arrivals last, with the mean time between two after the last one."""
        n = len(self.arrivals)
        return self.arrivals[-1].at_s * n / (n - 1) if n > 1 else 0.0


def rounds(arrivals: Sequence[Arrival], lasts_s: float) -> Iterator[tuple[int, float, Arrival]]:
    """Yield the number of the round, the instant and the arrival, again and again without an end.

    `lasts_s` is the length of one round, in seconds; instants count from the first round's start.
    """
    for number in count():
        for arrival in arrivals:
            yield number, number * lasts_s + arrival.at_s, arrival
