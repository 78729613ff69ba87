"""The reason of a verdict in one or two plain sentences, with the numbers that decide."""

from decimal import Decimal

from backends.domain.decision.break_even import Crossover
from backends.domain.decision.flip import Flip
from backends.domain.decision.option import CAPACITY_UNKNOWN, MEASURE, SLO_EXCLUDES, Option
from backends.domain.decision.outcome import VerdictKind, cheaper, priced
from backends.domain.decision.uncertainty import Band
from backends.domain.prices.amounts import figure, usd

_NAMES = {
    "api": "the API",
    "on_demand": "{n} on demand",
    "owned": "{n} of your own",
    "reserved": "{n} reserved",
    "destroyed_when_idle": "{n} destroyed when idle",
    "stopped_when_idle": "{n} powered off when idle",
    "serverless_gpu": "a serverless GPU",
    "serverless_gpu_kept_warm": "a serverless GPU kept warm",
    "provisioned_throughput": "provisioned throughput",
    "hybrid": "{n} with the API for the overflow",
}
_BEYOND: dict[VerdictKind | None, str] = {
    VerdictKind.API_CHEAPER: "the API wins",
    VerdictKind.SELF_HOST_CHEAPER: "your own GPU wins",
    VerdictKind.HYBRID_CHEAPER: "a GPU with the API for the overflow wins",
    VerdictKind.RESERVED_CHEAPER: "reserved capacity wins",
    VerdictKind.SERVERLESS_GPU_CHEAPER: "a serverless GPU wins",
    VerdictKind.CAPACITY_UNKNOWN: "it depends on what one GPU carries, which is not measured",
}
_UNITS = {
    "rate_rps": "req/s",
    "capacity_rps": "req/s",
    "hours_per_day": "h/day",
    "ttft_slo_s": "s",
    "observed.n": "requests",
    "api_input_tokens": "input tokens",
    "gpu_usd_per_hour": "an hour",
    "gpu_usd_per_month": "a month",
    "usd_per_request": "a request",
    "serverless_usd_per_second": "a second",
    "output_usd_per_mtok": "per million output tokens",
    "provisioned_unit_usd_per_hour": "an hour for each unit",
    "batch_multiplier": "times the token prices",
}


def name_of(option: Option) -> str:
    """Return an option as a noun, such as ``2 GPUs on demand``."""
    count = option.replicas or 1
    return _NAMES[option.name].format(n="one GPU" if count == 1 else f"{count} GPUs")


def compared(found: tuple[Option, ...], flip: Flip | None) -> str:
    """Return what the cheapest option costs against the next of another kind, and what flips it."""
    (cost, best), *others = priced(found)
    said = f"Cheapest is {name_of(best)} at {usd(cost, 'h')}"
    rival = next((pair for pair in others if cheaper(pair[1].name) != cheaper(best.name)), None)
    unknown = priced(found, CAPACITY_UNKNOWN)
    if rival is None and unknown:
        rival = unknown[0]
    if rival is not None:
        said += f", against {usd(rival[0], 'h')} for {name_of(rival[1])}"
    return f"{said}.{flips(flip)}"


def flips(flip: Flip | None) -> str:
    """Return where the verdict would change, as a sentence after another; empty if nowhere."""
    if flip is None or flip.quantity in _SAID_BEFORE:
        return ""
    at = _amount(flip.quantity, flip.value)
    if flip.now is None:
        return f" Break-even is at {at}."
    now = usd(flip.now) if "usd" in flip.quantity else figure(flip.now)
    if flip.quantity in _TOLD:
        return _TOLD[flip.quantity].format(at=at, now=now)
    side = "Above" if flip.value > flip.now else "Below"
    return f" {side} {at} {_BEYOND.get(flip.to, 'that changes')}; you are at {now}."


_TOLD = {
    "capacity_rps": " A GPU that carries {at} would change that; yours carries {now}.",
    "ttft_slo_s": " A limit of {at} would change that.",
    "batch_multiplier": " Without batches the limit would hold.",
}


def flips_at(flip: Flip) -> str:
    """Return the number that would change the verdict, in few words; only a rate is flipped at."""
    at = _amount(flip.quantity, flip.value)
    match flip.quantity:
        case "rate_rps":
            return f"flips at {at}"
        case "observed.n":
            return f"{figure(flip.now or Decimal(0))} of {at}"
        case "capacity_rps":
            return f"changes at a capacity of {at}"
        case _:
            return f"changes at {at}"


_SAID_BEFORE = frozenset({"observed.n", "api_input_tokens"})
"""What would decide is in the sentence already."""


def _amount(quantity: str, value: Decimal) -> str:
    return f"{usd(value) if 'usd' in quantity else figure(value)} {_UNITS[quantity]}"


def break_even_sentence(at: Crossover) -> str:
    """Return where one GPU costs what the API does, in every unit that is known; empty if none."""
    said = []
    if at.break_even_rps is not None:
        said.append(f"{figure(at.break_even_rps)} req/s")
    if at.interval is not None:
        said[-1] += f" ({figure(at.interval.low)} to {figure(at.interval.high)})"
    if at.output_tokens_per_s is not None:
        said.append(f"{figure(at.output_tokens_per_s)} output tokens/s")
    if at.utilisation is not None:
        said.append(f"{figure(at.utilisation * 100)} % utilisation")
    if at.hours_per_day is not None:
        hours = at.hours_per_day
        said.append("no day is long enough" if hours > 24 else f"{figure(hours)} busy hours a day")
    return ", ".join(said)


def too_close(
    found: tuple[Option, ...], at: Crossover, flip: Flip | None, rates: Band | None
) -> str:
    """Return why no side can be named."""
    said = "The difference is smaller than what the figures leave open"
    if at.interval is not None:
        low, high = figure(at.interval.low), figure(at.interval.high)
        said += f": break-even is between {low} and {high} req/s"
        if rates is not None:
            said += f", you are between {figure(rates.low)} and {figure(rates.high)}"
        elif flip is not None and flip.quantity == "rate_rps" and flip.now is not None:
            said += f", you are at {figure(flip.now)}"
    costs = [f"{name_of(option)} {usd(cost, 'h')}" for cost, option in priced(found)[:2]]
    return f"{said}. {_capital(', '.join(costs))}."


def no_crossover(flip: Flip | None) -> str:
    """Return why no number of GPUs beats the API."""
    if flip is None or flip.now is None:
        return "No number of GPUs beats the API: its requests cost nothing."
    return (
        f"No number of GPUs beats the API: one must carry {figure(flip.value)} req/s to pay for "
        f"itself, and {figure(flip.now)} is what it carries."
    )


def capacity_unknown(at: Crossover, flip: Flip | None) -> str:
    """Return what must be measured before anything can be said."""
    if flip is None:
        return f"What one GPU carries is not measured. Measure it: {MEASURE}"
    needed = f"{figure(flip.value)} req/s"
    if at.output_tokens_per_s is not None and at.break_even_rps:
        tokens = at.output_tokens_per_s * flip.value / at.break_even_rps
        needed += f" ({figure(tokens)} output tokens/s)"
    return (
        f"A GPU pays off only if it carries more than {needed} within the latency limit, and what "
        f"it carries is not measured. Measure it: {MEASURE}"
    )


def excluded_by_limit(found: tuple[Option, ...], flip: Flip | None) -> str:
    """Return which cheaper option the latency limit rules out, and what is left."""
    refused, usable = priced(found, SLO_EXCLUDES), priced(found)
    cost, option = refused[0]
    why = option.excluded_because.partition(": ")[2]
    said = f"{_capital(name_of(option))} would cost {usd(cost, 'h')}, but {why}."
    if usable:
        left, best = usable[0]
        said += f" The cheapest that keeps the limit is {name_of(best)} at {usd(left, 'h')}."
    else:
        said += " No option that is priced keeps the limit."
    return said + flips(flip)


def refused(found: tuple[Option, ...], kind: VerdictKind) -> str:
    """Return why every option is ruled out."""
    reasons = [option.excluded_because.partition(": ")[2] for option in found]
    named = [reason for reason in reasons if reason] or ["no price is given"]
    what = "No option has a price" if kind is VerdictKind.UNPRICED else "No option can be chosen"
    return f"{what}: {'; '.join(dict.fromkeys(named))}."


def missing(names: list[str], consequence: str) -> str:
    """Return which keys are missing and what follows from that."""
    *most, last = names
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"Without {listed} {consequence}."


def seen_too_few(seen: Decimal, least: int) -> str:
    """Return how many of the requests that are needed were observed."""
    return f"{figure(seen)} of {least} requests were seen; fewer tell too little about their mean."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
