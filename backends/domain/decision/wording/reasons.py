"""Why a verdict is what it is, in one or two sentences with the numbers that decide."""

from decimal import Decimal
from typing import TYPE_CHECKING

from backends.domain.decision.break_even import Crossover
from backends.domain.decision.comparability import TOKENS
from backends.domain.decision.exclusion import (
    ExclusionKind,
    NotGiven,
    Refusal,
    Remedies,
    StalePrice,
    TooFewRequests,
    TooShort,
    Unlike,
)
from backends.domain.decision.flip import Flip, FlipQuantity
from backends.domain.decision.option import Option
from backends.domain.decision.outcome import VerdictKind, cheaper, priced
from backends.domain.decision.wording.exclusions import detail, excluded_because, name_of
from backends.domain.format import ends, figure, lasting, usd
from backends.domain.prices.amounts import STALE_AFTER_DAYS
from backends.domain.traffic.demand import Horizon
from backends.domain.traffic.scales import LEAST_BLOCKS

if TYPE_CHECKING:
    from backends.domain.decision.answer import Verdict

_BEYOND: dict[VerdictKind | None, str] = {
    VerdictKind.API_CHEAPER: "the API wins",
    VerdictKind.SELF_HOST_CHEAPER: "your own GPU wins",
    VerdictKind.HYBRID_CHEAPER: "a GPU with the API for the overflow wins",
    VerdictKind.RESERVED_CHEAPER: "reserved capacity wins",
    VerdictKind.SERVERLESS_GPU_CHEAPER: "a serverless GPU wins",
    VerdictKind.CAPACITY_UNKNOWN: "it depends on what one GPU carries, which is not measured",
}
_UNITS: dict[FlipQuantity, str] = {
    "rate_rps": "req/s",
    "capacity_rps": "req/s",
    "hours_per_day": "h/day",
    "ttft_slo_s": "s",
    "observed.n": "requests",
    "api_input_tokens": "input tokens",
    "gpu_usd_per_hour": "an hour",
    "gpu_usd_per_month": "a month",
    "spot_usd_per_hour": "an hour",
    "usd_per_request": "a request",
    "serverless_usd_per_second": "a second",
    "input_usd_per_mtok": "per million input tokens",
    "output_usd_per_mtok": "per million output tokens",
    "provisioned_unit_usd_per_hour": "an hour for each unit",
    "batch_multiplier": "times the token prices",
}


def reason(found: "Verdict") -> str:
    """Return why, in one or two sentences with the numbers that decide."""
    said = _reason(found)
    if found.crosses_in_days is not None:
        said = f"{said} At the current trend that is in {figure(found.crosses_in_days)} days."
    if found.horizon is not None and (found.best or found.between):
        said = f"{said} {horizon_sentence(found.horizon)}"
    if found.unlike is not None:
        said = f"{said} {unlike_sentence(found.unlike)}"
    unpriced = found.kind is VerdictKind.UNPRICED
    return f"{said} {found.offers}" if found.offers and unpriced else said


def unlike_sentence(of: Unlike) -> str:
    """Return that two sides are not the same by their names, in one sentence."""
    return (
        f"Going by their names they differ in {of.what}: the GPU serves {of.gpu}, the API "
        f"{of.api}; only prices are compared."
    )


def horizon_sentence(horizon: Horizon) -> str:
    """Return what an answer speaks for, in one sentence."""
    seen = lasting(horizon.seen_s)
    if horizon.week:
        return f"Valid for the coming week, projected from {seen} of traffic."
    if horizon.missing_s > 0:
        return f"Valid for the {seen} observed; a weekly plan needs 7 days of traffic."
    return (
        f"Valid for the {seen} observed; a weekly plan needs 7 days that cover every hour of a "
        "weekday and of a weekend."
    )


def _reason(found: "Verdict") -> str:
    if found.refusal is not None:
        return _refusal(found.refusal) + _flips(found.flip)
    if found.stale is not None and found.if_fresh is not None:
        said = _stale(found.stale, found.remedies)
        return f"{said} At these prices: {_decided(found, found.if_fresh)}"
    return _decided(found, found.kind)


def _refusal(of: Refusal) -> str:
    match of:
        case Unlike() if of.what == TOKENS:
            apart = abs(Decimal(of.api) - Decimal(of.gpu)) / Decimal(of.gpu)
            return (
                f"The API counts {of.api} input tokens where the GPU counts {of.gpu}, "
                f"{apart * 100:.1f} % apart; send both the same prompt and chat template."
            )
        case Unlike():
            sides = f"The GPU serves {of.what} {of.gpu}, the API {of.api}"
            return f"{sides}; compare the same {of.what}."
        case NotGiven():
            *most, last = of.keys
            listed = f"{', '.join(most)} and {last}" if most else last
            return f"Without {listed} {_CONSEQUENCES[of.consequence]}."
        case TooFewRequests():
            return f"{figure(of.seen)} of {of.needed} requests; collecting data."
        case TooShort():
            seen_s = float(of.seen_s)
            if seen_s < LEAST_BLOCKS * 60:
                short = f"{lasting(seen_s)} of traffic is too short to measure bursts"
                return f"{short}; needs {LEAST_BLOCKS} minutes."
            return (
                f"The {lasting(seen_s)} of traffic are totals, which hide bursts; needs "
                f"{LEAST_BLOCKS} minutes recorded per request."
            )


_CONSEQUENCES = {
    "no_api_price": "the API has no price",
    "nothing_to_compare": "there are no two options to compare",
    "no_request_cost": "no request has a cost",
    "no_rate": "there is no decision",
}


def _stale(price: StalePrice, remedies: Remedies) -> str:
    confirm = f"confirm it with {remedies.confirm.command}" if remedies.confirm else "confirm it"
    price_of, remedy = {
        "gpu": ("GPU price", confirm),
        "contract": (
            "price of GPUs under contract",
            "read it again and set contract_price_as_of",
        ),
        "api": ("API price", confirm),
        "currency": (f"rate of {price.code}", "give the rate of today"),
    }[price.of]
    if price.days < 0:
        return f"The {price_of} is dated {-price.days} days in the future: {remedy}."
    return f"The {price_of} is {price.days} days old, more than {STALE_AFTER_DAYS}: {remedy}."


def _decided(found: "Verdict", kind: VerdictKind) -> str:
    match kind:
        case VerdictKind.TOO_CLOSE:
            return _too_close(found)
        case VerdictKind.NO_CROSSOVER:
            return _no_crossover(found.flip)
        case VerdictKind.CAPACITY_UNKNOWN:
            said = _capacity_unknown(found.crossover, found.flip)
            measure = found.remedies.measure
            return f"{said} Measure it: {measure.command}" if measure else said
        case VerdictKind.SLO_EXCLUDES:
            return _excluded_by_limit(found.options, found.flip)
        case VerdictKind.UNPRICED | VerdictKind.OVER_CAPACITY:
            return _refused(found, kind)
        case _:
            return _compared(found.options, found.flip)


def _compared(found: tuple[Option, ...], flip: Flip | None) -> str:
    """Return what the cheapest option costs against the next of another kind, and what flips it."""
    if not found:
        return _no_crossover(None)
    (cost, best), *others = priced(found)
    said = f"Cheapest is {name_of(best)} at {usd(cost, 'h')}"
    rival = next((pair for pair in others if cheaper(pair[1].name) != cheaper(best.name)), None)
    unknown = priced(found, ExclusionKind.CAPACITY_UNKNOWN)
    if rival is None and unknown:
        rival = unknown[0]
    if rival is not None:
        said += f", against {usd(rival[0], 'h')} for {name_of(rival[1])}"
    return f"{said}.{_flips(flip)}"


def _flips(flip: Flip | None) -> str:
    """Return where the verdict would change, as a sentence after another; empty if nowhere."""
    if flip is None or said_before(flip):
        return ""
    at = _amount(flip.quantity, flip.value)
    if flip.now is None:
        return f" Break-even is at {at}."
    now = usd(flip.now) if "usd" in flip.quantity else figure(flip.now)
    if flip.quantity in _TOLD:
        return _TOLD[flip.quantity].format(at=at, now=now)
    side = "Above" if flip.value > flip.now else "Below"
    return f" {side} {at} {_BEYOND.get(flip.to, 'that changes')}; you are at {now}."


def price_flip_sentence(flip: Flip) -> str:
    """Return at which value one price would change the verdict, and what it is now."""
    side = "above" if flip.now is not None and flip.value > flip.now else "below"
    now = "" if flip.now is None else f"; now {usd(flip.now)}"
    beyond = _BEYOND.get(flip.to, "that changes")
    return f"{side} {_amount(flip.quantity, flip.value)} {_PRICED[flip.quantity]} {beyond}{now}"


_PRICED: dict[FlipQuantity, str] = {
    "gpu_usd_per_hour": "for a GPU on demand",
    "gpu_usd_per_month": "for a reserved GPU",
    "spot_usd_per_hour": "for a GPU on spot",
    "serverless_usd_per_second": "for a serverless GPU",
    "provisioned_unit_usd_per_hour": "of the API",
    "input_usd_per_mtok": "of the API",
    "output_usd_per_mtok": "of the API",
    "usd_per_request": "of the API",
}


_TOLD = {
    "capacity_rps": " A GPU that carries {at} would change that; yours carries {now}.",
    "ttft_slo_s": " A limit of {at} would change that.",
    "batch_multiplier": " Without batches the limit would hold.",
}


def said_before(flip: Flip) -> bool:
    """Return whether the reason of a verdict says already what would change it."""
    return flip.quantity in _SAID_BEFORE


def flips_at(flip: Flip) -> str:
    """Return the number that would change the verdict, in few words."""
    at = _amount(flip.quantity, flip.value)
    match flip.quantity:
        case "rate_rps" if flip.now is not None:
            what = _CHEAPER.get(flip.to, "changes") if flip.to else "changes"
            return f"{what} {'above' if flip.value > flip.now else 'below'} {at}"
        case "rate_rps":
            return f"changes at {at}"
        case "observed.n":
            return f"{figure(flip.now or Decimal(0))} of {at}"
        case "capacity_rps":
            return f"changes at a capacity of {at}"
        case _:
            return f"changes at {at}"


_CHEAPER = {
    VerdictKind.SELF_HOST_CHEAPER: "GPU becomes cheaper",
    VerdictKind.RESERVED_CHEAPER: "reserved GPU becomes cheaper",
    VerdictKind.API_CHEAPER: "API becomes cheaper",
    VerdictKind.SERVERLESS_GPU_CHEAPER: "serverless GPU becomes cheaper",
    VerdictKind.HYBRID_CHEAPER: "hybrid becomes cheaper",
}
_SAID_BEFORE = frozenset({"observed.n", "api_input_tokens"})
"""What would decide is in the sentence already."""


def _amount(quantity: FlipQuantity, value: Decimal) -> str:
    return f"{usd(value) if 'usd' in quantity else figure(value)} {_UNITS[quantity]}"


def break_even_sentence(at: Crossover) -> str:
    """Return where one GPU costs what the API does, in every unit that is known; empty if none."""
    said = []
    if at.break_even_rps is not None:
        said.append(f"{figure(at.break_even_rps)} req/s")
    if at.interval is not None and figure(at.interval.low) != figure(at.interval.high):
        said[-1] += f" ({figure(at.interval.low)} to {figure(at.interval.high)})"
    if at.output_tokens_per_s is not None:
        said.append(f"{figure(at.output_tokens_per_s)} output tokens/s")
    if at.utilisation is not None:
        said.append(f"{figure(at.utilisation * 100)} % utilisation")
    if at.hours_per_day is not None:
        hours = at.hours_per_day
        said.append(
            "not reachable within 24 h/day" if hours > 24 else f"{figure(hours)} busy hours a day"
        )
    return ", ".join(said)


def _too_close(found: "Verdict") -> str:
    """Return why no side can be named, between which ways it is open, and what would decide."""
    at, rates, flip = found.crossover, found.rate_interval, found.flip
    said = "The difference is smaller than the uncertainty"
    kinds = {each for each in found.between if each in _WAYS}
    if VerdictKind.API_CHEAPER not in kinds and len(kinds) > 1:
        said += f": {_listed([_WAYS[each] for each in found.between if each in _WAYS])}"
        said += ", the API alone is dearer"
        if rates is not None:
            low, high = ends(rates.low, rates.high)
            said += f"; you are between {low} and {high} req/s"
    elif at.interval is not None:
        low, high = ends(at.interval.low, at.interval.high)
        said += f": break-even is between {low} and {high} req/s"
        if rates is not None:
            low, high = ends(rates.low, rates.high)
            said += f", you are between {low} and {high}"
        elif flip is not None and flip.quantity == "rate_rps" and flip.now is not None:
            said += f", you are at {figure(flip.now)}"
    costs = [f"{name_of(option)} {usd(cost, 'h')}" for cost, option in priced(found.options)[:2]]
    said = f"{said}. {_capital(', '.join(costs))}."
    if found.decided_in_s is not None:
        said += f" About {lasting(found.decided_in_s)} more of such traffic would decide."
    return said


_WAYS = {
    VerdictKind.API_CHEAPER: "the API",
    VerdictKind.SELF_HOST_CHEAPER: "GPUs of your own alone",
    VerdictKind.HYBRID_CHEAPER: "a GPU with the API for the overflow",
    VerdictKind.RESERVED_CHEAPER: "reserved capacity",
    VerdictKind.SERVERLESS_GPU_CHEAPER: "a serverless GPU",
}


def _listed(parts: list[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} or {last}" if most else last


def _no_crossover(flip: Flip | None) -> str:
    """Return why no number of GPUs beats the API."""
    if flip is None or flip.now is None:
        return "The API is cheaper at any GPU count: its requests cost nothing."
    return (
        f"The API is cheaper at any GPU count: one must carry {figure(flip.value)} req/s to pay "
        f"for itself, and {figure(flip.now)} is what it carries."
    )


def _capacity_unknown(at: Crossover, flip: Flip | None) -> str:
    """Return what must be measured before anything can be said."""
    if flip is None:
        return "What one GPU carries is not measured."
    needed = f"{figure(flip.value)} req/s"
    if at.output_tokens_per_s is not None and at.break_even_rps:
        tokens = at.output_tokens_per_s * flip.value / at.break_even_rps
        needed += f" ({figure(tokens)} output tokens/s)"
    return (
        f"A GPU pays off only if it carries more than {needed} within the latency limit, and what "
        f"it carries is not measured."
    )


def _excluded_by_limit(found: tuple[Option, ...], flip: Flip | None) -> str:
    """Return which cheaper option the latency limit rules out, and what is left."""
    refused, usable = priced(found, ExclusionKind.SLO_EXCLUDES), priced(found)
    cost, option = refused[0]
    why = detail(option.exclusion.detail) if option.exclusion else ""
    said = f"{_capital(name_of(option))} would cost {usd(cost, 'h')}, but {why}."
    if usable:
        left, best = usable[0]
        said += f" The cheapest that keeps the limit is {name_of(best)} at {usd(left, 'h')}."
    else:
        said += " No option that is priced keeps the limit."
    return said + _flips(flip)


def _refused(found: "Verdict", kind: VerdictKind) -> str:
    """Return why every option is ruled out."""
    because = (
        excluded_because(option.exclusion, found.remedies).partition(": ")[2]
        for option in found.options
    )
    named = [each for each in because if each] or ["no price is given"]
    what = "No option has a price" if kind is VerdictKind.UNPRICED else "No option can be chosen"
    return f"{what}: {'; '.join(dict.fromkeys(named))}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
