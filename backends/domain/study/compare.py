"""Studies side by side: what they were made with, and what differs by more than the noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backends.domain.format import UNKNOWN, usd, utc_minute
from backends.domain.prices.cost import RequestPrices
from backends.domain.reports.table import markdown_table
from backends.domain.study.figure import Figure
from backends.domain.study.figures import figures
from backends.domain.study.intervals import Interval, of_difference
from backends.domain.study.setting import arguments_text, gpus_text
from backends.domain.study.study import Study
from backends.domain.study.wording import interval_text, shown, value_text, whole_text
from backends.domain.visible import markdown

Change = Literal["beyond the noise", "inside the noise", "noise not known", "the same", ""]
COLD = ("cold_start.",)
REST = ("warm.", "length.", "capacity.", "crossover.", "cost.server_", "memory.kv_cache_tokens")
LEFT_OUT = ("warm.difference.",)
"""Differences of the two sides of one study are not compared again."""

KEY_FIGURES = (
    "cold_start.first_token_s",
    "warm.server.ttft_s",
    "warm.server.itl_s",
    "warm.endpoint.ttft_s",
    "capacity.rps",
    "crossover.medium_rps",
    "cost.server_usd_per_output_mtok",
)
"""What most readers look for, in a table of its own before all others."""

NOTE = (
    "Bold is beyond the noise: the 95 % interval of the difference from study 1 leaves zero out;"
    " where a figure has no single samples, the two intervals or brackets do not meet. Among twenty"
    " figures that did not change, one looks changed on average."
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of several studies; None where a study has not got it.

    Attributes:
        found: of each study, in their order.
        shifts: how much larger each is than that of the first, with its interval; None for the
            first and where no interval is known.
        changes: what that says; empty for the first and where a figure is missing.
    """

    key: str
    title: str
    found: tuple[Figure | None, ...]
    shifts: tuple[Interval | None, ...]
    changes: tuple[Change, ...]


def compare(studies: Sequence[Study]) -> tuple[Compared, ...]:
    """Return every figure that any of the studies has, each against that of the first."""
    each = [{found.key: found for found in figures(study)} for study in studies]
    titles = {key: found.title for known in reversed(each) for key, found in known.items()}
    order = list(dict.fromkeys(key for known in each for key in known))
    compared = []
    for key in order:
        if key.startswith(LEFT_OUT):
            continue
        row = [known.get(key) for known in each]
        judged = [(None, ""), *(_judge(row[0], other) for other in row[1:])]
        shifts, changes = zip(*judged, strict=True)
        compared.append(Compared(key, titles[key], tuple(row), shifts, changes))
    return tuple(compared)


def _judge(first: Figure | None, other: Figure | None) -> tuple[Interval | None, Change]:
    if first is None or other is None or first.value is None or other.value is None:
        return None, ""
    if first.samples and other.samples:
        shift = of_difference(first.samples, other.samples)
        return shift, said_by(shift)
    if first.value == other.value:
        return None, "the same"
    ends = (first.low, first.high, other.low, other.high)
    known = [float(end) for end in ends if end is not None]
    if len(known) < len(ends):
        return None, "noise not known"
    low, high, other_low, other_high = known
    apart = other_low > high or other_high < low
    return None, "beyond the noise" if apart else "inside the noise"


def said_by(shift: Interval | None) -> Change:
    """Return what the interval of a difference says of it."""
    if shift is None or shift.low is None or shift.high is None:
        return "noise not known"
    if shift.value == shift.low == shift.high == 0:
        return "the same"
    return "beyond the noise" if shift.low > 0 or shift.high < 0 else "inside the noise"


def settings_of(study: Study) -> dict[str, str]:
    """Return what a study was made with, as text by its name."""
    limit = f"TTFT {study.ttft_limit_s:g} s"
    limit += "" if study.itl_limit_s is None else f", ITL {study.itl_limit_s:g} s"
    kind = " ".join(["SIMULATED"] * study.simulated + ["quick" if study.quick else "whole"])
    return {
        "study": study.study_id,
        "measured (UTC)": utc_minute(study.began_wall_s),
        "kind": kind,
        "server": study.server.name,
        "GPUs": gpus_text(study),
        "host": f"{study.hardware.cpu or 'CPU unknown'}, {study.hardware.cores} cores",
        "vLLM": study.versions.vllm or UNKNOWN,
        "model": study.server.model,
        "arguments": arguments_text(study),
        "server an hour": usd(study.server.usd_per_hour),
        "endpoint": f"{study.endpoint.name}, {study.endpoint.model}",
        "endpoint's prices": _prices_text(study.endpoint.prices),
        "SLO": limit,
    }


def _prices_text(prices: RequestPrices) -> str:
    parts = (
        (prices.input_usd_per_mtok, "in"),
        (prices.output_usd_per_mtok, "out"),
        (prices.usd_per_request, "a request"),
    )
    known = [f"{usd(amount)} {word}" for amount, word in parts if amount is not None]
    return ", ".join(known) or "UNPRICED"


ALWAYS_OTHER = frozenset({"study", "measured (UTC)"})


def changed_settings(studies: Sequence[Study]) -> tuple[str, ...]:
    """Return what the studies were not made alike with."""
    each = [settings_of(study) for study in studies]
    return tuple(
        name
        for name in each[0]
        if name not in ALWAYS_OTHER and len({settings[name] for settings in each}) > 1
    )


def compare_markdown(studies: Sequence[Study]) -> str:
    """Return studies side by side as Markdown: what they are, cold starts, and all the rest."""
    each = [settings_of(study) for study in studies]
    head = ("", *(f"study {number}" for number in range(1, len(studies) + 1)))
    changed = changed_settings(studies)
    rows = [
        (f"{name}{' (differs)' if name in changed else ''}", *(known[name] for known in each))
        for name in each[0]
    ]
    compared = compare(studies)
    lines = ["# Studies side by side", "", *markdown_table(head, rows), ""]
    for title, kinds in (
        ("Key figures", KEY_FIGURES),
        ("Cold start by phase", COLD),
        ("Latency, throughput, cost", REST),
    ):
        chosen = [found for found in compared if found.key.startswith(kinds)]
        lines += [f"## {title}", "", *markdown_table(head, map(_row, chosen)), ""]
    return "\n".join([*lines, markdown(NOTE)]) + "\n"


def _row(compared: Compared) -> tuple[str, ...]:
    cells = [compared.title if "." not in compared.key else _title(compared)]
    for found, shift, change in zip(compared.found, compared.shifts, compared.changes, strict=True):
        word: str = change
        if shift is not None and shift.value and found is not None:
            sign = "+" if shift.value > 0 else "−"
            word = f"{sign}{shown(abs(shift.value), found.unit)}, {change}"
        word = f"**{word}**" if change == "beyond the noise" else word
        cells.append(f"{_short_text(found)}{'; ' if word else ''}{word}")
    return tuple(cells)


def _short_text(found: Figure | None) -> str:
    """Return value, interval and number; no interval where both ends look like the value."""
    value = value_text(found)
    if found is None or interval_text(found) not in {f"{value} to {value}", _repeated(value)}:
        return whole_text(found)
    return f"{value} (n = {found.n})"


def _repeated(value: str) -> str:
    return f"{value.partition(' ')[0]} to {value}"


def _title(compared: Compared) -> str:
    """Return the title with the length of reply that only the key names."""
    kind, _, rest = compared.key.partition(".")
    length = rest.partition(".")[0]
    named = kind == "length" and length not in compared.title
    return f"{length}: {compared.title}" if named else compared.title


def compare_document(studies: Sequence[Study]) -> dict[str, Any]:
    """Return the document of ``study compare --json``; figures are values still."""
    return {
        "studies": [settings_of(study) for study in studies],
        "changed": list(changed_settings(studies)),
        "figures": [
            {
                "key": compared.key,
                "title": compared.title,
                "values": [
                    None
                    if found is None
                    else {
                        "value": found.value,
                        "low": found.low,
                        "high": found.high,
                        "n": found.n,
                        "unit": found.unit,
                        "reason": found.reason or None,
                    }
                    for found in compared.found
                ],
                "shifts": list(compared.shifts),
                "changes": [change or None for change in compared.changes],
            }
            for compared in compare(studies)
        ],
        "note": NOTE,
    }
