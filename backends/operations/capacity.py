"""The capacity that load measured, kept for the verdict: by profile, model and arguments."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from backends.domain.format import figure
from backends.host.files import read_file, replace_file
from backends.problem import Problem
from backends.settings.config import Limits, Profile
from backends.wire import UnreadableRecord, plain, read_json, typed

OUTPUT_FACTOR = Decimal("1.25")
"""Requests whose output is longer or shorter by more than this make another capacity."""

INPUT_FACTOR = Decimal("1.5")
"""The same for prompts, whose tokens are read together and so weigh less than those written."""


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one server was measured to carry within its latency limits.

    Attributes:
        rps: the highest rate that kept the limits, requests per second.
        bounded: a higher rate broke them, so that `rps` is the capacity and no lower bound.
        output_tokens: of each request.
        measured_wall_s: seconds since 1970 UTC.
        input_tokens: of each request, None where the server told none.
        ttft_p99_s: of the requests at `rps`; None below 300, which cannot tell it.
    """

    server: str
    model: str
    args: tuple[str, ...]
    rps: Decimal
    bounded: bool
    output_tokens: int
    prompt_sha256: str
    ttft_limit_s: float
    itl_limit_s: float | None
    measured_wall_s: float
    input_tokens: int | None = None
    ttft_p99_s: float | None = None


@dataclass(frozen=True, slots=True)
class Carries:
    """What the verdict may rest on; None with the reason where that is nothing.

    Attributes:
        ttft_p99_s: of the requests at that rate; None below 300, which cannot tell it.
    """

    rps: Decimal | None
    reason: str = ""
    ttft_p99_s: float | None = None


def known_capacities(state_folder: Path) -> tuple[Capacity, ...]:
    """Return every capacity that was kept.

    Raises:
        Problem: the file cannot be read; the message names the remedy.
    """
    path = _file(state_folder)
    try:
        found = read_json(read_file(path))
        return typed(found["capacities"], tuple[Capacity, ...])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, UnreadableRecord) as error:
        raise Problem(
            f"{path} cannot be read ({error}); delete it and run: inferctl load"
        ) from error


def changed_ns(state_folder: Path) -> int:
    """Return when the capacities were last written, as the file system counts; 0 for never."""
    try:
        return _file(state_folder).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def keep_capacity(state_folder: Path, capacity: Capacity) -> Path | None:
    """Keep a capacity in the place of the one that this server had, and return the file.

    A lower bound, as a measurement that was cut short leaves it, takes no capacity's place: None.

    Raises:
        Problem: the file that is there cannot be read.
        OSError: it cannot be written.
    """
    path = _file(state_folder)
    known = known_capacities(state_folder)
    others = [each for each in known if _key(each) != _key(capacity)]
    if not capacity.bounded and any(each.bounded for each in known if each not in others):
        return None
    document = {"capacities": plain([*others, capacity])}
    replace_file(path, json.dumps(document, indent=1).encode() + b"\n")
    return path


def carried(
    capacities: tuple[Capacity, ...],
    profile: Profile | None,
    output_tokens: Decimal | None,
    input_tokens: Decimal | None = None,
    *,
    limits: Limits = NO_LIMITS,
) -> Carries:
    """Return what a profile's server carries of requests with so many tokens in and out.

    A capacity that was measured within looser limits than those of today is none.
    """
    if profile is None:
        return Carries(None, "not measured")
    wanted = (profile.name, profile.model, profile.args)
    found = next((each for each in capacities if _key(each) == wanted), None)
    if found is None:
        return Carries(None, f"not measured: inferctl load {profile.name}")
    reason = _unlike(found, output_tokens, input_tokens) or _looser(found, limits)
    return Carries(None, reason) if reason else Carries(found.rps, ttft_p99_s=found.ttft_p99_s)


def _unlike(found: Capacity, output_tokens: Decimal | None, input_tokens: Decimal | None) -> str:
    """Return why what was measured is no capacity of requests with so many tokens."""
    load = f"inferctl load {found.server}"
    if not found.bounded:
        return f"{figure(found.rps)} req/s or more, its limit was not reached"
    if not _alike(found.output_tokens, output_tokens, OUTPUT_FACTOR):
        seen = f"replies of {output_tokens:.0f} tokens"
        remedy = f"{load} --max-tokens {output_tokens:.0f}"
        return f"not measured for {seen}, only for {found.output_tokens}: {remedy}"
    if not _alike(found.input_tokens, input_tokens, INPUT_FACTOR):
        seen = f"prompts of {input_tokens:.0f} tokens"
        remedy = f"{load} --input-tokens {input_tokens:.0f}"
        return f"not measured for {seen}, only for {found.input_tokens}: {remedy}"
    return ""


def _looser(capacity: Capacity, limits: Limits) -> str:
    """Return why it was measured within looser limits than today's, empty where it was not."""
    load = f"inferctl load {capacity.server}"
    ttft, itl = limits.ttft_p99_s, limits.itl_p99_s
    seen = capacity.ttft_p99_s
    if ttft is not None and capacity.ttft_limit_s > ttft and (seen is None or seen > ttft):
        was = f"a TTFT of {capacity.ttft_limit_s:g} s"
        return f"measured only within {was}, not {ttft:g} s: {load}"
    if itl is not None and (capacity.itl_limit_s is None or capacity.itl_limit_s > itl):
        was = "any ITL" if capacity.itl_limit_s is None else f"an ITL of {capacity.itl_limit_s:g} s"
        return f"measured only within {was}, not {itl:g} s: {load}"
    return ""


def _alike(measured: int | None, seen: Decimal | None, factor: Decimal) -> bool:
    """Return whether lengths are near enough; where one is unknown, nothing contradicts."""
    if measured is None or seen is None:
        return True
    return measured <= seen * factor and seen <= measured * factor


def _key(capacity: Capacity) -> tuple[str, str, tuple[str, ...]]:
    return capacity.server, capacity.model, capacity.args


def _file(state_folder: Path) -> Path:
    return state_folder / "capacity.json"
