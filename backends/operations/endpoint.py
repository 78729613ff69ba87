"""An endpoint of the configuration: added from a preset, and checked with one request."""

import secrets
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.domain.ab.facts import RunEnded, SeriesEnded
from backends.domain.ab.run import Run
from backends.domain.reports.endpoint_check import Check, endpoint_checks
from backends.operations import ab
from backends.operations.ab_run import measured_series
from backends.operations.host import Host
from backends.prober.prompts import PARAGRAPH
from backends.prober.protocol import Limits, SeriesOrder, Target
from backends.problem import UsageProblem
from backends.settings.presets import Preset
from backends.settings.write import add_endpoint
from backends.wire import plain

TOKENS = 16
MODEL = "MODEL"
"""What stands for a model in a table that is yet to be filled in."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One request to an endpoint, and what it shows."""

    target: Target
    run: Run
    checks: tuple[Check, ...]

    @property
    def document(self) -> dict[str, Any]:
        """Return the document of ``endpoint check --json``."""
        run = {key: value for key, value in plain(self.run).items() if key != "target"}
        return {
            "endpoint": self.target.endpoint,
            "base_url": self.target.base_url,
            "model": self.target.model,
            "ok": self.run.error is None,
            "checks": plain(self.checks),
            "run": run,
        }


def add(
    name: str,
    preset: Preset,
    *,
    model: str | None,
    base_url: str | None,
    fill: Mapping[str, str],
) -> Path:
    """Add an endpoint from a preset, and return the file where it is.

    Raises:
        UsageProblem: a word is filled in that the preset does not have.
        ConfigError: there is an endpoint of that name, or the table has a fault.
        OSError: the file cannot be written.
    """
    unknown = [word for word in fill if word not in preset.to_fill_in]
    if unknown:
        there = ", ".join(preset.to_fill_in) or "none"
        raise UsageProblem(f"{preset.name} has no {unknown[0]} to fill in; it has {there}")
    values = dict(preset.values)
    for word, value in fill.items():
        values["base_url"] = values["base_url"].replace(word, value)
    values["base_url"] = base_url or values["base_url"]
    comments = list(preset.comments)
    left = to_fill_in(preset, values["base_url"], model)
    comments += [f"Fill in {', '.join(left)}."] if left else []
    return add_endpoint(name, {"base_url": "", "model": model or MODEL, **values}, comments)


def to_fill_in(preset: Preset, base_url: str, model: str | None) -> tuple[str, ...]:
    """Return the words in capitals that are left in a table."""
    words = [word for word in preset.to_fill_in if word in base_url]
    return (*words, *(() if model else (MODEL,)))


async def check(reference: str, host: Host, timeout_s: float | None) -> Checked:
    """Send one short request to an endpoint and return what it shows.

    Raises:
        Problem: the endpoint or its key cannot be had.
    """
    (target,) = ab.targets([reference], host.settings)
    usual = Limits()
    first_s = timeout_s or usual.ttft_s
    limits = Limits(usual.connect_s, first_s, timeout_s or usual.total_s, wait_s=first_s)
    order = SeriesOrder(
        secrets.token_hex(6),
        (target,),
        PARAGRAPH.text,
        runs=1,
        max_tokens=TOKENS,
        warm_up=False,
        limits=limits,
    )
    found = Run(target.name, 0, error="no reply came")
    async with aclosing(measured_series(order, host, afresh=True)) as facts:
        async for fact in facts:
            if isinstance(fact, RunEnded):
                found = fact.run
            elif isinstance(fact, SeriesEnded) and fact.reason and found.error == "no reply came":
                found = Run(target.name, 0, error=fact.reason)
    return Checked(target, found, endpoint_checks(found, target.model))
