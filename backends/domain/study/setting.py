"""What a study was made with: hardware, versions, arguments, prices, method, what stays open."""

from datetime import date

from backends.domain.format import GIB, UNKNOWN, clock, plain_s, usd, utc_minute
from backends.domain.study.shape import Section, Table
from backends.domain.study.study import Study

METHOD = (
    (
        "Requests are sent over plain sockets by a process of its own. TTFT runs from the send of"
        " the last request byte to the kernel's receive timestamp of the first chunk that carries a"
        " generated token; tokens are what the endpoint's usage counts."
    ),
    (
        "The two sides are asked in random order within each round, every request with a fresh"
        " nonce so that no prefix cache answers; one warm-up at each side is discarded."
    ),
    (
        "A figure of runs is their median with the interval between two order statistics; one of"
        " starts is their mean with Student's interval; the difference of the sides is the"
        " Hodges-Lehmann shift with the interval of the inverted Mann-Whitney test. All are of"
        " 95 %: among twenty such intervals one misses on average."
    ),
    (
        "The capacity is found by open-loop load: requests leave at Poisson times whether or not"
        " others came back, the rate rises by half until 99 of 100 requests no longer keep the"
        " limits, then the gap is halved three times. A rate that misses the limits by too few"
        " requests to prove it is tried twice. The two ends are tested rates, not an interval of"
        " 95 %."
    ),
)


def setting_sections(study: Study) -> tuple[Section, ...]:
    """Return what a study was made with and what it leaves open, as sections."""
    return (
        Section("Method", METHOD),
        Section("Hardware and software", (), (Table(("what", ""), _setting(study)),)),
        Section("Prices", (), (Table(("price", "amount", "of", "source"), _prices(study)),)),
        Section("The steps", (), (Table(("step", "began (UTC)", "took"), _steps(study)),)),
        Section(
            "What was not measured, and why",
            (),
            (
                Table(
                    ("what", "why"),
                    tuple((each.what, each.reason) for each in study.not_measured),
                ),
            ),
        ),
    )


def gpus_text(study: Study) -> str:
    """Return the GPUs in one line, such as ``2 x MI300X, 192 GiB``."""
    counted: dict[tuple[str, int | None], int] = {}
    for gpu in study.hardware.gpus:
        kind = (gpu.name, gpu.memory_bytes)
        counted[kind] = counted.get(kind, 0) + 1
    kinds = [
        f"{number} x {name}{'' if size is None else f', {size / GIB:.0f} GiB'}"
        for (name, size), number in counted.items()
    ]
    return "; ".join(kinds) or f"none: {study.hardware.gpus_reason}"


def arguments_text(study: Study) -> str:
    """Return the server's arguments and what of its environment changes a start, in one line."""
    variables = [f"{name}={value}" for name, value in study.server.environment]
    return " ".join((*variables, *study.server.args)) or "none beside the model"


def _setting(study: Study) -> tuple[tuple[str, str], ...]:
    hardware, versions = study.hardware, study.versions
    memory = hardware.memory_bytes
    size = UNKNOWN if memory is None else f"{memory / GIB:.0f} GiB"
    return (
        ("GPUs", gpus_text(study)),
        ("host", f"{hardware.cpu or 'CPU unknown'}, {hardware.cores} cores, {size}"),
        ("vLLM", versions.vllm or f"{UNKNOWN} (no start was seen)"),
        ("model", study.server.model),
        ("arguments", arguments_text(study)),
        ("endpoint", f"{study.endpoint.name}, model {study.endpoint.model}"),
        ("SLO", f"TTFT {study.ttft_limit_s:g} s" + _itl(study)),
        ("software", (f"inferctl {versions.inferctl}, Python {versions.python}, "
                     f"Linux {versions.kernel}")),
        ("measured (UTC)", f"{utc_minute(study.began_wall_s)} to {utc_minute(study.ended_wall_s)}"),
        ("study", study.study_id),
    )  # fmt: skip


def _itl(study: Study) -> str:
    return "" if study.itl_limit_s is None else f", ITL {study.itl_limit_s:g} s"


def _prices(study: Study) -> tuple[tuple[str, ...], ...]:
    server, endpoint = study.server, study.endpoint
    prices, of = endpoint.prices, _day(endpoint.price_as_of)
    source = endpoint.price_source or "the configuration"
    rows = [
        ("the server, an hour", usd(server.usd_per_hour), _day(server.price_as_of),
         "the configuration")
    ]  # fmt: skip
    for title, amount in (
        ("a million input tokens", prices.input_usd_per_mtok),
        ("a million cached input tokens", prices.cached_input_usd_per_mtok),
        ("a million output tokens", prices.output_usd_per_mtok),
        ("a request", prices.usd_per_request),
    ):
        if amount is not None:
            rows.append((title, usd(amount), of, source))
    if not prices.known:
        rows.append(("the endpoint", "UNPRICED", UNKNOWN, ""))
    if prices.fee_percent is not None:
        rows.append(("fee on all of it", f"{prices.fee_percent} %", of, source))
    return tuple(rows)


def _day(of: date | None) -> str:
    return "no date" if of is None else of.isoformat()


def _steps(study: Study) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            each.step,
            utc_minute(each.began_wall_s),
            plain_s(each.lasted_s) if each.lasted_s < 600 else clock(each.lasted_s),
        )
        for each in study.steps
    )
